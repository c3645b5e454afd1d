"""The log in plain memory, bounded by age and by bytes.

It keeps every window as it came. Pure: its only clock is that of the windows.
"""

from bisect import bisect_left
from collections.abc import Callable
from operator import attrgetter

from zope.interface import implementer

from vizd.log.interfaces import ILog
from vizd.log.window import START, Draft, Gap, Page, PageLimits, Position, Window

__all__ = ["MemoryLog"]

_MAX_TRIMMED_PER_APPEND = 200
"""So that a jump of the clock, which makes everything old at once, does not hold up a tick."""
_MAX_DEAD_SLOTS = 4_096
"""Slots of trimmed windows at the front of the list before it is shortened, which moves all the others."""


@implementer(ILog)
class MemoryLog:
    """See ``ILog``. An append is durable at once: as durable as this process."""

    def __init__(self, origin: str, max_age_ms: int, max_bytes: int) -> None:
        """
        :param origin: the name of this daemon, for the windows that it makes.
        :param max_age_ms: a window that ended longer before the newest one is trimmed.
        :param max_bytes: of memory, estimated; the newest window stays, whatever it takes.
        """
        self._origin = origin
        self._max_age_ms = max_age_ms
        self._max_bytes = max_bytes
        self._listeners: list[Callable[[Window], None]] = []
        self._windows: list[Window | None] = []
        self._dead = 0
        self._oldest_busy = 0
        self.head = START
        self.oldest = START
        self.memory_bytes = 0
        self.newest_event_ms: int | None = None

    @property
    def oldest_event_ms(self) -> int | None:
        """``start_ms`` of the oldest window with events; ``None`` without one."""
        if self._oldest_busy == len(self._windows):
            return None
        return self._slot(self._oldest_busy).start_ms

    def listen(self, listener: Callable[[Window], None]) -> None:
        """See ``ILog``."""
        self._listeners.append(listener)

    def append(self, draft: Draft) -> None:
        """See ``ILog``."""
        newest = self._slot(-1) if self._windows else None
        start_ms = max(draft.opened_ms, newest.start_ms + 1) if newest else draft.opened_ms
        window = Window(self.head.seq + 1, start_ms, self._origin, draft, self.head.total_events)
        self._windows.append(window)
        self.memory_bytes += window.memory_bytes
        self.head = window.position
        if window.fragments:
            self.newest_event_ms = window.end_ms
        self._trim(window)
        self._pass_quiet()
        for listener in self._listeners:
            listener(window)

    def _trim(self, newest: Window) -> None:
        oldest_end_ms = newest.end_ms - self._max_age_ms
        for _ in range(_MAX_TRIMMED_PER_APPEND):
            window = self._slot(self._dead)
            if window is newest or not (window.end_ms < oldest_end_ms or self.memory_bytes > self._max_bytes):
                break
            self._windows[self._dead] = None
            self._dead += 1
            self.memory_bytes -= window.memory_bytes
            self.oldest = window.position
        if self._dead > _MAX_DEAD_SLOTS:
            del self._windows[: self._dead]
            self._oldest_busy = max(0, self._oldest_busy - self._dead)
            self._dead = 0

    def _pass_quiet(self) -> None:
        """Let ``_oldest_busy`` be the first slot with events. It only moves on, so this is cheap."""
        self._oldest_busy = max(self._oldest_busy, self._dead)
        while self._oldest_busy < len(self._windows) and not self._slot(self._oldest_busy).fragments:
            self._oldest_busy += 1
        if self._oldest_busy == len(self._windows):
            self.newest_event_ms = None

    def after(self, position: Position) -> Window | None:
        """See ``ILog``."""
        if position.seq >= self.head.seq:
            return None
        if position.seq < self.oldest.seq:
            raise LookupError(f"window {position.seq + 1} has been trimmed; the oldest is {self.oldest.seq + 1}")
        return self._slot(self._dead + position.seq - self.oldest.seq)

    def before_ms(self, start_ms: int) -> Position:
        """See ``ILog``."""
        at = bisect_left(self._windows, start_ms, lo=self._dead, key=attrgetter("start_ms"))
        return self._slot(at - 1).position if at > self._dead else self.oldest

    async def read(
        self,
        position: Position,
        stop_seq: int,
        wanted: Callable[[Window], bool],
        limits: PageLimits = PageLimits(),  # noqa: B008 -- frozen
    ) -> Page:
        """See ``ILog``."""
        gap = None
        if position.seq < self.oldest.seq:
            gap = Gap.between(position, self.oldest, self._slot(self._dead).start_ms, "trimmed")
            position = self.oldest
        begin = self._dead + position.seq - self.oldest.seq
        stop = min(len(self._windows), self._dead + stop_seq - self.oldest.seq, begin + limits.scanned)
        found: list[Window] = []
        room_bytes = limits.memory_bytes
        last: Window | None = None
        for at in range(begin, stop):
            last = self._slot(at)
            if wanted(last):
                found.append(last)
                room_bytes -= last.memory_bytes
                if room_bytes <= 0 or len(found) >= limits.windows:
                    break
        return Page(gap, found, last.position if last else position)

    def _slot(self, at: int) -> Window:
        window = self._windows[at]
        assert window is not None, "a trimmed slot is never read"  # noqa: S101
        return window
