"""Live streams for thin lines, each shared by all clients with the same filter, encoding and budget.

A stream follows the head of the log and says what fits, see ``Conflation``. What it says is made once; its readers take
one frame after the other. It keeps a few for those whose socket is full for a moment; who is further behind has to
leave, and to come back at the head.

The law (wire contract, "Budget"): sent or counted, and every transition sent.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vizd.events.catalogue import TYPES
from vizd.events.facet import Facet
from vizd.log.window import Position, Window
from vizd.stream.allowance import Allowance, saved_bytes
from vizd.stream.conflation import Conflation
from vizd.stream.filter import Filter
from vizd.stream.frames import MAX_BYTES, MAX_EVENTS, Frame
from vizd.stream.interfaces import IEncoder
from vizd.stream.source import Source

__all__ = ["ConflatedStream", "Joined", "Said", "worth_bytes"]

WORTH_BYTES = 2_000
"""A batch without transitions waits until it can be as large, or hold all: what surrounds its events takes 300."""
WORTH_SHARE = 0.7
"""Of what a line can save up, at most: it has to come to it while the state is sent beside it, too."""
FEW = 16
"""So many are added up to see whether there is room for all."""
KEPT_FRAMES = 64
KEPT_BYTES = 1 << 20
"""Of what was said last; the newest is always kept."""
LOOK_AGAIN_MS = 50
"""While the log does not grow: so often it sees whether there is room for what waits, whoever asks."""
CATCHING_UP_SHARE = 0.25
"""Of the budget, for the state that a reader is still to get beside the stream; the stream has the rest meanwhile."""

_LONG = 10**12
_LONG_COUNTS = [10**6] * len(TYPES)
"""A time and counts with as many digits as they have: what surrounds a batch is measured with them, once."""


def worth_bytes(kbps: float) -> int:
    """Of room, for a batch on a line with this budget that does not hold all there is."""
    return min(WORTH_BYTES, int(saved_bytes(kbps) * WORTH_SHARE))


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """One batch of a stream, and what it is made of.

    :ivar events: encoded. :ivar counts: what has happened since the one before, by type.
    :ivar start_ms: of the first window since then. :ivar position: behind the last.
    :ivar is_provisional: it is of windows that are not in the log yet; ``position`` is in front of them.
    """

    frame: Frame
    events: Sequence[bytes]
    counts: Sequence[int]
    start_ms: int
    position: Position
    is_provisional: bool


@dataclass(frozen=True, slots=True)
class Joined:
    """Where a reader has joined a stream.

    :ivar number: of the first batch for it. :ivar counts: what that counts, and had happened before it came.
    :ivar position: there.
    """

    number: int
    counts: Sequence[int]
    position: Position


class _Gathered:
    """What has been looked at, and not said yet.

    :ivar start_ms: of the first window of it. :ivar position: behind the last that was looked at.
    """

    def __init__(self, position: Position, *, is_provisional: bool = False) -> None:
        self.conflation = Conflation()
        self.start_ms: int | None = None
        self.position = position
        self.is_provisional = is_provisional

    @property
    def began_ms(self) -> int:
        """Where the next batch begins; one of nothing but what has waited ends there, too."""
        return (self.position.end_ms or 0) if self.start_ms is None else self.start_ms

    @property
    def urgent_bytes(self) -> int:
        """Of transitions."""
        return sum(map(len, self.conflation.transitions))

    def told(self) -> None:
        """A batch says what there was."""
        self.conflation.told()
        self.start_ms = None


class ConflatedStream:
    """For all who share it.

    :ivar readers: that have joined and not left. :ivar catching_up: of those, how many get the state beside it.
    """

    def __init__(
        self,
        source: Source,
        by: Filter,
        encoder: IEncoder,
        kbps: int,
        now_ms: float,
        max_waiting_keys: Callable[[], int],
        on_left: Callable[["ConflatedStream"], None],
    ) -> None:
        """
        :param max_waiting_keys: at present. :param on_left: called when its last reader has left.
        """
        self._source = source
        self._max_waiting_keys = max_waiting_keys
        self._on_left = on_left
        self._filter = by
        self._encoder = encoder
        self._kbps = kbps
        self._allowance = Allowance(kbps, now_ms)
        self._worth_bytes = worth_bytes(kbps)
        self._surrounding_bytes = len(source.framed(_LONG, Position(0, 0, _LONG), [], _LONG_COUNTS, encoder).payload)
        self._gathered = _Gathered(source.log.head)
        self._shown = _Gathered(source.log.head, is_provisional=True)
        self._looked_ms = now_ms
        self._said: deque[Said] = deque()
        self._said_bytes = 0
        self._next_number = 0
        self.readers = 0
        self.catching_up = 0

    @property
    def position(self) -> Position:
        """Behind the last window that it has looked at."""
        return self._gathered.position

    def brings(self, facet: Facet, event: bytes) -> bool:
        """An event of this one's key waits to be sent."""
        return self._source.key(facet, event) in self._gathered.conflation

    @property
    def is_waiting(self) -> bool:
        """There is something to say that has no room yet, or beside it."""
        return bool(len(self._gathered.conflation) or len(self._shown.conflation) or self.catching_up)

    @property
    def has_counted(self) -> bool:
        """Something has happened since the last batch."""
        return self._gathered.conflation.events > 0

    # Its readers.

    def join(self, now_ms: float) -> Joined:
        """One more reader, at the head."""
        self.follow(now_ms)
        self.readers += 1
        return Joined(self._next_number, self._gathered.conflation.counts, self.position)

    def leave(self) -> None:
        """One reader less."""
        self.readers -= 1
        if not self.readers:
            self._on_left(self)

    def catch_up(self, change: int) -> None:
        """So many readers more, or less, get the state beside the stream."""
        self.catching_up += change
        share = 1 - CATCHING_UP_SHARE if self.catching_up else 1
        self._allowance.set_kbps(self._kbps * share)

    def said(self, number: int) -> Said | None:
        """The batch with this number; ``None``: it is yet to come.

        :raises LookupError: it is not kept any more.
        """
        at = number - self._next_number + len(self._said)
        if at < 0:
            raise LookupError(f"batch {number} has been let go of")
        return self._said[at] if at < len(self._said) else None

    def has_said(self, number: int) -> bool:
        """The batch with this number is no longer to come."""
        return number < self._next_number

    # The log.

    def is_behind(self) -> bool:
        """The log has grown; or it stalls, and there is more to show of what waits."""
        return self.position.seq < self._source.log.head.seq or self._unshown() is not None

    def follow(self, now_ms: float) -> None:
        """Look at what the log has got, and say what can't wait, or has room."""
        log = self._source.log
        if not self.is_behind() and now_ms - self._looked_ms < LOOK_AGAIN_MS:
            return
        self._looked_ms = now_ms
        if self.position.seq < log.tail.seq:
            self._begin_anew()
        while window := log.after(self.position):
            self._gather(self._gathered, window, now_ms)
        self._say_what_may(self._gathered, now_ms)
        if self._source.stalling.stall is None:
            self._shown.conflation = Conflation()
            return
        while window := self._unshown():
            self._gather(self._shown, window, now_ms)
        self._say_what_may(self._shown, now_ms)

    def _unshown(self) -> Window | None:
        """The next window that waits to be in the log, while that stalls."""
        return self._source.stalling.waiting_after(max(self._shown.position.seq, self.position.seq))

    def _begin_anew(self) -> None:
        """Nobody has looked for so long that what happened meanwhile is not at hand: no reader is still here."""
        self._next_number += 1  # So that each finds out.
        self._said.clear()
        self._said_bytes = 0
        self._gathered = _Gathered(self._source.log.head)

    def _gather(self, gathered: _Gathered, window: Window, now_ms: float) -> None:
        gathered.position = window.position
        found = self._source.digest(window, self._filter)
        if found is None:
            return
        if gathered.start_ms is None:
            gathered.start_ms = window.start_ms
        gathered.conflation.add(found, self._max_waiting_keys())
        if len(gathered.conflation.transitions) >= MAX_EVENTS or gathered.urgent_bytes >= MAX_BYTES:
            self._say(gathered, now_ms)

    def _say_what_may(self, gathered: _Gathered, now_ms: float) -> None:
        waits = len(gathered.conflation)
        if gathered.conflation.transitions or (waits and self._is_worth_it(gathered.conflation, now_ms)):
            self._say(gathered, now_ms)

    def _is_worth_it(self, conflation: Conflation, now_ms: float) -> bool:
        room = self._allowance.room(now_ms) - self._surrounding_bytes
        enough = self._worth_bytes - self._surrounding_bytes
        if len(conflation) <= FEW:
            enough = min(enough, conflation.bytes_waiting())
        return 0 < enough <= room

    def _say(self, gathered: _Gathered, now_ms: float) -> None:
        conflation, encoder, is_provisional = gathered.conflation, self._encoder, gathered.is_provisional
        events = list(encoder.events(conflation.transitions))
        room = self._allowance.room(now_ms) - self._surrounding_bytes - sum(map(len, events)) - len(events)
        largest = self._worth_bytes - self._surrounding_bytes
        events += conflation.take(
            min(room, MAX_BYTES), largest, MAX_EVENTS - len(events), lambda event: encoder.events([event])[0]
        )
        frame = self._source.framed(
            gathered.began_ms, gathered.position, events, conflation.counts, encoder, is_provisional=is_provisional
        )
        self._allowance.spend(len(frame.payload), now_ms)
        self._said.append(Said(frame, events, conflation.counts, gathered.began_ms, self.position, is_provisional))
        self._next_number += 1
        self._said_bytes += len(frame.payload)
        while len(self._said) > 1 and (len(self._said) > KEPT_FRAMES or self._said_bytes > KEPT_BYTES):
            self._said_bytes -= len(self._said.popleft().frame.payload)
        gathered.told()

    def first_for(self, joined: Joined, said: Said) -> Frame:
        """The first batch for a reader that came while it was being gathered: the same, less what was before."""
        if not any(joined.counts):
            return said.frame
        counts = [all_of_it - before for all_of_it, before in zip(said.counts, joined.counts, strict=True)]
        start_ms = max(said.start_ms, joined.position.end_ms or 0)
        return self._source.framed(start_ms, said.position, said.events, counts, self._encoder)
