"""``/api/history`` of the last minute, compared to what was seen live, window by window and byte by byte."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bench.daemon import Daemon
from bench.tally import WindowSeen, digest_of_lines

__all__ = ["Compared", "compare_last_minute"]

EVENTS_PER_PAGE = 20_000
"""A page of some 3 MB: the driver's memory and the daemon's turn stay small."""


class _Batch(msgspec.Struct):
    window_start: int
    window_end: int
    events: list[msgspec.Raw]


class _Page(msgspec.Struct):
    batches: list[_Batch]
    gaps: list[dict[str, Any]]
    total_events: int
    next_from: int | None


_PAGE = msgspec.json.Decoder(_Page)


@dataclass(slots=True)
class Compared:
    """What came of it.

    :ivar live_events: in the windows of that range, as the reference received them. :ivar events: as the pages said.
    """

    from_ms: int
    to_ms: int
    live_events: int
    events: int = 0
    pages: int = 0
    faults: list[str] = field(default_factory=list)


def compare_last_minute(daemon: Daemon, windows: Sequence[WindowSeen], oldest_ms: int) -> Compared | None:
    """``None`` where nothing was seen live.

    :param windows: all that was seen, in order; a live one may be the hull of several of the log.
    :param oldest_ms: what the log still has.
    """
    if not windows:
        return None
    to_ms = windows[-1].end_ms
    recent = [each for each in windows if each.start_ms >= max(oldest_ms, to_ms - 60_000)]
    compared = Compared(recent[0].start_ms, to_ms, sum(each.events for each in recent))
    past = _Past(recent, compared.faults)
    next_from: int | None = compared.from_ms
    while next_from is not None:
        page = _PAGE.decode(daemon.get(f"/api/history?from={next_from}&to={to_ms}&limit={EVENTS_PER_PAGE}"))
        compared.pages += 1
        compared.events += page.total_events
        if page.gaps:
            compared.faults.append(f"history declares gaps: {page.gaps[:3]}")
        if page.total_events != sum(len(each.events) for each in page.batches):
            compared.faults.append(f"history from {next_from}: total_events {page.total_events} is not what it holds")
        for batch in page.batches:
            past.add(batch)
        if page.next_from is not None and page.next_from <= next_from:
            compared.faults.append(f"history from {next_from}: next_from {page.next_from} does not lead on")
            break
        next_from = page.next_from
    past.end()
    return compared


class _Past:
    """Collects the log's windows under the live ones that covered them."""

    def __init__(self, live: Sequence[WindowSeen], faults: list[str]) -> None:
        self._live = live
        self._at = 0
        self._lines: list[msgspec.Raw] = []
        self._faults = faults

    def add(self, batch: _Batch) -> None:
        while self._at < len(self._live) and batch.window_start >= self._live[self._at].end_ms:
            # A window's successor may begin at its end, or, when two fell into one millisecond, before it.
            self._close()
        if self._at + 1 < len(self._live) and batch.window_start >= self._live[self._at + 1].start_ms:
            self._close()
        self._lines += batch.events

    def end(self) -> None:
        while self._at < len(self._live):
            self._close()

    def _close(self) -> None:
        live = self._live[self._at]
        if len(self._lines) != live.events or digest_of_lines(self._lines) != live.digest:
            self._faults.append(
                f"history of [{live.start_ms}, {live.end_ms}): {len(self._lines)} events, "
                f"live {live.events}{'' if len(self._lines) != live.events else ', with other content'}"
            )
        self._lines = []
        self._at += 1
