"""So many a turn of the reactor, and the others in the turns behind it, so that the tick comes between them."""

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

__all__ = ["Gate"]


class Gate:
    """Who waits is bounded by whoever comes: each connection has one thing waiting at most."""

    def __init__(self, per_turn: int, reactor: IReactorTime) -> None:
        self._per_turn = per_turn
        self._reactor = reactor
        self._passed = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def enter(self, go_on: Callable[[], None]) -> None:
        """Call ``go_on``, now or in one of the next turns, in the order in which they came."""
        if self._passed < self._per_turn:
            self._let_pass(go_on)
        else:
            self._waiting.append(go_on)

    def _let_pass(self, go_on: Callable[[], None]) -> None:
        self._passed += 1
        # Counted on over several turns until it is full: then it costs no call a turn while little happens.
        if self._passed == self._per_turn:
            self._reactor.callLater(0, self._open)
        go_on()

    def _open(self) -> None:
        self._passed = 0
        while self._waiting and self._passed < self._per_turn:
            self._let_pass(self._waiting.popleft())
