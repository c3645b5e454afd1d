"""Long answers, written as fast as the client takes them, in turns with everything else that is read or made."""

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from twisted.web.server import Request
from zope.interface import implementer

from vizd.web.admission import Admission
from vizd.web.site import Endpoint
from vizd.web.turns import Turns

__all__ = ["Paced", "PacedEndpoint"]


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


class PacedEndpoint(Endpoint):
    """One whose answers are long."""

    def __init__(self, admission: Admission, turns: Turns) -> None:
        super().__init__(admission)
        self._turns = turns

    def begin(
        self, request: Request, content_type: bytes = b"application/json", vary: bytes = b"Accept-Encoding"
    ) -> bool:
        """The headers. False: there is no body to follow, since it is a HEAD, and that has been answered."""
        request.setHeader(b"Content-Type", content_type)
        request.responseHeaders.addRawHeader(b"Vary", vary)
        if request.method == b"HEAD":
            request.finish()
            return False
        return True

    def answer(self, request: Request, answering: Coroutine[Deferred[None], Any, None]) -> Deferred[None]:
        """Let it run, until the client is gone; fires, without an error, when it has ended in whatever way."""
        running = ensureDeferred(answering)
        request.notifyFinish().addErrback(lambda _: running.cancel())
        return running.addErrback(self._failed, request)

    def _failed(self, failure: Failure, request: Request) -> None:
        """After the 200 an error has no other way to be told than to break off."""
        if not failure.check(CancelledError):
            self._log.failure("{path} broke off", failure, path=request.path.decode("latin-1"))
            request.loseConnection()
