"""Nodes that cost next to nothing: a process that sends prepared messages as fast as it is told to, and is allowed to.

It speaks the wire contract, section 1, for all its nodes at once; and the driver's end of it.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from bench.speed.driven import Driven
from bench.speed.prepared import Message, heartbeat, prepared, request

__all__ = ["Publisher", "Sent"]

TURN_S = 0.005
HEARTBEAT_S = 0.5
EVENTS_PER_NODE = 10_000
"""Before they are sent again, with another time."""
UNLIMITED = 1e9


@dataclass(frozen=True, slots=True)
class Sent:
    """So far, of all nodes together: events. :ivar at_s: when, by the monotonic clock."""

    at_s: float
    sent: int
    received: int
    stored: int


class Publisher(Driven):
    """The driver's end."""

    def __init__(self, port: int, *, nodes: int = 5, per_message: int = 100, first_node: int = 1) -> None:
        """Returns when all nodes are welcome; they are silent.

        :param port: of the gRPC server. :param per_message: events. :param first_node: its number.
        """
        super().__init__(_main, port, nodes, per_message, first_node)
        self._answer("begin")

    def publish(self, rate: float = UNLIMITED) -> None:
        """From now on.

        :param rate: events per second, of all nodes together; 0: none.
        """
        self._ask("rate", rate)

    def sent(self) -> Sent:
        """See ``Sent``."""
        answer: Sent = self._ask("sent")
        return answer

    def finish(self, timeout_s: float) -> Sent:
        """Publish nothing more, and wait until all is stored.

        :raises TimeoutError: it was not, in that time.
        """
        self.publish(0)
        give_up_s = time.monotonic() + timeout_s
        while (sent := self.sent()).stored < sent.sent:
            if time.monotonic() > give_up_s:
                raise TimeoutError(f"{sent.sent - sent.stored:,} events were not acked within {timeout_s:g} s")
            time.sleep(TURN_S)
        return sent


# In the process.


def _main(pipe: Connection, port: int, nodes: int, per_message: int, first_node: int) -> None:
    try:
        asyncio.run(_run(pipe, port, prepared(nodes, EVENTS_PER_NODE, per_message), first_node))
    except Exception as error:
        pipe.send(RuntimeError(f"the publishers failed: {error!r}"))
        raise


async def _run(pipe: Connection, port: int, messages: Sequence[Sequence[Message]], first_node: int) -> None:
    import grpc  # Not where the driver imports this: it forks.

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        nodes = [
            # One after the other within the time of a message, so that what all send is even.
            _Node(channel, first_node + at, own, int(own[0].events * at / len(messages)))
            for at, own in enumerate(messages)
        ]
        for node in nodes:
            await node.begin()
        loop = asyncio.get_running_loop()

        def told() -> None:
            command, *arguments = pipe.recv()
            if command == "rate":
                for node in nodes:
                    node.publish(arguments[0] / len(nodes))
                pipe.send(None)
            else:
                totals = (sum(getattr(node, name) for node in nodes) for name in ("sent", "received", "stored"))
                pipe.send(Sent(time.monotonic(), *totals))

        loop.add_reader(pipe.fileno(), told)
        pipe.send(None)
        async with asyncio.TaskGroup() as group:
            for node in nodes:
                group.create_task(node.hear())
                group.create_task(node.speak())


class _Node:
    def __init__(self, channel: Any, number: int, messages: Sequence[Message], ahead: int) -> None:
        self._number = number
        self._ahead = ahead
        self._messages = messages
        self._call = channel.stream_stream("/norikv.viz.v1.VizIngestService/Publish")()
        self._changed = asyncio.Event()
        self._max_in_flight = 0
        self._rate = 0.0
        self._began = (0.0, 0)
        self.sent = self.received = self.stored = 0

    def publish(self, rate: float) -> None:
        self._rate = rate
        self._began = time.monotonic(), self.sent + self._ahead
        self._changed.set()

    async def begin(self) -> None:
        from vizd.wire.vizd_pb2 import Hello, PublishRequest, PublishResponse

        hello = Hello(node=self._number, node_name=f"bench-{self._number}", incarnation=time.time_ns(), next_seq=1)
        await self._call.write(PublishRequest(hello=hello).SerializeToString())
        self._max_in_flight = PublishResponse.FromString(await self._call.read()).welcome.max_in_flight

    async def hear(self) -> None:
        from vizd.wire.vizd_pb2 import PublishResponse

        while raw := await self._call.read():
            ack = PublishResponse.FromString(raw).ack
            if ack.rejected_count:
                raise RuntimeError(f"events were rejected: {ack.rejected}")
            self.received, self.stored = ack.received_through, ack.stored_through
            self._changed.set()
        raise RuntimeError(f"the stream of node {self._number} has ended: {await self._call.details()}")

    async def speak(self) -> None:
        spoke_s, at = time.monotonic(), 0
        while True:
            now_s, now_ms = time.monotonic(), time.time_ns() // 1_000_000
            message = self._messages[at % len(self._messages)]
            following = self.sent + message.events
            began_s, before = self._began
            may = self.received + self._max_in_flight
            due = before + (now_s - began_s) * self._rate
            if following <= min(may, due):
                await self._call.write(request(message, self.sent + 1, now_ms))
                self.sent, spoke_s, at = following, now_s, at + 1
                continue
            if now_s - spoke_s > HEARTBEAT_S:
                await self._call.write(heartbeat(self.sent + 1, now_ms))
                spoke_s = now_s
            self._changed.clear()
            wait_s = HEARTBEAT_S if following > may or not self._rate else (following - due) / self._rate
            try:
                async with asyncio.timeout(min(HEARTBEAT_S, max(0.001, wait_s))):
                    await self._changed.wait()
            except TimeoutError:
                continue
