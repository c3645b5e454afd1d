"""From a daemon into a file: the state in front of the first window, the coverage, then the windows as they come."""

import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from vizd import __version__
from vizd.client.api import Api
from vizd.client.trouble import DaemonError
from vizd.incident.chunks import Head, begin, write_chunk

__all__ = ["Exported", "export"]

CHUNK_BYTES = 256 * 1024
"""Of items, about, before they are compressed; a chunk ends at the one that brings it there. It is what one damaged
place costs."""

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Exported:
    """What is in the file.

    :ivar from_ms: where the first window begins. :ivar to_ms: where the last one ends. :ivar gaps: parts that the
        daemon did not have any more.
    """

    from_ms: int
    to_ms: int
    windows: int
    events: int
    keys: int
    gaps: int


class _Writer:
    """Gathers items into chunks. An item is encoded once: for its size, and for the file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._number = 0
        self._begin()

    def _begin(self) -> None:
        self._items: list[msgspec.Raw] = []
        self._bytes = self._events = 0
        self._from_ms: int | None = None
        self._to_ms: int | None = None

    def chunk(self, kind: str, items: Sequence[Any], **span: Any) -> None:
        write_chunk(self._file, Head(number=self._number, kind=kind, **span), items)
        self._number += 1

    def add(self, kind: str, item: dict[str, Any], events: int) -> None:
        encoded = _encode(item)
        self._items.append(msgspec.Raw(encoded))
        self._bytes += len(encoded)
        self._events += events
        if "window_start" in item:
            self._from_ms = item["window_start"] if self._from_ms is None else self._from_ms
            self._to_ms = item["window_end"]
        if self._bytes >= CHUNK_BYTES:
            self.flush(kind)

    def flush(self, kind: str) -> None:
        if self._items:
            self.chunk(kind, self._items, from_ms=self._from_ms, to_ms=self._to_ms, events=self._events)
            self._begin()


async def export(
    api: Api,
    file: BinaryIO,
    *,
    from_ms: int | None = None,
    to_ms: int | None = None,
    progress: Callable[[int, int], None] = lambda _at_ms, _from_ms: None,
) -> Exported:
    """Write what happened in [from_ms, to_ms), by the starts of windows. Memory does not grow with it.

    :param from_ms: ``None``: from the oldest. :param to_ms: ``None``: to now.
    :param progress: told where it is, and where it began.
    :raises DaemonError: the daemon could not be asked, or has nothing of that time.
    :raises OSError: it can't be written.
    """
    first_ms = await _first_ms(api, from_ms, to_ms)
    # A window ends where the next one begins: nothing falls between the state and the first window.
    state = await api.state(at_ms=first_ms)
    coverage = await api.coverage(from_ms=first_ms, to_ms=to_ms)
    begin(file)
    writer = _Writer(file)
    header = {
        "version": __version__,
        "url": api.address.url,
        "from_ms": first_ms,
        "to_ms": to_ms,
        "at_ms": time.time_ns() // 1_000_000,
        "state_is_truncated": state["truncated"],
        "unknown": state["unknown"],
    }
    writer.chunk("header", [header])
    writer.chunk("coverage", [coverage])
    for event in state["events"]:
        writer.add("state", event, 1)
    writer.flush("state")
    windows = events = gaps = 0
    last_ms = first_ms
    async with aclosing(api.history(from_ms=first_ms, to_ms=to_ms)) as items:
        async for item in items:
            if "gap" in item:
                gaps += 1
                writer.add("windows", item, 0)
            elif "events" in item:
                windows += 1
                events += len(item["events"])
                last_ms = item["window_end"]
                writer.add("windows", item, len(item["events"]))
                progress(last_ms, first_ms)
    writer.flush("windows")
    writer.chunk("end", [{"windows": windows, "events": events, "gaps": gaps}])
    return Exported(first_ms, last_ms, windows, events, len(state["events"]), gaps)


async def _first_ms(api: Api, from_ms: int | None, to_ms: int | None) -> int:
    async with aclosing(api.history(from_ms=from_ms, to_ms=to_ms, limit=1)) as items:
        async for item in items:
            if "window_start" in item:
                return int(item["window_start"])
    raise DaemonError(f"{api.address.url}: nothing happened in that time, or the daemon has forgotten it")
