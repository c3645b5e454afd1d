"""A reader of all that its filter lets pass, at the head of the log or near it: one client, or many equal ones."""

from collections.abc import Callable, Hashable
from copy import copy

from zope.interface import implementer

from vizd.log.interfaces import ILog
from vizd.log.stall import stalling
from vizd.log.window import Position, Window
from vizd.stream.filter import Filter
from vizd.stream.frames import MAX_BYTES, MAX_EVENTS, Frame, Frames, Part
from vizd.stream.interfaces import IEncoder, IReader

__all__ = ["NEAR_WINDOWS", "SAY_POSITION_AFTER_MS", "Near"]

SAY_POSITION_AFTER_MS = 5_000
"""To a client whose filter matches nothing."""
NEAR_WINDOWS = 20
"""So far behind the head, a second at the default pace, it takes windows at once, in the turn in which the log has
grown: parts and frames are shared with those who are at the head."""


@implementer(IReader)
class Near:
    """See the module, and ``IReader``.

    :ivar filter: in force. :ivar position: behind what was sent last, or looked at.
    """

    def __init__(self, log: ILog, frames: Frames, encoder: IEncoder, by: Filter, position: Position) -> None:
        self._log = log
        self._frames = frames
        self._encoder = encoder
        self.filter = by
        self.position = position
        self._stalling = stalling(log)
        self._shown_seq = 0
        self._told_ms = 0.0
        self._told_seq = 0

    @property
    def key(self) -> Hashable:
        """See ``IReader``."""
        return Near, self.filter, self._encoder.name

    def twin(self) -> "Near":
        """See ``IReader``."""
        return copy(self)

    def stands_with(self, other: "Near") -> bool:
        """See ``IReader``."""
        return self.position.seq == other.position.seq and self._shown == other._shown

    def welcome(self, other: "Near") -> None:
        """See ``IReader``. Both stand at the head."""
        self._told_ms = min(self._told_ms, other._told_ms)
        self._told_seq = min(self._told_seq, other._told_seq)

    def go_to(self, other: "Near") -> None:
        """See ``IReader``."""
        self.position, self._told_ms, self._told_seq = other.position, other._told_ms, other._told_seq
        self._shown_seq = other._shown_seq

    def told(self, now_ms: float | None = None) -> None:
        """The client has heard where it stands; at ``now_ms``, if that is to count for when it hears it again."""
        self._told_seq = self.position.seq
        if now_ms is not None:
            self._told_ms = now_ms

    @property
    def is_near(self) -> bool:
        """It needs no page."""
        return self.position.seq >= max(self._log.tail.seq, self._log.head.seq - NEAR_WINDOWS)

    @property
    def is_at_head(self) -> bool:
        """There is nothing more."""
        return self.position.seq == self._log.head.seq

    @property
    def _shown(self) -> int:
        """The seq of the last window that was sent, be it provisionally."""
        return max(self._shown_seq, self.position.seq)

    @property
    def is_waiting(self) -> bool:
        """It is at the head, and there is something to show that is not in the log yet."""
        return self.is_at_head and self._stalling.waiting_after(self._shown) is not None

    def pull(self, now_ms: float) -> Frame | None:
        """See ``IReader``."""
        if not self.is_near:
            raise LookupError(f"window {self.position.seq + 1} is not near the head any more")
        frame = self._batch()
        if frame is None:
            shown = self._provisional() if self.is_waiting else None
            return self.pull_position(now_ms) if shown is None else shown
        self.told(now_ms)
        return frame

    def pull_position(self, now_ms: float) -> Frame | None:
        """Where it stands, if the client has not heard it for long."""
        if self.position.seq <= self._told_seq or now_ms - self._told_ms < SAY_POSITION_AFTER_MS:
            return None
        self.told(now_ms)
        return self._frames.position(self.position, self._encoder)

    def _batch(self) -> Frame | None:
        """What has come since the last time, as one batch within its bounds."""
        parts = self._parts(lambda: self._log.after(self.position), self._go_behind)
        return self._frames.live(parts, self.filter, self._encoder, self.position) if parts else None

    def _provisional(self) -> Frame | None:
        """The same of what is not in the log yet: it will come again."""
        parts = self._parts(lambda: self._stalling.waiting_after(self._shown), self._have_shown)
        return self._frames.provisional(parts, self.filter, self._encoder, self._shown) if parts else None

    def _go_behind(self, window: Window) -> None:
        self.position = window.position

    def _have_shown(self, window: Window) -> None:
        self._shown_seq = window.seq

    def _parts(self, following: Callable[[], Window | None], passed: Callable[[Window], None]) -> list[Part]:
        parts: list[Part] = []
        events = size_bytes = 0
        while events < MAX_EVENTS and size_bytes < MAX_BYTES:
            window = following()
            if window is None:
                break
            passed(window)
            part = self._frames.part(window, self.filter)
            if part is not None:
                parts.append(part)
                events += part.events
                size_bytes += part.size_bytes
        return parts
