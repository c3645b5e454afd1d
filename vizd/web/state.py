"""``GET /api/state``: the newest event of each key, now or at any instant that the log still has."""

from collections.abc import Callable, Iterator
from itertools import compress, islice

from twisted.web.server import NOT_DONE_YET, Request

from vizd.log.interfaces import ILog
from vizd.log.window import Position
from vizd.state.view import View
from vizd.stream.encoding import JSON
from vizd.stream.filter import Filter
from vizd.stream.position import position_to_text
from vizd.web.admission import Admission, Refused
from vizd.web.instants import Instants
from vizd.web.paced import Paced, PacedEndpoint
from vizd.web.query import Query
from vizd.web.sliced import write_slices
from vizd.web.turns import Turns

__all__ = ["StateEndpoint"]

MAX_WAITING = 8
"""Instants that are being made, for all together; beyond it the answer is 503."""
RETRY_AFTER_S = 1
SLICES_PER_TURN = 8
"""Of a view, each of 512 entries at most: about 0.5 ms."""


class StateEndpoint(PacedEndpoint):
    """``at``, ``types``, ``nodes``, ``shards``: see the wire contract, section 3."""

    def __init__(
        self, admission: Admission, log: ILog, instants: Instants, turns: Turns, wall_ms: Callable[[], int]
    ) -> None:
        super().__init__(admission, turns)
        self._history_log = log
        self._instants = instants
        self._wall_ms = wall_ms

    def get(self, request: Request) -> int:
        """See ``Endpoint``."""
        query = Query(request.args or {})
        asked_ms, by = query.milliseconds("at"), query.filter()
        now_ms = self._wall_ms()
        at_ms = now_ms if asked_ms is None else min(asked_ms, now_ms)
        position = self._history_log.head if at_ms == now_ms else self._position(at_ms)
        if position != self._history_log.head and self._instants.waiting >= MAX_WAITING:
            raise Refused(503, "busy", f"{MAX_WAITING} instants are being made: try again", RETRY_AFTER_S)
        if self.begin(request):
            self.answer(request, self._answer(request, at_ms, position, by))
        return NOT_DONE_YET

    def _position(self, at_ms: int) -> Position:
        """Behind the last window that had ended."""
        oldest_ms = self._history_log.oldest_start_ms
        if oldest_ms is None:
            return self._history_log.head
        if at_ms < oldest_ms and not self._history_log.oldest.seq:
            raise self._gone()
        try:
            return self._history_log.ended_by(at_ms)
        except LookupError:
            raise self._gone() from None

    def _gone(self) -> Refused:
        log = self._history_log
        # A window may begin a little before the one in front of it has ended.
        oldest_ms = max(log.oldest_start_ms or 0, log.oldest.end_ms or 0)
        return Refused(410, "gone", f"at: that is before the buffer: the oldest that it has is {oldest_ms}")

    async def _answer(self, request: Request, at_ms: int, position: Position, by: Filter) -> None:
        try:
            view = await self._instants.at(position)
        except LookupError:  # Trimmed while it waited.
            request.write(self._refuse(request, self._gone()))
            request.finish()
            return
        text = position_to_text(self._history_log.epoch, view.position)
        await write_slices(Paced(request, self._turns), _slices(view, at_ms, text, by))


def _slices(view: View, at_ms: int, position: str, by: Filter) -> Iterator[bytes]:
    yield b'{"at":%d,"position":"%s","events":[' % (at_ms, position.encode())
    parts = view.slices()
    separator = b""
    while some := list(islice(parts, SLICES_PER_TURN)):
        fragments: list[bytes] = []
        for part in some:
            fragments += compress(part.fragments, map(by.verdicts.__getitem__, part.facets))
        if fragments:
            yield separator + b",".join(fragments)
            separator = b","
        else:
            yield b""
    unknown = sorted(number for number, node in view.nodes.items() if not node.connected)
    yield b"]," + JSON.message({"unknown": unknown, "truncated": view.truncated})[1:]
