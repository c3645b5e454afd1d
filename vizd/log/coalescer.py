"""From what arrived since the last tick to windows of the log.

Pure: whoever calls ``tick`` brings the arrivals and the time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vizd.events.facet import Facet
from vizd.log.interfaces import ILog
from vizd.log.window import Draft, Mark

__all__ = ["Arrival", "Coalescer"]

ROUNDING_MS = 5
"""By no more the two clocks differ over a window, unless the wall clock was set."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message of a publisher, decoded; or its connecting or disconnecting.

    ``facets`` and ``fragments`` are columns of one length. ``size_bytes`` is that of the fragments.
    """

    mark: Mark
    facets: list[Facet]
    fragments: list[bytes]
    size_bytes: int


class Coalescer:
    """Turns each tick's arrivals into one window: none where nothing arrived, but one a second at least.

    A tick that brings more than a message to a dashboard may hold makes several windows.

    :cvar QUIET_MS: after this long without a window there is an empty one, so that time passes for the
        folds over the log on a silent cluster too.
    :cvar MAX_WINDOW_EVENTS: with ``MAX_WINDOW_BYTES``, the bounds of one message (wire contract, "Order and
        completeness"); an arrival is not divided, so a window may go beyond them by one message of a node.
    """

    QUIET_MS = 1_000
    MAX_WINDOW_EVENTS = 10_000
    MAX_WINDOW_BYTES = 1 << 20

    def __init__(self, log: ILog, now_ms: int, monotonic_ms: int) -> None:
        """Times as in ``tick``; the first window opens here."""
        self._log = log
        self._opened = self._appended = _Instant(now_ms, monotonic_ms)

    def tick(self, arrivals: Iterable[Arrival], now_ms: int, monotonic_ms: int) -> None:
        """Append what arrived since the last tick.

        :param now_ms: wall clock, milliseconds since the Unix epoch; it may jump.
        :param monotonic_ms: a clock that does not.
        """
        now = _Instant(now_ms, monotonic_ms)
        windows = list(self._divided(arrivals))
        if windows:
            self._append(windows, self._opened, now)
        elif now.monotonic_ms - self._appended.monotonic_ms >= self.QUIET_MS:
            self._append([_Content()], self._appended, now)  # It stands for all the silence since the last one.
        self._opened = now

    def _divided(self, arrivals: Iterable[Arrival]) -> Iterator["_Content"]:
        content, size_bytes = _Content(), 0
        for arrival in arrivals:
            is_full = (
                len(content.fragments) + len(arrival.fragments) > self.MAX_WINDOW_EVENTS
                or size_bytes + arrival.size_bytes > self.MAX_WINDOW_BYTES
            )
            if is_full and content.marks:
                yield content
                content, size_bytes = _Content(), 0
            content.facets += arrival.facets
            content.fragments += arrival.fragments
            content.marks.append(arrival.mark)
            size_bytes += arrival.size_bytes
        if content.marks:
            yield content

    def _append(self, windows: Sequence["_Content"], opened: "_Instant", now: "_Instant") -> None:
        """Each of several gets its part of the time, so that no two windows overlap."""
        length_ms = now.monotonic_ms - opened.monotonic_ms
        if abs(now.wall_ms - opened.wall_ms - length_ms) <= ROUNDING_MS:
            length_ms = now.wall_ms - opened.wall_ms  # The next one opens exactly where this one ends.
        for number, content in enumerate(windows):
            from_ms, to_ms = (length_ms * part // len(windows) for part in (number, number + 1))
            draft = Draft(opened.wall_ms + from_ms, to_ms - from_ms, content.facets, content.fragments, content.marks)
            self._log.append(draft)
        self._appended = now


@dataclass(frozen=True, slots=True)
class _Instant:
    wall_ms: int
    monotonic_ms: int


@dataclass(slots=True)
class _Content:
    facets: list[Facet] = field(default_factory=list)
    fragments: list[bytes] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
