"""``GET /api/history``: a part of the log, written as fast as the client takes it.

The answer is made page by page. While the client's socket is full nothing is read, so memory does not grow with
the range; and between two pages the reactor does other things, so live windows are not delayed.
"""

from collections.abc import Iterator

from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

from vizd.log.interfaces import ILog
from vizd.log.window import Page
from vizd.stream.filter import Filter
from vizd.stream.frames import select
from vizd.stream.history import PAGE, ReadSlots, trimmed_before
from vizd.web.admission import Admission, Refused
from vizd.web.formats import format_for
from vizd.web.interfaces import IFormat
from vizd.web.paced import Paced
from vizd.web.query import Query
from vizd.web.site import Endpoint
from vizd.web.turns import Turns

__all__ = ["HistoryEndpoint"]

RETRY_AFTER_S = 1


class HistoryEndpoint(Endpoint):
    """``from``, ``to``, ``types``, ``nodes``, ``shards``, ``limit``: see the wire contract, section 3."""

    def __init__(self, admission: Admission, log: ILog, slots: ReadSlots, turns: Turns) -> None:
        super().__init__(admission)
        self._history_log = log
        self._slots = slots
        self._turns = turns

    def get(self, request: Request) -> int:
        """See ``Endpoint``."""
        query = Query(request.args or {})
        from_ms, to_ms, limit = query.milliseconds("from"), query.milliseconds("to"), query.count("limit")
        by = query.filter()
        if from_ms is not None and to_ms is not None and from_ms > to_ms:
            raise ValueError(f"from: {from_ms} is behind to, {to_ms}: use a from that is not after to")
        form = format_for(request.requestHeaders.getRawHeaders(b"Accept", []))
        request.setHeader(b"Content-Type", form.content_type)
        request.responseHeaders.addRawHeader(b"Vary", b"Accept, Accept-Encoding")
        if request.method == b"HEAD":
            request.finish()
            return NOT_DONE_YET
        if not self._slots.take():
            raise Refused(503, "busy", f"{self._slots.MAX} histories are being read: try again", RETRY_AFTER_S)
        answer = _Answer(self._history_log, by, from_ms, to_ms, limit, form)
        writing = ensureDeferred(_write(answer, Paced(request, self._turns)))
        request.notifyFinish().addErrback(lambda _: writing.cancel())
        writing.addErrback(self._failed, request).addBoth(lambda _: self._slots.give_back())
        return NOT_DONE_YET

    def _failed(self, failure: Failure, request: Request) -> None:
        """After the 200 an error has no other way to be told than to break off."""
        if not failure.check(CancelledError):
            self._log.failure("{uri} broke off", failure, uri=request.uri)
            request.loseConnection()


class _Answer:
    """What is said, page by page."""

    def __init__(
        self, log: ILog, by: Filter, from_ms: int | None, to_ms: int | None, limit: int | None, form: IFormat
    ) -> None:
        self.log = log
        self.filter = by
        self.form = form
        self.position = log.before_ms(from_ms or 0)
        self.stop = log.head if to_ms is None else log.before_ms(to_ms)
        self._before = None if from_ms is None else trimmed_before(log, from_ms, to_ms)
        self._limit = limit
        self._events = 0
        self._batches = 0
        self._next_from: int | None = None

    @property
    def is_complete(self) -> bool:
        """Nothing is left to read."""
        return self._next_from is not None or self.position.seq >= self.stop.seq

    def begin(self) -> bytes:
        """What comes first."""
        return self.form.begin() + (self.form.gap(self._before) if self._before else b"")

    def page(self, page: Page) -> Iterator[bytes]:
        """The windows of ``page``."""
        self.position = page.position
        if page.gap:
            yield self.form.gap(page.gap)
        for window in page.windows:
            part = select(window, self.filter)
            if part is None:
                continue
            if self._limit is not None and self._batches and self._events + part.events > self._limit:
                self._next_from = window.start_ms
                return
            self._batches += 1
            self._events += part.events
            yield self.form.batch(part)

    def end(self) -> bytes:
        """What comes last."""
        return self.form.end({"total_events": self._events, "next_from": self._next_from})


async def _write(answer: _Answer, paced: Paced) -> None:
    """All of it, page by page."""
    paced.write(answer.begin())
    while not answer.is_complete:
        await paced.turn()
        page = await answer.log.read(answer.position, answer.stop, answer.filter.wants, PAGE)
        paced.write(b"".join(answer.page(page)))
    await paced.turn()
    paced.finish(answer.end())
