"""Where the next segments of a log will begin, and the keyframes that they will begin with.

A border is drawn while it is the head, since the folds know the state there and nowhere else; sealing comes to it
some seconds later.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from vizd.log.keyframe import BEGINNING, Keyframe
from vizd.log.segment import Segment
from vizd.log.window import Position

__all__ = ["Borders"]

PIECES_PER_APPEND = 4
"""Of a keyframe; made and compressed in well under 1 ms."""


class Borders:
    """Draws them, and hands the segments out."""

    def __init__(
        self,
        keyframe: Callable[[], Iterable[Any]],
        max_segment_bytes: int,
        kind: Callable[[Position, Iterable[Any]], Keyframe] = Keyframe,
    ) -> None:
        """
        :param keyframe: the pieces of the folds' state, asked for when that is the state at the head.
        :param kind: what is made of them.
        """
        self._keyframe = keyframe
        self._kind = kind
        self._max_segment_bytes = max_segment_bytes
        self._ahead = deque([BEGINNING])
        self._unfinished: deque[Keyframe] = deque()
        self._drawn_ms: int | None = None

    @property
    def memory_bytes(self) -> int:
        """About what those take that sealing has not come to."""
        return sum(keyframe.memory_bytes for keyframe in self._ahead)

    @property
    def ahead(self) -> deque[Keyframe]:
        """Those that sealing has not come to, in order."""
        return self._ahead

    def resume(self, ahead: Iterable[Keyframe], drawn_ms: int | None) -> None:
        """Go on with a log that was kept.

        :param ahead: see ``ahead``. :param drawn_ms: when the last one was drawn, by the end of a window.
        """
        self._ahead = deque(ahead)
        self._drawn_ms = drawn_ms

    def draw(self, head: Position, current: Segment | None) -> None:
        """Before each append: go on with what is unfinished, and draw one here if it is time.

        :param current: the segment that sealing fills; ``None`` where there is none.
        """
        for _ in range(PIECES_PER_APPEND):
            if self._unfinished and not self._unfinished[0].make(1):
                self._unfinished.popleft()
        if head.end_ms is None or self._unfinished:  # Of a large state one at a time, or they would pile up.
            return
        if self._drawn_ms is None:
            self._drawn_ms = head.end_ms
        is_full = not self._ahead and current is not None and current.is_full(self._max_segment_bytes)
        if is_full or head.end_ms - self._drawn_ms >= Segment.MAX_AGE_MS:
            self._drawn_ms = head.end_ms
            keyframe = self._kind(head, self._keyframe())
            self._ahead.append(keyframe)
            self._unfinished.append(keyframe)

    def room(self, tail: Position) -> int | None:
        """How many windows lie between ``tail`` and the next border behind it; ``None``: there is none."""
        for keyframe in self._ahead:
            if keyframe.position.seq > tail.seq:
                return keyframe.position.seq - tail.seq
        return None

    def begin(self, tail: Position) -> Segment | None:
        """The segment that begins at ``tail``, if there is a border here."""
        while self._ahead and self._ahead[0].position.seq < tail.seq:  # Trimmed away before it was sealed.
            self._ahead.popleft()
        if self._ahead and self._ahead[0].position.seq == tail.seq:
            return Segment(self._ahead.popleft())
        return None
