"""The state at any place of the log: at the head at once, elsewhere by folding again.

A keyframe is restored, and the windows behind it are folded, a page a turn of the reactor. One such view is made at
a time, since each takes the memory of a whole state; the newest are kept for whoever asks for the same place.
"""

from collections import OrderedDict
from collections.abc import Callable

from twisted.internet.defer import DeferredLock

from vizd.log.interfaces import ILog
from vizd.log.window import PageLimits, Position
from vizd.state.keyframe import restore
from vizd.state.projection import Projection
from vizd.state.view import View
from vizd.web.turns import Turns

__all__ = ["Instants"]

PAGE = PageLimits(memory_bytes=64 * 1024)
"""To fold in one turn: about 2 ms, if each event is of another key."""
MAX_KEPT = 2
"""Views: of a place from which many go on, such as the oldest, and of one that somebody looks at."""


class Instants:
    """Makes views.

    :ivar waiting: how many are asked for and not there yet.
    """

    def __init__(self, log: ILog, current: Projection, empty: Callable[[], Projection], turns: Turns) -> None:
        """
        :param current: the state at the head. :param empty: a projection like that, of nothing.
        """
        self._log = log
        self._current = current
        self._empty = empty
        self._turns = turns
        self._lock = DeferredLock()
        self._kept: OrderedDict[int, View] = OrderedDict()
        self.waiting = 0

    def now(self) -> View:
        """The state at the head."""
        return self._current.view()

    async def at(self, position: Position) -> View:
        """The state behind ``position``.

        :raises LookupError: it has been trimmed.
        """
        view = self._known(position)
        if view is not None:  # Whoever asks for now does not wait for those who ask for the past.
            return view
        self.waiting += 1
        try:
            await self._lock.acquire()
            try:
                return self._known(position) or await self._made(position)
            finally:
                self._lock.release()
        finally:
            self.waiting -= 1

    def _known(self, position: Position) -> View | None:
        """Where nothing needs to be folded."""
        return self.now() if position.seq == self._current.position.seq else self._kept.get(position.seq)

    async def _made(self, position: Position) -> View:
        view = self._kept[position.seq] = await self._folded(position)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return view

    async def _folded(self, position: Position) -> View:
        projection = self._empty()
        keyframe = await self._log.keyframe(position)
        if keyframe.position.seq:
            for _ in restore(projection, keyframe.pieces()):
                await self._turns.take()
        while projection.position.seq < position.seq:
            await self._turns.take()
            page = await self._log.read(projection.position, position, lambda _: True, PAGE)
            if page.gap and page.gap.reason == "trimmed":
                raise LookupError(f"window {position.seq} has been trimmed")
            if page.gap:
                projection.miss(page.position)
            for window in page.windows:
                projection.fold(window)
        return projection.view()
