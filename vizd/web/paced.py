"""A long body, written as fast as the client takes it, in turns with everything else that is read or made."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

from vizd.web.turns import Turns

__all__ = ["Paced"]


@implementer(IPushProducer)
class Paced:
    """The body of one answer. Nothing is made while the socket is full, so memory does not grow with the answer."""

    def __init__(self, request: Request, turns: Turns) -> None:
        self._request = request
        self._turns = turns
        self._resumed: Deferred[None] | None = None
        request.registerProducer(self, True)

    def pauseProducing(self) -> None:
        """The socket is full."""
        if self._resumed is None:
            self._resumed = Deferred()

    def resumeProducing(self) -> None:
        """There is room again."""
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            resumed.callback(None)

    def stopProducing(self) -> None:
        """The connection is gone; the request says so itself."""

    async def turn(self) -> None:
        """Returns when the socket has room, and it is this answer's turn."""
        if self._resumed is not None:
            await self._resumed
        await self._turns.take()

    def write(self, data: bytes) -> None:
        """The next part; an empty one is none."""
        if data:
            self._request.write(data)

    def finish(self, data: bytes = b"") -> None:
        """The last part."""
        self.write(data)
        self._request.unregisterProducer()
        self._request.finish()
