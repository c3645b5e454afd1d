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

_size = msgspec.msgpack.Encoder().encode


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
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._number = 0
        self._items: list[Any] = []
        self._bytes = 0

    def chunk(self, kind: str, items: Sequence[Any], **span: Any) -> None:
        write_chunk(self._file, Head(number=self._number, kind=kind, **span), items)
        self._number += 1

    def add(self, kind: str, item: Any) -> None:
        self._items.append(item)
        self._bytes += len(_size(item))
        if self._bytes >= CHUNK_BYTES:
            self.flush(kind)

    def flush(self, kind: str) -> None:
        items, self._items, self._bytes = self._items, [], 0
        if not items:
            return
        windows = [item for item in items if "window_start" in item]
        self.chunk(
            kind,
            items,
            from_ms=windows[0]["window_start"] if windows else None,
            to_ms=windows[-1]["window_end"] if windows else None,
            events=sum(len(each["events"]) for each in windows) if windows else len(items),
        )


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
        writer.add("state", event)
    writer.flush("state")
    windows = events = gaps = 0
    last_ms = first_ms
    async with aclosing(api.history(from_ms=first_ms, to_ms=to_ms)) as items:
        async for item in items:
            if "gap" in item:
                gaps += 1
                writer.add("windows", item)
            elif "events" in item:
                windows += 1
                events += len(item["events"])
                last_ms = item["window_end"]
                writer.add("windows", item)
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
