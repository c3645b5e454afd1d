"""What every log holds in memory, wherever its blocks are.

    oldest ◀── segments of compressed blocks ──▶ ◀── plain windows ──▶ head

The newest windows are plain, since every live reader asks for them. Behind them about a second at a time is
sealed into a block, and blocks are gathered in segments, which are trimmed whole. Of a block only its head is
needed here. The only clock is that of the windows.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from operator import attrgetter

from vizd.log.borders import Borders
from vizd.log.head import BlockHead
from vizd.log.keyframe import BEGINNING, Keyframe
from vizd.log.segment import Segment
from vizd.log.window import START, Draft, Gap, Position, Window

__all__ = ["Chronicle"]

PLAIN_WINDOWS = 40
PLAIN_MS = 12_000
"""Kept as they came, so many at least and so long: a live client that is behind by no more than it may be, 10 s if it
says nothing, costs no unpacking."""
PLAIN_SHARE = 3
"""They take no more than this part of the bound in bytes: with a small one fewer are plain."""
BLOCK_WINDOWS = 20
BLOCK_EVENTS = 1_000
BLOCK_WINDOWS_QUIET = 200
BLOCK_BYTES = 512 * 1024
"""A block is sealed when it has BLOCK_WINDOWS windows and BLOCK_EVENTS events, or BLOCK_WINDOWS_QUIET windows, or
BLOCK_BYTES of memory; the last keeps sealing at about 3 ms."""
BLOCK_AGE_SHARE = 8
"""Nor does a block hold more than this part of the bound in time, or windows were too old before they are sealed."""
MAX_TRIMMED_AT_ONCE = 4
"""Segments. A jump of the clock makes everything old at once; letting go of a segment takes under a millisecond."""
SEGMENTS_IN_BOUND = 32
"""A small bound is trimmed in small steps: a segment holds no more than this part of it."""

_start_ms = attrgetter("start_ms")


class Chronicle:
    """See the module, and ``ILog`` for what it promises."""

    def __init__(
        self, origin: str, max_age_ms: int, max_bytes: int, epoch: bytes, borders: Callable[[int], Borders]
    ) -> None:
        """
        :param origin: the name of this daemon, for the windows that it makes.
        :param max_age_ms: what ended longer before the newest window is trimmed.
        :param max_bytes: estimated; the newest window stays, whatever it takes.
        :param epoch: see ``ILog``; random where positions are given to anybody.
        :param borders: given the bound of a segment, in bytes.
        """
        self.epoch = epoch
        self._origin = origin
        self._max_age_ms = max_age_ms
        self._max_bytes = max_bytes
        self._listeners: list[Callable[[Window], None]] = []
        self._borders = borders(max_bytes // SEGMENTS_IN_BOUND)
        self._segments: deque[Segment] = deque()
        self._heads: list[BlockHead] = []
        self._plain: list[Window] = []
        self._plain_bytes = 0
        self._trimmed_latest_ms = 0
        self.head = START
        self.tail = START
        self.oldest = START
        self.newest_event_ms: int | None = None
        self.is_shortened = False

    def _resume(
        self, segments: Iterable[Segment], plain: list[Window], before: Position, latest_before_ms: int
    ) -> None:
        """Begin with what was kept.

        :param segments: those with blocks. :param plain: the windows behind them. :param before: in front of those.
        :param latest_before_ms: the latest end of a window in front of all.
        """
        self._segments = deque(segments)
        self._heads = [head for segment in self._segments for head in segment.blocks]
        self._plain = plain
        self._plain_bytes = sum(window.memory_bytes for window in plain)
        self._trimmed_latest_ms = latest_before_ms
        self.tail = before
        self.oldest = self._heads[0].before if self._heads else before
        self.head = plain[-1].position if plain else before
        sealed = ((head, index) for head in reversed(self._heads) for index in reversed(range(len(head))))
        self.newest_event_ms = next((window.end_ms for window in reversed(plain) if window.types), None)
        if self.newest_event_ms is None:
            self.newest_event_ms = next((head.ends[index] for head, index in sealed if any(head.counts(index))), None)

    @property
    def retention_ms(self) -> int:
        """See ``ILog``."""
        oldest_ms = self.oldest_start_ms
        return 0 if oldest_ms is None else (self.head.end_ms or 0) - oldest_ms

    @property
    def oldest_start_ms(self) -> int | None:
        """See ``ILog``."""
        if self._heads:
            return self._heads[0].starts[0]
        return self._plain[0].start_ms if self._plain else None

    @property
    def memory_bytes(self) -> int:
        """See ``ILog``."""
        return self._plain_bytes + self._borders.memory_bytes + sum(segment.memory_bytes for segment in self._segments)

    @property
    def oldest_event_ms(self) -> int | None:
        """See ``ILog``."""
        if self.head.total_events == self.oldest.total_events:
            return None
        for head in self._heads:
            if head.everything.types:
                return next(head.bounds(index)[0] for index in range(len(head)) if any(head.counts(index)))
        return next((window.start_ms for window in self._plain if window.types), None)

    def listen(self, listener: Callable[[Window], None]) -> None:
        """See ``ILog``."""
        self._listeners.append(listener)

    # Writing.

    def _place(self, draft: Draft, behind: Position, newest_start_ms: int | None) -> Window:
        """The window of ``draft`` behind this place, whose window began at ``newest_start_ms``."""
        start_ms = draft.opened_ms if newest_start_ms is None else max(draft.opened_ms, newest_start_ms + 1)
        return Window(behind.seq + 1, start_ms, self._origin, draft, behind.total_events)

    def _newest_start_ms(self) -> int | None:
        if self._plain:
            return self._plain[-1].start_ms
        return self._heads[-1].starts[-1] if self._heads else None

    def _join(self, window: Window) -> None:
        """The next window is at the head from now on."""
        self._borders.draw(self.head, self._segments[-1] if self._segments else None)
        self._plain.append(window)
        self._plain_bytes += window.memory_bytes
        self.head = window.position
        if window.types:
            self.newest_event_ms = window.end_ms

    def _tell(self, window: Window) -> None:
        for listener in self._listeners:
            listener(window)

    def _next_segment(self) -> Segment:
        """The one that the next block belongs to."""
        segment = self._borders.begin(self.tail)
        if segment or not self._segments:
            self._segments.append(segment or Segment())
        return self._segments[-1]

    def _sealed(self, head: BlockHead) -> None:
        """The oldest plain windows are in this block now, the next one of the last segment."""
        sealed, self._plain = self._plain[: len(head)], self._plain[len(head) :]
        self._plain_bytes -= sum(window.memory_bytes for window in sealed)
        self._segments[-1].add(head)
        self._heads.append(head)
        self.tail = head.behind

    def _latest_sealed_ms(self) -> int:
        return self._heads[-1].latest_ms if self._heads else self._trimmed_latest_ms

    def _filled(self) -> int | None:
        """How many of the plain windows fill a block; ``None``: not yet, or they are too new."""
        too_new = PLAIN_WINDOWS
        too_new_ms = (self.head.end_ms or 0) - PLAIN_MS
        if self._plain_bytes > self._max_bytes // PLAIN_SHARE:
            too_new, too_new_ms = 1, self.head.end_ms or 0
        room = self._borders.room(self.tail)
        events = memory_bytes = 0
        for count, window in enumerate(self._plain[: max(0, len(self._plain) - too_new)], 1):
            if window.end_ms > too_new_ms:
                return None
            events += sum(window.counts)
            memory_bytes += window.memory_bytes
            if (
                count == room
                or (count >= BLOCK_WINDOWS and events >= BLOCK_EVENTS)
                or count >= BLOCK_WINDOWS_QUIET
                or memory_bytes >= BLOCK_BYTES
                or window.end_ms - self._plain[0].start_ms >= self._max_age_ms // BLOCK_AGE_SHARE
            ):
                return count
        return None

    def _trim(self) -> None:
        """Let go of what is too old, and of the oldest while there is too much."""
        oldest_end_ms = (self.head.end_ms or 0) - self._max_age_ms
        excess_bytes = self.memory_bytes - self._max_bytes
        for _ in range(MAX_TRIMMED_AT_ONCE):
            if not self._segments:
                break
            segment = self._segments[0]
            behind = segment.blocks[-1].behind
            is_young = (behind.end_ms or 0) >= oldest_end_ms
            if excess_bytes <= 0 and is_young:
                break
            self.is_shortened = is_young
            self._let_go()
            excess_bytes -= segment.memory_bytes
        if not self._segments:
            self._trim_plain(oldest_end_ms, excess_bytes)
        if self.head.total_events == self.oldest.total_events:
            self.newest_event_ms = None

    def _let_go(self) -> None:
        """Of the oldest segment."""
        segment = self._segments.popleft()
        self._trimmed_latest_ms = segment.blocks[-1].latest_ms
        del self._heads[: len(segment.blocks)]
        self.oldest = segment.blocks[-1].behind

    def _give_up_oldest(self) -> None:
        """Let go of a segment before its time, if it is not the only one."""
        if len(self._segments) > 1:
            self.is_shortened = True
            self._let_go()
            if self.head.total_events == self.oldest.total_events:
                self.newest_event_ms = None

    def _trim_plain(self, oldest_end_ms: int, excess_bytes: int) -> None:
        count = 0
        for window in self._plain[:-1]:
            if excess_bytes <= 0 and window.end_ms >= oldest_end_ms:
                break
            self.is_shortened = window.end_ms >= oldest_end_ms
            excess_bytes -= window.memory_bytes
            self._plain_bytes -= window.memory_bytes
            self._trimmed_latest_ms = max(self._trimmed_latest_ms, window.end_ms)
            self.oldest = self.tail = window.position
            count += 1
        del self._plain[:count]

    # Reading.

    def after(self, position: Position) -> Window | None:
        """See ``ILog``."""
        if position.seq >= self.head.seq:
            return None
        if position.seq < self.tail.seq:
            raise LookupError(f"window {position.seq + 1} is not among the newest, which begin at {self.tail.seq + 1}")
        return self._plain[position.seq - self.tail.seq]

    def _entered(self, position: Position, stop: Position) -> tuple[Gap | None, Position]:
        """What a reader who stands at ``position`` and goes to ``stop`` has missed, and where it goes on."""
        if position.seq >= self.oldest.seq:
            return None, position
        if stop.seq < self.oldest.seq:
            return Gap.between(position, stop, stop.end_ms, "trimmed"), stop
        return Gap.between(position, self.oldest, self.oldest_start_ms, "trimmed"), self.oldest

    def _block_at(self, seq: int) -> int:
        """The place of the block with this window; behind the last where none has it."""
        return bisect_left(self._heads, seq, key=lambda head: head.behind.seq)

    def before_ms(self, start_ms: int) -> Position:
        """See ``ILog``."""
        at = bisect_left(self._plain, start_ms, key=_start_ms)
        if at > 0:
            return self._plain[at - 1].position
        at = bisect_left(self._heads, start_ms, key=lambda head: head.starts[0])
        if at == 0:
            return self.oldest
        head = self._heads[at - 1]
        return head.position(bisect_left(head.starts, start_ms) - 1)

    def ended_by(self, at_ms: int) -> Position:
        """See ``ILog``."""
        if at_ms < self._trimmed_latest_ms:
            raise LookupError(f"what had ended by {at_ms} has been trimmed")
        at = bisect_right(self._heads, at_ms, key=lambda head: head.latest_ms)
        if at < len(self._heads):
            head = self._heads[at]
            return head.position(next(index for index in range(len(head)) if head.bounds(index)[1] > at_ms) - 1)
        behind = self.tail
        for window in self._plain:
            if window.end_ms > at_ms:
                break
            behind = window.position
        return behind

    def _keyframes(self, position: Position) -> Iterable[Keyframe]:
        """Those that are not behind ``position``, the newest first."""
        for keyframe in reversed(self._borders.ahead):
            if self.oldest.seq <= keyframe.position.seq <= position.seq:
                yield keyframe
        for segment in reversed(self._segments):
            if segment.keyframe and segment.keyframe.position.seq <= position.seq:
                yield segment.keyframe

    def _beginning(self, position: Position) -> Keyframe:
        """Where there is no other one.

        :raises LookupError: the log's beginning has been trimmed.
        """
        if self.oldest.seq:
            raise LookupError(f"nothing is known of the state behind window {position.seq}: it has been trimmed")
        return BEGINNING
