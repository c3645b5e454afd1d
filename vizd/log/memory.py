"""The log in memory, bounded by age and by bytes.

    oldest ◀── segments of compressed blocks ──▶ ◀── plain windows ──▶ head

The newest windows are plain, since every live reader asks for them. Behind them about a second at a time is
sealed into a block, and blocks are gathered in segments, which are trimmed whole. Pure: its only clock is that
of the windows.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from operator import attrgetter

from zope.interface import implementer

from vizd.log.block import Block
from vizd.log.borders import Borders
from vizd.log.interfaces import ILog
from vizd.log.keyframe import BEGINNING, Keyframe
from vizd.log.pages import PageMaker
from vizd.log.sealed import Unpacker
from vizd.log.segment import Segment
from vizd.log.window import START, Draft, Gap, Page, PageLimits, Position, Summary, Window

__all__ = ["MemoryLog"]

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
BLOCK_BYTES of memory; the last keeps sealing, which is done in the reactor, at about 3 ms."""
BLOCK_AGE_SHARE = 8
"""Nor does a block hold more than this part of the bound in time, or windows were too old before they are sealed."""
MAX_SEALED_PER_APPEND = 2
"""Enough for 200,000 events/s."""
MAX_TRIMMED_PER_APPEND = 4
"""Segments. A jump of the clock makes everything old at once; letting go of a segment takes under a millisecond."""
SEGMENTS_IN_BOUND = 32
"""A small bound is trimmed in small steps: a segment holds no more than this part of it."""

_start_ms = attrgetter("start_ms")


