"""The live stream of a client on a thin line, which has a budget.

    behind      the transitions since its place; what else there was is counted
    at the head the state, as much of it as has room, see ``beside``
    joined      the stream that it shares with its equals, see ``conflated``; the rest of the state beside it
    held        by the client's own ``pause``

Whoever falls behind the stream leaves it, and comes back in the same way. The law here: sent or counted, and every
transition sent; a ``gap`` only where transitions are gone, or were passed over because the client wished so.
"""

from collections import Counter
from typing import Any

from zope.interface import implementer

from vizd.log.interfaces import ILog
from vizd.log.window import END, Gap, Page, PageLimits, Position
from vizd.stream.allowance import Allowance
from vizd.stream.beside import First, Rest
from vizd.stream.conflated import CATCHING_UP_SHARE, ConflatedStream, Joined, worth_bytes
from vizd.stream.filter import Filter
from vizd.stream.following import Following
from vizd.stream.frames import Frame
from vizd.stream.gaps import skipped
from vizd.stream.history import Wanted
from vizd.stream.interfaces import ICursor, IEncoder
from vizd.stream.live import CATCH_UP_WINDOWS
from vizd.stream.near import NEAR_WINDOWS
from vizd.stream.passing import Passing
from vizd.stream.position import position_in
from vizd.stream.snapshot import Look, StateWish
from vizd.stream.streams import ConflatedStreams

__all__ = ["Thin"]

PAGE = PageLimits(CATCH_UP_WINDOWS, memory_bytes=384 << 10)
"""Further behind: events are picked, not sent."""
LEAST_KBPS_BESIDE = 4
"""On a thinner line the rest of the state would never come, and what is said of it is that it is truncated."""


