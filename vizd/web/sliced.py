"""Long answers in JSON that are made slice by slice, one a turn of the reactor, at the pace of the socket."""

from collections.abc import Coroutine, Iterator
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

from vizd.web.admission import Admission
from vizd.web.paced import Paced
from vizd.web.query import Query
from vizd.web.site import Endpoint
from vizd.web.turns import Turns

__all__ = ["SlicedEndpoint", "range_of"]


class SlicedEndpoint(Endpoint):
    """One whose answer is the slices that it is asked for."""

    def __init__(self, admission: Admission, turns: Turns) -> None:
        super().__init__(admission)
        self._turns = turns

    def slices(self, query: Query) -> Iterator[bytes]:
        """The body; slices may be empty. Each is made in a turn of its own.

        :raises ValueError: at once: a parameter is wrong, the text says which and how.
        """
        raise NotImplementedError

    def get(self, request: Request) -> int:
        """See ``Endpoint``."""
        slices = self.slices(Query(request.args or {}))
        self.begin(request)
        if request.method == b"HEAD":
            request.finish()
        else:
            self.answer(request, self.write(request, slices))
        return NOT_DONE_YET

    def begin(self, request: Request) -> None:
        """The headers."""
        request.setHeader(b"Content-Type", b"application/json")
        request.responseHeaders.addRawHeader(b"Vary", b"Accept-Encoding")

    async def write(self, request: Request, slices: Iterator[bytes]) -> None:
        """The body."""
        paced = Paced(request, self._turns)
        await paced.turn()
        for text in slices:
            paced.write(text)
            await paced.turn()
        paced.finish()

    def answer(self, request: Request, answering: Coroutine[Deferred[None], Any, None]) -> None:
        """Let it run, until the client is gone."""
        running = ensureDeferred(answering)
        request.notifyFinish().addErrback(lambda _: running.cancel())
        running.addErrback(self._failed, request)

    def _failed(self, failure: Failure, request: Request) -> None:
        """After the 200 an error has no other way to be told than to break off."""
        if not failure.check(CancelledError):
            self._log.failure("{uri} broke off", failure, uri=request.uri)
            request.loseConnection()


def range_of(query: Query) -> tuple[int | None, int | None]:
    """``from`` and ``to``, in milliseconds; ``None`` where they are not given.

    :raises ValueError: one of them is wrong, or ``from`` is behind ``to``.
    """
    from_ms, to_ms = query.milliseconds("from"), query.milliseconds("to")
    if from_ms is not None and to_ms is not None and from_ms > to_ms:
        raise ValueError(f"from: {from_ms} is behind to, {to_ms}: use a from that is not after to")
    return from_ms, to_ms
