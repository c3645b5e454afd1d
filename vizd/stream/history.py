"""The second cursor of a client: a range of the log, oldest first, beside the live stream.

Pure: whoever holds it reads the pages that it wants, and feeds them.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vizd.log.interfaces import ILog
from vizd.log.window import Page, PageLimits, Position, Summary
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame, Frames, Part, batch, select
from vizd.stream.gaps import gap_fields, trimmed_before
from vizd.stream.interfaces import IEncoder
from vizd.stream.snapshot import Look, Snapshot, StateWish, WantedView

__all__ = ["PAGE", "History", "ReadSlots", "Wanted"]

PAGE = PageLimits()
"""One page a turn of the reactor, for all readers of the past together."""


class ReadSlots:
    """How many histories are read at once, by WebSocket and HTTP together.

    :cvar MAX: so that readers of the past can't crowd out those of the present (wire contract, section 2).
    """

    MAX = 8

    def __init__(self) -> None:
        self.taken = 0

    def take(self) -> bool:
        """Take one, if there is one."""
        if self.taken >= self.MAX:
            return False
        self.taken += 1
        return True

    def give_back(self) -> None:
        """After each ``take`` that was granted."""
        self.taken -= 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """The page that a reader needs next: arguments of ``ILog.read``."""

    position: Position
    stop: Position
    wanted: Callable[[Summary], bool]
    limits: PageLimits


class History:
    """One request for the past: its range is that of the log as it stood, its filter the one of the request."""

    def __init__(
        self,
        log: ILog,
        slots: ReadSlots,
        frames: Frames,
        by: Filter,
        encoder: IEncoder,
        from_ms: int,
        to_ms: int,
        speed: float | None = None,
        state: StateWish = StateWish.NONE,
    ) -> None:
        """
        :param slots: one of them must have been taken for it.
        :param speed: multiples of real time, counted from the first window sent; ``None``: as fast as it goes.
        :param state: what it begins with.
        """
        self._slots = slots
        self._holds_slot = True
        self._filter = by
        self._encoder = encoder
        self._range_ms = (from_ms, to_ms)
        self._speed = speed
        self._position = log.before_ms(from_ms)
        self._stop = log.before_ms(to_ms)
        self._gap = trimmed_before(log, from_ms, to_ms)
        self._parts: deque[Part] = deque()
        self._snapshot = Snapshot(self._position, by, state, encoder, frames) if state is not StateWish.NONE else None
        self._began: tuple[int, float] | None = None
        self._batches = 0
        self._events = 0
        self.ended = False

    def wants(self) -> Wanted | WantedView | Look | None:
        """What it can't go on without; ``None`` while it has enough, has ended, or no slot is free."""
        if self.ended or self._gap or self._parts:
            return None
        if self._snapshot:
            return self._snapshot.wants()
        if self._position.seq >= self._stop.seq:
            return None
        if not self._holds_slot:
            self._holds_slot = self._slots.take()
            if not self._holds_slot:
                return None
        return Wanted(self._position, self._stop, self._filter.wants, PAGE)

    def miss_state(self) -> None:
        """The state at its beginning can't be had any more: it goes on without, behind the gap that says why."""
        self._snapshot = None

    def feed(self, page: Page) -> None:
        """Give it the page that it wanted."""
        if self.ended:
            return
        self._gap = page.gap
        self._parts.extend(part for window in page.windows if (part := select(window, self._filter)))
        self._position = page.position
        if self._speed is not None:  # What takes its time counts only while it reads.
            self._let_go()

    def due(self, now_ms: float) -> float | None:
        """In how many milliseconds, from 0, ``pull`` has something; ``None``: not before it is fed.

        :param now_ms: by the monotonic clock.
        """
        if self.ended:
            return None
        if self._snapshot and not self._gap:
            return 0 if self._snapshot.is_due() else None
        if self._gap or not self._parts:
            return 0 if self._gap or self._position.seq >= self._stop.seq else None
        if self._speed is None or self._began is None:
            return 0
        first_ms, began_ms = self._began
        return max(0, began_ms + (self._parts[0].start_ms - first_ms) / self._speed - now_ms)

    def pull(self, now_ms: float) -> Frame | None:
        """The next message, if one is due; the last one is ``history_end``."""
        if self.due(now_ms) != 0:
            return None
        if self._gap:
            gap, self._gap = self._gap, None
            return self._message({"type": "gap", **gap_fields(gap), "history": True})
        if self._snapshot:
            frame = self._snapshot.pull(in_history=True)
            if self._snapshot.ended:
                self._snapshot = None
            return frame
        if not self._parts:
            return self.end(cancelled=False)
        part = self._parts.popleft()
        self._began = self._began or (part.start_ms, now_ms)
        frame = batch([part], self._encoder.events(part.fragments), self._encoder, {"history": True})
        self._batches += 1
        self._events += frame.events
        return frame

    def end(self, *, cancelled: bool) -> Frame:
        """End it, done or not."""
        self.ended = True
        self._parts.clear()
        self._snapshot = None
        self._let_go()
        from_ms, to_ms = self._range_ms
        return self._message({
            "type": "history_end",
            "from_ms": from_ms,
            "to_ms": to_ms,
            "batches": self._batches,
            "events": self._events,
            "cancelled": cancelled,
        })  # fmt: skip

    def _let_go(self) -> None:
        if self._holds_slot:
            self._holds_slot = False
            self._slots.give_back()

    def _message(self, fields: dict[str, Any]) -> Frame:
        return Frame(self._encoder.message(fields), self._encoder.is_binary)
