"""Dashboards on sockets that are lists, in surroundings that are real but for the clock."""

import json
from typing import Any

import msgpack
from twisted.internet.task import Clock

from tests.stream.made import draft, followed, fsyncs, insight_of, memory_log
from vizd.log.memory import MemoryLog
from vizd.state.projection import Projection
from vizd.stream.encoding import JSON
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame, Frames
from vizd.stream.history import ReadSlots
from vizd.stream.snapshot import StateWish
from vizd.stream.source import Source
from vizd.stream.streams import ConflatedStreams
from vizd.web.clients import Clients
from vizd.web.dashboard import Dashboard, Surroundings, Wish
from vizd.web.instants import Instants
from vizd.web.turns import Turns

WALL_MS = 1_765_000_000_000


class FakeSocket:
    """A ``dashboard.Socket`` that takes ``room`` frames and is full then.

    :ivar did: all that was asked of it but frames, in order. :ivar reading: whether it reads from the client.
    """

    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.dashboard: Dashboard | None = None
        self.frames: list[Frame] = []
        self.did: list[Any] = []
        self.reading = True
        self.taken: int | None = None

    def send(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.room -= 1
        if self.room <= 0 and self.dashboard is not None:
            self.dashboard.filled()

    def ping(self) -> None:
        self.did.append("ping")

    def read(self, go_on: bool) -> None:
        self.reading = go_on

    def taken_bytes(self) -> int | None:
        return self.taken

    def close(self, code: int, reason: str) -> None:
        self.did.append((code, reason))

    def abort(self) -> None:
        self.did.append("abort")

    @property
    def close_codes(self) -> list[int]:
        return [each[0] for each in self.did if isinstance(each, tuple)]


class Person:
    """Whoever looks at a dashboard."""

    def __init__(self, house: "House", encoder: Any = JSON, by: Filter | None = None, **wish: Any) -> None:
        self.socket = FakeSocket()
        self.dashboard = Dashboard(
            house.around, self.socket, "test", Wish(encoder, by or Filter.of(), **{"state": StateWish.NONE, **wish})
        )
        self.socket.dashboard = self.dashboard
        self._loads = json.loads if encoder is JSON else msgpack.unpackb
        self._heard = 0
        self.dashboard.begin()

    def tell(self, **fields: Any) -> None:
        self.dashboard.received(json.dumps(fields).encode(), False)

    def heard(self) -> list[dict[str, Any]]:
        """What has come since the last time."""
        new = self.socket.frames[self._heard :]
        self._heard += len(new)
        return [self._loads(frame.payload) for frame in new]

    def numbers(self) -> list[int]:
        """The ``ms`` of the live Fsyncs that have come since the last time."""
        return [
            event["event"]["data"]["kind"]["ms"]
            for each in self.heard()
            if each["type"] == "batch" and "history" not in each
            for event in each["data"]["events"]
        ]

    def stall(self) -> None:
        """Take nothing more."""
        self.socket.room = 0
        self.dashboard.filled()

    def take(self, room: int = 10**9) -> None:
        """Take this many frames more."""
        self.socket.room = room
        self.dashboard.drained()


class House:
    """A log, the clients of it, and the time."""

    def __init__(self, log: MemoryLog | None = None, max_clients: int = 100) -> None:
        self.log = log or memory_log()
        self.clock = Clock()
        self.slots = ReadSlots()
        self.turns = Turns(self.clock)
        self.clients = Clients(self.log, max_clients, self.clock, self.clock.seconds)
        self.clients.startService()
        frames, projection = Frames(self.log.epoch), followed(self.log)
        self.around = Surroundings(
            self.log,
            frames,
            ConflatedStreams(Source(self.log, frames, projection.view, projection.is_newest)),
            self.slots,
            self.turns,
            Instants(self.log, projection, lambda: Projection(3_600_000), self.turns),
            insight_of(self.log),
            self.clients,
            self.clock,
            self.clock.seconds,
            lambda: WALL_MS,
            50,
        )
        self._number = 0

    def append(self, events: int = 1, *, turn: bool = True) -> None:
        """A window of 50 ms with Fsyncs, numbered on and on."""
        at_ms = self.log.head.end_ms or 1_000
        self.log.append(draft(at_ms, fsyncs(events, first=self._number)))
        self._number += events
        if turn:
            self.clock.advance(0)

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