@implementer(ICursor)
class Thin:
    """See the module, and ``ICursor``.

    :ivar kbps: its budget.
    """

    def __init__(
        self, log: ILog, streams: ConflatedStreams, encoder: IEncoder, by: Filter, kbps: int, state: StateWish
    ) -> None:
        """
        :param state: what it gets when it comes to the head.
        """
        self._log = log
        self._streams = streams
        self._encoder = encoder
        self.filter = by
        self.kbps = kbps
        self.wish = state
        self._place = log.head
        self.held = False
        self.gaps: Counter[str] = Counter()
        self._told_ms = 0.0
        self._beside = Allowance(kbps * CATCHING_UP_SHARE, 0)
        self._passing = Passing(streams.source, encoder)
        # The state.
        self._is_state_due = state is not StateWish.NONE
        self._first: First | None = None
        self._behind_damage: Position | None = None
        self._sent_first: frozenset[bytes] | None = None
        self._changed_since: Position | None = None
        self._rest: Rest | None = None
        self._is_catching_up = False
        # At the head.
        self._following: Following | None = None
        self._joined: Joined | None = None

    @property
    def position(self) -> Position:
        """See ``ICursor``."""
        return self._following.position if self._following else self._place

    # What the client asks for.

    def begin(self, text: str | None, now_ms: float) -> tuple[str | None, Frame | None]:
        """See ``ICursor``."""
        gap = None
        self._told_ms = now_ms
        self._beside = Allowance(self.kbps * CATCHING_UP_SHARE, now_ms)
        if text is None:
            return (None if self._is_state_due else self._text()), None
        try:
            self._place = position_in(self._log, text)
        except ValueError:
            gap = self._declare(Gap(None, self._log.head.end_ms, None, None, "restart"))
        else:
            self._come_back()
            if self.position.seq < self._log.oldest.seq:
                gap = self._skip(self._log.oldest, "budget")
        return (None if gap else self._text()), gap

    def limit(self, by: Filter, *, with_state: bool) -> None:
        """See ``ICursor``."""
        is_on_its_way = self._first is not None or self._rest is not None
        self._is_state_due |= with_state or (is_on_its_way and self.wish is not StateWish.NONE)
        self._leave()
        self._first = None
        self._sent_first = self._changed_since = None
        self._place = self._passing.since or self.position  # What was not told is counted anew.
        self._passing.forget()
        self.filter = by

    @property
    def wish_on_request(self) -> StateWish:
        """See ``ICursor``."""
        return self.wish.on_request

    def pause(self) -> None:
        """See ``ICursor``."""
        self._leave()
        self._passing.put_back()
        self.held = True

    def resume(self, *, catch_up: bool) -> Frame | None:
        """See ``ICursor``."""
        if not self.held:
            return None
        self.held = False
        self._come_back()
        if not catch_up:
            return self._skip(self._log.head, "paused")
        return self._skip(self._log.oldest, "paused") if self.position.seq < self._log.oldest.seq else None

    # What it is sent.

    def is_due(self) -> bool:
        """See ``ICursor``."""
        if self._first:
            return self._first.is_due()
        if self.held:
            return False
        if self._following is None:
            return (
                self._is_near
                or self._passing.to is not None
                or self._behind_damage is not None
                or self.position.seq < self._log.oldest.seq
            )
        return self._following.is_due

    @property
    def _is_near(self) -> bool:
        return self.position.seq >= max(self._log.tail.seq, self._log.head.seq - NEAR_WINDOWS)

    def pull(self, now_ms: float) -> Frame | None:
        """See ``ICursor``."""
        frame = None
        if self._first:
            frame = self._pull_first(self._first, now_ms)
        elif not self.held:
            frame = self._pull_joined(self._following, now_ms) if self._following else self._come_nearer(now_ms)
        if frame is not None:
            self._told_ms = now_ms
        return frame

    def reader(self) -> Following | None:
        """See ``ICursor``."""
        following = self._following
        if self._joined or self._rest or self._is_catching_up or not (following and following.is_here):
            return None
        return following

    def wants(self) -> Wanted | Look | None:
        """See ``ICursor``."""
        if self._first:
            return self._first.wants()
        if self._rest:
            return self._rest.wants()
        if self.held or self._following or self._passing.to or self._is_near:
            return None
        return Wanted(self.position, END, self.filter.wants, PAGE)

    def feed(self, page: Page) -> None:
        """See ``ICursor``."""
        if not page.gap:
            self._passing.give(page)
        elif page.gap.reason == "corrupt":  # If it was trimmed while it was read, the next ``pull`` says so anyway.
            self._behind_damage = page.position

    def take_known(self) -> bool:
        """See ``ICursor``."""
        return False

    def miss_state(self) -> None:
        """See ``ICursor``: its state is always that of the head."""

    def close(self) -> None:
        """See ``ICursor``."""
        self._leave()

    # Behind the head.

    def _come_back(self) -> None:
        """It was away, and gets the state, or what has changed of it since, when it has come to the head."""
        self._is_state_due = self.wish is not StateWish.NONE
        self._sent_first = None
        self._changed_since = self.position

    def _come_nearer(self, now_ms: float) -> Frame | None:
        if self.position.seq < self._log.oldest.seq:
            return self._skip(self._log.oldest, "budget")
        if self._behind_damage and self._behind_damage.seq > self.position.seq:
            return self._skip(self._behind_damage, "corrupt")
        if self._passing.to is None and not self._is_near:
            return None
        if self._passing.to is None:
            self._passing.give(self._near())
        self._place, frame = self._passing.go(self.position, self.filter, self._log.head)
        if frame:
            self._beside.spend(len(frame.payload), now_ms)
        if frame or self.position.seq < self._log.head.seq:
            return frame
        if self._is_state_due:
            self._is_state_due = False
            source = self._streams.source
            self._first = First(source.view(), self.filter, self._most, self._encoder, source.frames, self._beside)
            return self._pull_first(self._first, now_ms)
        return self._pull_joined(self._join(now_ms), now_ms)

    @property
    def _most(self) -> int:
        return self.wish_on_request.value

    def _near(self) -> Page:
        """Up to the head, which is not far."""
        windows, position = [], self.position
        while window := self._log.after(position):
            windows.append(window)
            position = window.position
        return Page(None, windows, position)

    # The state.

    def _pull_first(self, first: First, now_ms: float) -> Frame | None:
        frame = first.pull(now_ms)
        if first.ended:
            self._first = None
            self._sent_first = first.sent if first.is_partial else None
            self._changed_since = self.position
        return frame

    # At the head.

    def _join(self, now_ms: float) -> Following:
        stream = self._streams.of(self.filter, self._encoder, self.kbps, now_ms)
        self._joined = joined = stream.join(now_ms)
        frames = self._streams.source.frames
        self._following = Following(stream, frames, self._encoder, joined.number, self._place, self._told_ms)
        stream.catch_up(1)
        self._is_catching_up = True
        sent, since = self._sent_first, self._changed_since
        self._sent_first = self._changed_since = None
        has_changed = since is not None and since.seq < self.position.seq
        kbps = self.kbps * CATCHING_UP_SHARE
        if kbps >= LEAST_KBPS_BESIDE and (sent is not None or has_changed):
            self._rest = Rest(
                self._streams.source,
                stream,
                self.filter,
                self._most,
                self._encoder,
                self._beside,
                worth_bytes(kbps),
                sent or frozenset(),
                since if sent is None else None,
            )
        return self._following

    def _leave(self) -> None:
        following, self._following, self._joined, self._rest = self._following, None, None, None
        if following:
            self._place, self._told_ms = following.position, following.told_ms
            self._has_caught_up(following.stream)
            following.stream.leave()

    def _has_caught_up(self, stream: ConflatedStream) -> None:
        if self._is_catching_up:
            self._is_catching_up = False
            stream.catch_up(-1)

    def _pull_joined(self, following: Following, now_ms: float) -> Frame | None:
        try:
            said = following.next(now_ms)
        except LookupError:
            self._leave()
            self._come_back()
            return self._come_nearer(now_ms)
        if said and said.is_provisional:
            return said.frame
        if said:
            joined, self._joined = self._joined, None
            return following.stream.first_for(joined, said) if joined else said.frame
        if self._rest:
            frame = self._rest.pull(self.position, now_ms)
            if self._rest.ended:
                self._rest = None
            if frame:
                following.told_ms = now_ms
                return frame
        elif self._is_catching_up and self._beside.is_unused(now_ms):
            self._has_caught_up(following.stream)
        return following.pull_position(now_ms)

    # How far behind it is.

    def lag_windows(self) -> int:
        """See ``ICursor``."""
        return 0 if self._is_here() else self._log.head.seq - self.position.seq

    def lag_ms(self) -> int:
        """See ``ICursor``."""
        return 0 if self._is_here() else max(0, (self._log.head.end_ms or 0) - (self.position.end_ms or 0))

    def _is_here(self) -> bool:
        """It has taken all that its stream has said."""
        return self._following is not None and self._following.is_here

    def described(self) -> dict[str, Any]:
        """See ``ICursor``."""
        return {"max_kbps": self.kbps}

    # Gaps.

    def _skip(self, entered: Position, reason: str) -> Frame | None:
        left = self._passing.since or self.position  # What was counted and not told is in the gap, too.
        gap = skipped(self._log, left, entered, reason)
        self._place = entered
        self._behind_damage = None
        self._passing.forget()
        return self._declare(gap) if gap and (gap.events or reason == "budget") else None

    def _declare(self, gap: Gap) -> Frame:
        self.gaps[gap.reason] += 1
        self._come_back()
        self._changed_since = None
        return self._streams.source.frames.gap(gap, self.position, self._encoder)

    def _text(self) -> str:
        return self._streams.source.frames.position_text(self.position)
