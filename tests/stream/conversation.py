"""A session and a client that understands it, without a socket and with a clock that is a number."""

import json
from typing import Any

import msgpack

from tests.stream.made import draft, fsyncs
from vizd.log.memory import MemoryLog
from vizd.log.window import Page, Position
from vizd.state.projection import Projection
from vizd.state.view import View
from vizd.stream.encoding import JSON
from vizd.stream.filter import Filter
from vizd.stream.frames import Frames
from vizd.stream.history import ReadSlots, Wanted
from vizd.stream.live import MAX_LAG_MS, Live
from vizd.stream.session import Session
from vizd.stream.snapshot import Look, StateWish, WantedView
from vizd.stream.source import Source
from vizd.stream.streams import ConflatedStreams
from vizd.stream.thin import Thin


def now(coroutine: Any) -> Any:
    """The result of a coroutine that has nothing to wait for, as those of the log in memory."""
    try:
        coroutine.send(None)
    except StopIteration as stopped:
        return stopped.value
    raise AssertionError("it waits")


class Conversation:
    """A client of ``log``, connected.

    :ivar connected: the first message that it got.
    """

    def __init__(
        self,
        log: MemoryLog,
        encoder: Any = JSON,
        slots: ReadSlots | None = None,
        by: Filter | None = None,
        position: str | None = None,
        max_lag_ms: int = MAX_LAG_MS,
        now_ms: float = 0.0,
        state: StateWish = StateWish.NONE,
        projection: Projection | None = None,
        frames: Frames | None = None,
        max_kbps: int | None = None,
        streams: ConflatedStreams | None = None,
    ) -> None:
        """
        :param projection: the state of ``log``, for one that asks for it. :param max_kbps: its budget.
        :param streams: that it shares with others.
        """
        self.log = log
        by = by or Filter.of()
        projection = Projection(0) if projection is None else projection
        frames = frames or Frames(log.epoch)
        if max_kbps is None:
            self.cursor: Any = Live(log, projection.view, frames, encoder, by, max_lag_ms, state)
        else:
            if streams is None:  # Not by its truth: one that has no readers yet is empty.
                streams = ConflatedStreams(Source(log, frames, projection.view, projection.is_newest))
            self.cursor = Thin(log, streams, encoder, by, max_kbps, state)
        self.session = Session(log, frames, slots or ReadSlots(), encoder, self.cursor)
        self.now_ms = now_ms
        self._loads = json.loads if encoder is JSON else msgpack.unpackb
        self.session.begin({"version": "test"}, position, now_ms)
        self.connected: dict[str, Any] = self.hear() or {}

    def tell(self, **fields: Any) -> None:
        self.session.receive(json.dumps(fields).encode(), False, 1_234)

    def hear(self) -> dict[str, Any] | None:
        """One message."""
        frame = self.session.pull(self.now_ms)
        return None if frame is None else self._loads(frame.payload)

    def feed(self) -> bool:
        """What it wants, if that is anything: a page of the past, a turn, the state at some place."""
        wanted = self.session.wants()
        if wanted is None:
            return False
        match wanted:
            case Wanted():
                self.session.feed(wanted, self.read(wanted))
            case WantedView():
                self.session.feed(wanted, self.state_at(wanted.position))
            case Look():
                self.session.feed(wanted, None)
        return True

    def state_at(self, position: Position) -> View | None:
        """Folded from the oldest window on, if that is the first; ``None``: it can't be had any more."""
        if self.log.oldest.seq:
            return None
        projection = Projection(3_600_000)
        while projection.position.seq < position.seq:
            for window in now(self.log.read(projection.position, position, lambda _: True)).windows:
                projection.fold(window)
        return projection.view()

    def read(self, wanted: Wanted) -> Page:
        page: Page = now(self.log.read(wanted.position, wanted.stop, wanted.wanted, wanted.limits))
        return page

    def hear_all(self) -> list[dict[str, Any]]:
        """All that comes now, the past with it."""
        heard = []
        while True:
            message = self.hear()
            if message is not None:
                heard.append(message)
            elif self.session.due(self.now_ms) != 0 and not self.feed():
                return heard


def numbers(heard: list[dict[str, Any]]) -> list[int]:
    """The ``ms`` of all Fsyncs in live batches."""
    return [
        event["event"]["data"]["kind"]["ms"]
        for each in heard
        if each["type"] == "batch" and "history" not in each
        for event in each["data"]["events"]
    ]


def append(log: MemoryLog, first: int, count: int = 1, node: int = 1) -> None:
    """A window of 50 ms with ``count`` Fsyncs, numbered from ``first``."""
    at_ms = (log.head.end_ms or 1_000) if log.head.seq else 1_000
    log.append(draft(at_ms, fsyncs(count, node, first)))
