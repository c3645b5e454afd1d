"""Turns of the reactor for readers of the past: one page each, whoever has waited longest first.

So however many read what lies behind the head, everything else (live batches, the tick, sockets) waits for one
page at most, and no reader for more than one page of each other.
"""

from collections import deque

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

__all__ = ["Turns"]


class Turns:
    """Gives them out. Those who wait are no more than there are connections."""

    def __init__(self, reactor: IReactorTime) -> None:
        self._reactor = reactor
        self._waiting: deque[Deferred[None]] = deque()
        self._next: IDelayedCall | None = None

    def take(self) -> Deferred[None]:
        """Fires when it is the caller's turn: read a page then, and ask again for another. May be cancelled."""
        turn: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(turn)
        self._plan()
        return turn

    def _plan(self) -> None:
        if self._waiting and self._next is None:
            self._next = self._reactor.callLater(0, self._give)

    def _give(self) -> None:
        self._next = None
        if self._waiting:
            self._waiting.popleft().callback(None)
        self._plan()
