"""``GET /api/history``: a part of the log, written as fast as the client takes it.

The answer is made page by page. While the client's socket is full nothing is read, so memory does not grow with
the range; and between two pages the reactor does other things, so live windows are not delayed.
"""

from collections.abc import Iterator

from twisted.web.server import NOT_DONE_YET, Request

from vizd.log.interfaces import ILog
from vizd.log.window import Page
from vizd.stream.filter import Filter
from vizd.stream.frames import select
from vizd.stream.gaps import trimmed_before
from vizd.stream.history import PAGE, ReadSlots
from vizd.web.admission import Admission, Refused
from vizd.web.formats import format_for
from vizd.web.interfaces import IFormat
from vizd.web.paced import Paced, PacedEndpoint
from vizd.web.query import Query
from vizd.web.turns import Turns

__all__ = ["HistoryEndpoint"]

RETRY_AFTER_S = 1


class HistoryEndpoint(PacedEndpoint):
    """``from``, ``to``, ``types``, ``nodes``, ``shards``, ``limit``: see the wire contract, section 3."""

    def __init__(self, admission: Admission, log: ILog, slots: ReadSlots, turns: Turns) -> None:
        super().__init__(admission, turns)
        self._history_log = log
        self._slots = slots

    def get(self, request: Request) -> int:
        """See ``Endpoint``."""
        query = Query(request.args or {})
        (from_ms, to_ms), limit, by = query.range_ms(), query.count("limit"), query.filter()
        form = format_for(request.requestHeaders.getRawHeaders(b"Accept", []))
        if self.begin(request, form.content_type, b"Accept, Accept-Encoding"):
            if not self._slots.take():
                raise Refused(503, "busy", f"{self._slots.MAX} histories are being read: try again", RETRY_AFTER_S)
            answer = _Answer(self._history_log, by, from_ms, to_ms, limit, form)
            running = self.answer(request, _write(answer, Paced(request, self._turns)))
            running.addBoth(lambda _: self._slots.give_back())
        return NOT_DONE_YET


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
        """The windows of ``page``, in pieces."""
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
            yield from self.form.batch(part)

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
