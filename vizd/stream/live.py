"""The first cursor of a client: the live stream, wherever in the log it stands.

    first            the state as of its place, for a client that has not seen what led there
    near the head    each window as it comes, in frames that equal clients share
    further behind   page by page, as ``wants`` and ``feed`` say, until it is near the head
    held             by the client's own ``pause``

It has no queue. What a client does not take stays in the log, and where the log or its patience ends, a ``gap``
says what is missing. A page that was read and not sent yet can be forgotten at any time: the cursor moves when
something is sent, and not before.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from vizd.log.interfaces import ILog
from vizd.log.stall import stalling
from vizd.log.window import END, Gap, Page, PageLimits, Position
from vizd.state.view import View
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame, Frames, ReadPage
from vizd.stream.gaps import skipped
from vizd.stream.history import Wanted
from vizd.stream.interfaces import ICursor, IEncoder
from vizd.stream.near import Near
from vizd.stream.position import position_in
from vizd.stream.snapshot import Look, Snapshot, StateWish, WantedView

__all__ = ["MAX_LAG_MS", "Live"]

MAX_LAG_MS = 10_000
"""A client that is further behind goes on at the head (wire contract, "Slow clients"), if it asks for nothing else."""
CATCH_UP_WINDOWS = 100
CATCH_UP_BYTES = {(True, False): 640 << 10, (False, False): 384 << 10, (True, True): 96 << 10, (False, True): 128 << 10}
"""Of a page further behind, by what it costs: without a filter text passes through, with one events are taken apart,
and a binary encoding is made of the text. (Is the filter open; is the encoding binary.) A page is one message, and
holds no more than one may. There is one page a turn of the reactor, for all readers of the past together, so a live
batch waits for one at most: about 1 ms."""


@implementer(ICursor)
class Live:
    """See the module, and ``ICursor``.

    :ivar wish: for the state, after a gap.
    """

    def __init__(
        self,
        log: ILog,
        view: Callable[[], View],
        frames: Frames,
        encoder: IEncoder,
        by: Filter,
        max_lag_ms: int,
        state: StateWish,
    ) -> None:
        """
        :param view: of the state at the head. :param max_lag_ms: how far behind it may fall; 0: as far as the log
            goes. :param state: what it gets when it begins without a position, and after each gap.
        """
        self._log = log
        self._view = view
        self._frames = frames
        self._encoder = encoder
        self._stalling = stalling(log)
        self._near = Near(log, frames, encoder, by, log.head)
        self._max_lag_ms = max_lag_ms
        self.wish = state
        self._snapshot: Snapshot | None = None
        self._is_catching_up = False
        self._read_ahead: ReadPage | None = None
        self._behind_damage: Position | None = None
        self.held = False
        self.gaps: Counter[str] = Counter()

    @property
    def filter(self) -> Filter:
        """See ``ICursor``."""
        return self._near.filter

    @property
    def position(self) -> Position:
        """See ``ICursor``."""
        return self._near.position

    # What the client asks for.

    def begin(self, text: str | None, now_ms: float) -> tuple[str | None, Frame | None]:
        """See ``ICursor``."""
        gap = None
        if text is None:
            self._send_state(self.wish)
        else:
            try:
                self._near.position = position_in(self._log, text)
                self._is_catching_up = True
                if self.position.seq < self._log.oldest.seq:
                    gap = self._skip(self._log.oldest, "trimmed")
            except ValueError:
                gap = self._declare(Gap(None, self._log.head.end_ms, None, None, "restart"))
        self._near.told(now_ms)
        return (None if gap or self._snapshot else self._text()), gap

    def limit(self, by: Filter, *, with_state: bool) -> None:
        """See ``ICursor``. The state comes too if it was on its way under the old filter."""
        self._near.filter = by
        self._read_ahead = None
        if with_state:
            self._send_state(self.wish_on_request)
        elif self._snapshot:
            self._send_state(self._snapshot.wish)

    @property
    def wish_on_request(self) -> StateWish:
        """See ``ICursor``."""
        return self.wish.on_request

    def _send_state(self, wish: StateWish) -> None:
        """The state as of where it stands, before what comes behind that."""
        before, self._snapshot = self._snapshot, None
        if wish is StateWish.NONE:
            return
        self._is_catching_up = True  # A large state on a thin line must not come to a gap, and begin again.
        self._snapshot = Snapshot(self.position, self.filter, wish, self._encoder, self._frames)
        for view in (before.view if before else None, self._view()):
            if view and view.position.seq == self.position.seq:
                self._snapshot.show(view)
                break

    def pause(self) -> None:
        """See ``ICursor``."""
        self.held = True
        self._read_ahead = None

    def resume(self, *, catch_up: bool) -> Frame | None:
        """See ``ICursor``."""
        if not self.held:
            return None
        self.held = False
        if not catch_up:
            return self._skip(self._log.head, "paused")
        self._is_catching_up = True
        if self.position.seq < self._log.oldest.seq:
            return self._skip(self._log.oldest, "paused")
        return None

    # What it is sent.

    def is_due(self) -> bool:
        """See ``ICursor``."""
        if self._snapshot:
            return self._snapshot.is_due()
        if self.held:
            return False
        has_more = self._near.is_near and (not self._near.is_at_head or self._near.is_waiting)
        return has_more or self._read_ahead is not None or self._must_skip() is not None

    def reader(self) -> Near | None:
        """See ``ICursor``."""
        if self._snapshot or self.held or self._read_ahead or self._is_catching_up:
            return None
        return self._near if self._near.is_at_head and not self._near.is_waiting else None

    def pull(self, now_ms: float) -> Frame | None:
        """See ``ICursor``."""
        if self._snapshot:
            return self._pull_state(self._snapshot, now_ms)
        if self.held:
            return None
        skip = self._must_skip()
        frame = self._skip(*skip) if skip else None
        frame = frame or self._send_page()
        if frame is not None:
            self._near.told(now_ms)
        else:
            frame = self._near.pull(now_ms) if self._near.is_near else self._near.pull_position(now_ms)
        self._look_at_head()
        return frame

    def _pull_state(self, snapshot: Snapshot, now_ms: float) -> Frame | None:
        frame = snapshot.pull()
        if snapshot.ended:
            self._snapshot = None
            self._near.told(now_ms)
        return frame

    def _send_page(self) -> Frame | None:
        page, self._read_ahead = self._read_ahead, None
        if page is None:
            return None
        self._near.position = page.position
        return page.frame

    def wants(self) -> Wanted | WantedView | Look | None:
        """See ``ICursor``."""
        if self._snapshot:
            return self._snapshot.wants()
        if self.held or self._read_ahead or self._near.is_near:
            return None
        size_bytes = CATCH_UP_BYTES[self.filter.is_open, self._encoder.is_binary]
        return Wanted(self.position, END, self.filter.wants, PageLimits(CATCH_UP_WINDOWS, memory_bytes=size_bytes))

    def miss_state(self) -> Frame | None:
        """See ``ICursor``. It goes on at the head, where it can."""
        gap = self._skip(self._log.head, "trimmed")
        if gap is None:
            self._snapshot = None
        return gap

    def feed(self, page: Page) -> None:
        """See ``ICursor``."""
        if page.gap:  # The next ``pull`` says so, and it is read from there.
            self._behind_damage = page.position if page.gap.reason == "corrupt" else None
            return
        self._take(self._frames.page(page.windows, self.position, self.filter, self._encoder, page.position))

    def take_known(self) -> bool:
        """See ``ICursor``."""
        page = self._frames.page_from(self.position, self.filter, self._encoder)
        if page is None:
            return False
        self._take(page)
        return True

    def _take(self, page: ReadPage) -> None:
        if page.frame is None:
            self._near.position = page.position
            self._look_at_head()
        else:
            self._read_ahead = page

    def _look_at_head(self) -> None:
        """Once it was there, it has caught up."""
        if self._near.is_at_head and not self._snapshot:
            self._is_catching_up = False

    def close(self) -> None:
        """See ``ICursor``: it holds nothing."""

    # How far behind it is.

    def described(self) -> dict[str, Any]:
        """See ``ICursor``."""
        return {}

    def lag_windows(self) -> int:
        """See ``ICursor``."""
        return self._log.head.seq - self.position.seq

    def lag_ms(self) -> int:
        """See ``ICursor``."""
        if self.position.seq >= self._log.head.seq:
            return 0
        waits_ms = self.position.end_ms or self._log.oldest_start_ms or 0
        if self.position.seq >= self._log.tail.seq and (window := self._log.after(self.position)):
            waits_ms = window.end_ms  # After a jump of the clock it is not as old as the one before.
        return max(0, (self._log.head.end_ms or 0) - waits_ms)

    def _must_skip(self) -> tuple[Position, str] | None:
        """Where it has to go on instead, and why."""
        is_late = self._is_catching_up or self.position.seq < self._stalling.late_through
        if self._max_lag_ms and not is_late and self.lag_ms() > self._max_lag_ms:
            return self._log.head, "slow"
        if self.position.seq < self._log.oldest.seq:
            return self._log.oldest, "trimmed"
        if self._behind_damage and self._behind_damage.seq > self.position.seq:
            return self._behind_damage, "corrupt"
        return None

    # Gaps.

    def _skip(self, entered: Position, reason: str) -> Frame | None:
        """Go on at ``entered``; the gap that declares it, if anything is missing."""
        gap = skipped(self._log, self.position, entered, reason)
        self._near.position = entered
        self._read_ahead = self._behind_damage = None
        is_missed = gap is not None and (gap.events or reason == "trimmed")
        return self._declare(gap) if gap and is_missed else None

    def _declare(self, gap: Gap) -> Frame:
        self.gaps[gap.reason] += 1
        self._near.told()
        self._send_state(self._snapshot.wish if self._snapshot else self.wish)  # What it had asked for still comes.
        return self._frames.gap(gap, self.position, self._encoder)

    def _text(self) -> str:
        return self._frames.position_text(self.position)
