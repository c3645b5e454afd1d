"""An incident as it is read: what is whole, and a sentence for each thing that is not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from vizd.client.moments import clock
from vizd.incident.chunks import Chunk, Damaged, Head, read_chunks

__all__ = ["Incident", "check_incident"]


def check_incident(path: Path) -> None:
    """
    :raises ValueError: it can't be read, or is none.
    """
    try:
        with path.open("rb") as file:
            next(read_chunks(file), None)
    except (OSError, ValueError) as why:  # A name with a zero byte is a ValueError.
        raise ValueError(f"{getattr(why, 'strerror', None) or why}; use a file of vizctl export") from None


class Incident:
    """One file.

    :ivar damage: what is not whole, as far as it has been read.
    :ivar header: ``{"version", "url", "from_ms", "to_ms", "at_ms"}``; empty where it is damaged.
    """

    def __init__(self, file: BinaryIO) -> None:
        """
        :raises NotAnIncident: when it is read: it is none, or of another version.
        """
        self._chunks = read_chunks(file)
        self.header: dict[str, Any] = {}
        self.damage: list[str] = []

    def items(self) -> Iterator[tuple[str, Any]]:
        """In order: ``coverage`` (a map), ``state`` (an event), ``window`` and ``gap`` (maps, mixed)."""
        number = 0
        has_end = False
        latest_ms: int | None = None
        for found in self._chunks:
            head = found.head
            if head is not None and head.number > number:
                self.damage.append(f"{head.number - number} chunks are missing behind {_moment(latest_ms)}")
            if head is not None:
                number = head.number + 1
                latest_ms = head.to_ms if head.to_ms is not None else latest_ms
            if isinstance(found, Damaged):
                self.damage.append(_sentence(found))
                continue
            if head is not None and head.kind == "end":
                has_end = True
                continue
            yield from self._of(found)
        if not has_end:
            self.damage.append(f"the end is missing: nothing is known behind {_moment(latest_ms)}")

    def _of(self, chunk: Chunk) -> Iterator[tuple[str, Any]]:
        for item in chunk.items:
            if chunk.head.kind == "header" and isinstance(item, dict):
                self.header = item
            elif chunk.head.kind in ("coverage", "state"):
                yield chunk.head.kind, item
            elif chunk.head.kind == "windows" and isinstance(item, dict):
                yield ("gap", item["gap"]) if "gap" in item else ("window", item)


def _sentence(damaged: Damaged) -> str:
    where = f"at byte {damaged.at}: {damaged.why}"
    return where if damaged.head is None else f"{where}; missing: {_contents(damaged.head)}"


def _contents(head: Head) -> str:
    if head.kind != "windows":
        return f"a part of the {head.kind}" if head.kind in ("coverage", "state") else f"the {head.kind}"
    return f"{head.events:,} events from {_moment(head.from_ms)} to {_moment(head.to_ms)}"


def _moment(ms: int | None) -> str:
    return "its beginning" if ms is None else clock(ms)
