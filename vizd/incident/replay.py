"""An incident is published again: a stream a node, so that who said what, and when who was gone, is as it was.

The order of events is kept across nodes, too: a run of one node's events is received before another node says anything.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import grpc

from vizd.client.address import Token
from vizd.client.publisher import Publisher
from vizd.client.stream import StreamTiming
from vizd.client.thread import PublisherThread
from vizd.events.parse import event_from_json
from vizd.incident.reader import Incident
from vizd.wire.vizd_pb2 import VizEvent

__all__ = ["MAX_NODES", "CannotReplay", "Replay", "Replayed"]

MAX_NODES = 1_000
"""Each is a connection and a stream."""
RUN_EVENTS = 1_000
"""At most, of one node without another's: a publisher keeps a hundred times as many."""
WELCOME_S = 10.0
"""For the first stream; later ones are waited for."""
FLUSH_S = 30.0
"""At the end, for the last acks."""
_TIMING = StreamTiming(linger_s=0.0, confirms=True)

_log = logging.getLogger("vizd.incident")
_log.addHandler(logging.NullHandler())
_log.propagate = False  # What matters of it is what becomes of the replay.


class CannotReplay(Exception):
    """The text says why."""


@dataclass(slots=True)
class Replayed:
    """What became of it.

    :ivar skipped: events that are none, or of kinds that this version does not know. :ivar stored: whether the daemon
        has acked all the others. :ivar behind_s: by how much it was later than its speed wanted, at most, in seconds.
    """

    windows: int = 0
    events: int = 0
    skipped: int = 0
    behind_s: float = 0.0
    stored: bool = False


class Replay:
    """Of one incident, once."""

    def __init__(
        self,
        incident: Incident,
        target: str,
        *,
        speed: float | None = 1.0,
        shift: bool = True,
        token: Token | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        tls_name: str | None = None,
        progress: Callable[[int], None] = lambda _at_ms: None,
    ) -> None:
        """
        :param target: of a daemon's gRPC port.
        :param speed: in multiples of real time; ``None``: as fast as the daemon takes it.
        :param shift: the events' times are moved so that the first window is now.
        :param token: as in ``Publisher``, and so the next two.
        :param progress: told, in another thread, the end of the window that comes next.
        """
        self._incident = incident
        self._target = target
        self._speed = speed
        self._shift = shift
        self._options: dict[str, Any] = {"token": token, "credentials": credentials, "tls_name": tls_name}
        self._progress = progress
        self._thread = PublisherThread("vizd-replay")
        self._publishers: dict[int, Publisher] = {}
        self._names: dict[int, str] = {}
        self._gone: dict[int, list[tuple[int, int]]] = {}
        self._began_s = 0.0
        self._shift_ms = 0
        self.done = Replayed()

    def start(self) -> "Future[None]":
        """Begin; cancel what is returned to stop it. It fails with ``CannotReplay`` or ``NotAnIncident``."""
        self._thread.start()
        return self._thread.submit(self._run())

    def close(self) -> None:
        """Let go of its thread. After it is done."""
        self._thread.stop()

    async def _run(self) -> None:
        try:
            first_ms: int | None = None
            state: list[dict[str, Any]] = []
            for kind, item in self._incident.items():
                if kind == "coverage":
                    self._know(item)
                elif kind == "state":
                    state.append(item)
                elif kind == "window":
                    if first_ms is None:
                        first_ms = item["window_end"]
                        self._began_s = time.monotonic()
                        self._shift_ms = time.time_ns() // 1_000_000 - first_ms if self._shift else 0
                        await self._publish(state)
                        state.clear()
                    self._progress(item["window_end"])
                    # A window may begin long before its first event: in a quiet cluster where the one before ended.
                    await self._until(item["window_end"] - first_ms)
                    await self._part(item["window_end"])
                    await self._publish(item["events"])
                    self.done.windows += 1
            if first_ms is None:
                raise CannotReplay("there is nothing whole in it: " + "; ".join(self._incident.damage))
            stored = await asyncio.gather(*(each.wait_closed(FLUSH_S) for each in self._publishers.values()))
            self.done.stored = all(stored)
        except BaseException:
            await asyncio.gather(*(each.wait_closed(0) for each in self._publishers.values()))
            raise

    def _know(self, coverage: Any) -> None:
        for node in coverage["nodes"]:
            self._names[node["node"]] = node["name"]
            self._gone[node["node"]] = [(each["from_ms"], each["to_ms"]) for each in node["disconnected"]]

    async def _until(self, at_ms: int) -> None:
        if self._speed is None:
            return
        left_s = self._began_s + at_ms / 1_000 / self._speed - time.monotonic()
        self.done.behind_s = max(self.done.behind_s, -left_s)
        if left_s > 0:
            await asyncio.sleep(left_s)

    async def _part(self, at_ms: int) -> None:
        """Who was gone by then goes."""
        for node in list(self._publishers):
            if any(from_ms < at_ms <= to_ms for from_ms, to_ms in self._gone.get(node, ())):
                await self._publishers.pop(node).wait_closed(FLUSH_S)

    async def _publish(self, events: list[dict[str, Any]]) -> None:
        for node, run in groupby(events, lambda event: int(event["node"])):
            parsed = list(filter(None, map(self._parsed, run)))
            for begin in range(0, len(parsed), RUN_EVENTS):
                publisher = await self._publisher(node)
                some = parsed[begin : begin + RUN_EVENTS]
                publisher.emit_all(some)
                if not await publisher.wait_received():
                    raise CannotReplay(f"another process publishes as {self._name(node)}")
                self.done.events += len(some)

    def _parsed(self, said: dict[str, Any]) -> VizEvent | None:
        try:
            event = event_from_json(said)
        except ValueError:
            self.done.skipped += 1
            return None
        event.ts_ms = max(1, event.ts_ms + self._shift_ms)
        return event

    def _name(self, node: int) -> str:
        return self._names.get(node, f"node-{node}")

    async def _publisher(self, node: int) -> Publisher:
        if node in self._publishers:
            return self._publishers[node]
        if len(self._publishers) >= MAX_NODES:
            raise CannotReplay(f"more than {MAX_NODES} nodes at once")
        is_first = not self._publishers
        publisher = Publisher(
            self._target, node, self._name(node), thread=self._thread, timing=_TIMING, log=_log, **self._options
        )
        self._publishers[node] = publisher
        await asyncio.to_thread(publisher.start)  # It asks this loop, from outside.
        if is_first:
            await self._welcomed(publisher)
        return publisher

    async def _welcomed(self, publisher: Publisher) -> None:
        give_up_s = time.monotonic() + WELCOME_S
        while not publisher.connected:
            error = publisher.stats.last_error
            if time.monotonic() > give_up_s or (error and not error.startswith("DEADLINE")):
                raise CannotReplay(f"no daemon at {self._target} took anything ({error or 'no answer'})")
            await asyncio.sleep(0.01)