@implementer(ILog)
class MemoryLog:
    """See ``ILog``. An append is durable at once: as durable as this process."""

    def __init__(
        self,
        origin: str,
        max_age_ms: int,
        max_bytes: int,
        epoch: bytes = bytes(8),
        keyframe: Callable[[], Iterable[bytes]] = tuple,
    ) -> None:
        """
        :param origin: the name of this daemon, for the windows that it makes.
        :param max_age_ms: what ended longer before the newest window is trimmed.
        :param max_bytes: of memory, estimated; the newest window stays, whatever it takes.
        :param epoch: see ``ILog``; random where positions are given to anybody.
        :param keyframe: pieces of the state of the folds that listen. It is asked for between two appends.
        """
        self.epoch = epoch
        self._origin = origin
        self._max_age_ms = max_age_ms
        self._max_bytes = max_bytes
        self._listeners: list[Callable[[Window], None]] = []
        self._borders = Borders(keyframe, max_bytes // SEGMENTS_IN_BOUND)
        self._segments: deque[Segment] = deque()
        self._blocks: list[Block] = []
        self._plain: list[Window] = []
        self._unpacker = Unpacker()
        self._plain_bytes = 0
        self._trimmed_latest_ms = 0
        self.head = START
        self.tail = START
        self.oldest = START
        self.newest_event_ms: int | None = None
        self.is_shortened = False

    @property
    def retention_ms(self) -> int:
        """See ``ILog``."""
        oldest_ms = self.oldest_start_ms
        return 0 if oldest_ms is None else (self.head.end_ms or 0) - oldest_ms

    @property
    def oldest_start_ms(self) -> int | None:
        """See ``ILog``."""
        if self._blocks:
            return self._blocks[0].starts[0]
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
        for block in self._blocks:
            if block.everything.types:
                return next(block.bounds(index)[0] for index in range(len(block)) if any(block.counts(index)))
        return next((window.start_ms for window in self._plain if window.types), None)

    def listen(self, listener: Callable[[Window], None]) -> None:
        """See ``ILog``."""
        self._listeners.append(listener)

    # Writing.

    def append(self, draft: Draft) -> None:
        """See ``ILog``."""
        self._borders.draw(self.head, self._segments[-1] if self._segments else None)
        newest_ms = self._newest_start_ms()
        start_ms = draft.opened_ms if newest_ms is None else max(draft.opened_ms, newest_ms + 1)
        window = Window(self.head.seq + 1, start_ms, self._origin, draft, self.head.total_events)
        self._plain.append(window)
        self._plain_bytes += window.memory_bytes
        self.head = window.position
        if window.types:
            self.newest_event_ms = window.end_ms
        for _ in range(MAX_SEALED_PER_APPEND):
            self._seal()
        self._trim(window)
        for listener in self._listeners:
            listener(window)

    def _newest_start_ms(self) -> int | None:
        return self._plain[-1].start_ms if self._plain else None

    def _seal(self) -> None:
        """Seal the oldest plain windows, if they fill a block."""
        count = self._filled()
        if count is None:
            return
        windows, self._plain = self._plain[:count], self._plain[count:]
        self._plain_bytes -= sum(window.memory_bytes for window in windows)
        segment = self._borders.begin(self.tail)
        if segment or not self._segments:
            self._segments.append(segment or Segment())
        segment = self._segments[-1]
        block = Block(self.tail, windows, segment.table, self._latest_sealed_ms())
        segment.add(block)
        self._blocks.append(block)
        self.tail = block.behind

    def _latest_sealed_ms(self) -> int:
        return self._blocks[-1].latest_ms if self._blocks else self._trimmed_latest_ms

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

    def _trim(self, newest: Window) -> None:
        """Let go of what is too old, and of the oldest while there is too much."""
        oldest_end_ms = newest.end_ms - self._max_age_ms
        excess_bytes = self.memory_bytes - self._max_bytes
        for _ in range(MAX_TRIMMED_PER_APPEND):
            if not self._segments:
                break
            segment = self._segments[0]
            behind = segment.blocks[-1].behind
            is_young = (behind.end_ms or 0) >= oldest_end_ms
            if excess_bytes <= 0 and is_young:
                break
            self.is_shortened = is_young
            self._trimmed_latest_ms = segment.blocks[-1].latest_ms
            self._segments.popleft()
            del self._blocks[: len(segment.blocks)]
            excess_bytes -= segment.memory_bytes
            self.oldest = behind
        if not self._segments:
            self._trim_plain(newest, oldest_end_ms, excess_bytes)
        if self.head.total_events == self.oldest.total_events:
            self.newest_event_ms = None

    def _trim_plain(self, newest: Window, oldest_end_ms: int, excess_bytes: int) -> None:
        count = 0
        for window in self._plain:
            if window is newest or (excess_bytes <= 0 and window.end_ms >= oldest_end_ms):
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

    def _block_at(self, seq: int) -> int:
        """The place of the block with this window; behind the last where none has it."""
        return bisect_left(self._blocks, seq, key=lambda block: block.behind.seq)

    def before_ms(self, start_ms: int) -> Position:
        """See ``ILog``."""
        at = bisect_left(self._plain, start_ms, key=_start_ms)
        if at > 0:
            return self._plain[at - 1].position
        at = bisect_left(self._blocks, start_ms, key=lambda block: block.starts[0])
        if at == 0:
            return self.oldest
        block = self._blocks[at - 1]
        return block.position(bisect_left(block.starts, start_ms) - 1)

    def ended_by(self, at_ms: int) -> Position:
        """See ``ILog``."""
        if at_ms < self._trimmed_latest_ms:
            raise LookupError(f"what had ended by {at_ms} has been trimmed")
        at = bisect_right(self._blocks, at_ms, key=lambda block: block.latest_ms)
        if at < len(self._blocks):
            block = self._blocks[at]
            return block.position(next(index for index in range(len(block)) if block.bounds(index)[1] > at_ms) - 1)
        behind = self.tail
        for window in self._plain:
            if window.end_ms > at_ms:
                break
            behind = window.position
        return behind

    async def keyframe(self, position: Position) -> Keyframe:
        """See ``ILog``."""
        for keyframe in reversed(self._borders.ahead):
            if keyframe.position.seq <= position.seq and keyframe.position.seq >= self.oldest.seq:
                return keyframe
        for segment in reversed(self._segments):
            if segment.keyframe and segment.keyframe.position.seq <= position.seq:
                return segment.keyframe
        if self.oldest.seq:
            raise LookupError(f"nothing is known of the state behind window {position.seq}: it has been trimmed")
        return BEGINNING

    async def read(
        self,
        position: Position,
        stop: Position,
        wanted: Callable[[Summary], bool],
        limits: PageLimits = PageLimits(),  # noqa: B008 -- frozen
    ) -> Page:
        """See ``ILog``."""
        gap = None
        if position.seq < self.oldest.seq:
            entered, to_ms = self.oldest, self.oldest_start_ms
            if stop.seq < entered.seq:
                entered, to_ms = stop, stop.end_ms
            gap = Gap.between(position, entered, to_ms, "trimmed")
            position = entered
        page = PageMaker(position, min(stop.seq, self.head.seq), wanted, limits)
        at = self._block_at(position.seq + 1)
        while page.goes_on and page.position.seq < self.tail.seq:
            page.take_block(self._blocks[at], self._unpacker)
            at += 1
        while page.goes_on:
            page.take(self._plain[page.position.seq - self.tail.seq])
        return Page(gap, page.windows, page.position)
