"""From what arrived since the last tick to windows of the log.

Pure: whoever calls ``tick`` brings the arrivals and the time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from vizd.events.facet import Facet
from vizd.log.interfaces import ILog
from vizd.log.window import Draft, Mark

__all__ = ["Arrival", "Coalescer"]


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
        self._opened_ms = now_ms
        self._opened_monotonic_ms = monotonic_ms
        self._appended_monotonic_ms = monotonic_ms

    def tick(self, arrivals: Iterable[Arrival], now_ms: int, monotonic_ms: int) -> None:
        """Append what arrived since the last tick.

        :param now_ms: wall clock, milliseconds since the Unix epoch; it may jump.
        :param monotonic_ms: a clock that does not.
        """
        facets: list[Facet] = []
        fragments: list[bytes] = []
        marks: list[Mark] = []
        size_bytes = 0
        for arrival in arrivals:
            full = (
                len(fragments) + len(arrival.fragments) > self.MAX_WINDOW_EVENTS
                or size_bytes + arrival.size_bytes > self.MAX_WINDOW_BYTES
            )
            if full and marks:
                self._append(facets, fragments, marks, monotonic_ms)
                facets, fragments, marks, size_bytes = [], [], [], 0
            facets += arrival.facets
            fragments += arrival.fragments
            size_bytes += arrival.size_bytes
            marks.append(arrival.mark)
        is_silent = not marks
        if is_silent:
            self._reopen_at_last_append(now_ms, monotonic_ms)
        if not is_silent or monotonic_ms - self._appended_monotonic_ms >= self.QUIET_MS:
            self._append(facets, fragments, marks, monotonic_ms)
            self._appended_monotonic_ms = monotonic_ms
        self._opened_ms, self._opened_monotonic_ms = now_ms, monotonic_ms

    def _reopen_at_last_append(self, now_ms: int, monotonic_ms: int) -> None:
        """An empty window stands for all the silence since the last one."""
        self._opened_monotonic_ms = self._appended_monotonic_ms
        self._opened_ms = now_ms - (monotonic_ms - self._opened_monotonic_ms)

    def _append(self, facets: list[Facet], fragments: list[bytes], marks: list[Mark], monotonic_ms: int) -> None:
        length_ms = monotonic_ms - self._opened_monotonic_ms
        self._log.append(Draft(self._opened_ms, length_ms, facets, fragments, marks))
