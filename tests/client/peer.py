"""A gRPC server that plays the daemon as a test says, in a thread of its own.

Each stream is answered by the next script; the last one answers all that follow.
"""

import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from twisted.trial.unittest import TestCase

from vizd.client.thread import PublisherThread
from vizd.wire.vizd_pb2 import Ack, Events, PublishRequest, PublishResponse, VizEvent, Welcome

PATIENCE_S = 10.0
"""A test that waits so long has failed."""


class Conversation:
    """One stream, as a script sees it.

    :ivar hello: what the node said first.
    :ivar metadata: of the call.
    :ivar messages: the Events messages read so far, heartbeats too.
    """

    def __init__(self, peer: "ScriptedPeer", context: Any) -> None:
        self.hello: Any = None
        self.metadata = dict(context.invocation_metadata())
        self.messages: list[Events] = []
        self._peer = peer
        self._context = context

    @property
    def events(self) -> list[tuple[int, VizEvent]]:
        """Each event read, with its seq."""
        return [(m.first_seq + i, event) for m in self.messages for i, event in enumerate(m.events)]

    async def read_hello(self) -> None:
        self.hello = (await self._context.read()).hello
        self._peer.changed()

    async def welcome(self, stored_through=0, max_in_flight=50_000, max_message_bytes=1 << 20) -> None:
        welcome = Welcome(
            stored_through=stored_through, max_in_flight=max_in_flight, max_message_bytes=max_message_bytes
        )
        await self._context.write(PublishResponse(welcome=welcome))

    async def read(self) -> Events | None:
        """The next message; ``None`` at the end of the stream."""
        request = await self._context.read()
        if request is grpc.aio.EOF:
            return None
        self.messages.append(request.events)
        self._peer.changed()
        return request.events

    async def read_batch(self) -> Events:
        """The next message that has events."""
        while True:
            message = await self.read()
            assert message is not None, "the node ended the stream"
            if message.events:
                return message

    async def ack(self, stored_through: int, received_through: int = 0, **rejected: Any) -> None:
        through = max(stored_through, received_through)
        ack = Ack(stored_through=stored_through, received_through=through, **rejected)
        await self._context.write(PublishResponse(ack=ack))

    async def say(self, response: PublishResponse) -> None:
        await self._context.write(response)

    async def abort(self, code: grpc.StatusCode, details: str = "as the script says") -> None:
        await self._context.abort(code, details)

    async def store_all(self) -> None:
        """Be a good daemon: keep and acknowledge whatever comes, until the node ends the stream."""
        stored = self._peer.logs[self.hello.node]
        await self.welcome(stored_through=len(stored))
        while (message := await self.read()) is not None:
            self.store(message)
            await self.ack(len(stored))

    def store(self, message: Events) -> None:
        """Keep what is new, as a daemon does, and insist that nothing is missing."""
        stored = self._peer.logs[self.hello.node]
        for seq, event in enumerate(message.events, message.first_seq):
            assert seq <= len(stored) + 1, f"seq {seq} comes after {len(stored)}"
            if seq <= len(stored):
                self._peer.duplicates += 1
            else:
                stored.append(event)
        self._peer.changed()


Script = Callable[[Conversation], Awaitable[None]]


async def store_all(talk: Conversation) -> None:
    """The script of a good daemon."""
    await talk.store_all()


class ScriptedPeer:
    """Use it as a context manager.

    :ivar conversations: all streams so far, in order.
    :ivar logs: the events stored of each node; that with seq 1 is the first.
    :ivar duplicates: events that came again after they were stored.
    :ivar ended_cleanly: conversations whose script came to its end.
    """

    def __init__(self, *scripts: Script, port: int = 0) -> None:
        self.conversations: list[Conversation] = []
        self.logs: defaultdict[int, list[VizEvent]] = defaultdict(list)
        self.duplicates = 0
        self.ended_cleanly = 0
        self._scripts = list(scripts) or [store_all]
        self._changed = threading.Condition()
        self._thread = PublisherThread("test-peer")
        self._port = port
        self._server: Any = None

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def stored(self) -> list[VizEvent]:
        """The events of node 1."""
        return self.logs[1]

    def changed(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def until(self, condition: Callable[[], object]) -> None:
        """Wait in the test's thread for something that the peer sees."""
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE_S), "it did not come to that"

    def __enter__(self) -> "ScriptedPeer":
        self._thread.start()
        self._thread.submit(self._start()).result(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self.stop()
        self._thread.stop()

    def stop(self) -> None:
        """Be gone."""
        server, self._server = self._server, None
        self._thread.submit(server.stop(None)).result(PATIENCE_S)

    async def _start(self) -> None:
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        handler = grpc.stream_stream_rpc_method_handler(
            self._publish,
            request_deserializer=PublishRequest.FromString,
            response_serializer=PublishResponse.SerializeToString,
        )
        service = grpc.method_handlers_generic_handler("norikv.viz.v1.VizIngestService", {"Publish": handler})
        self._server.add_generic_rpc_handlers((service,))
        self._port = self._server.add_insecure_port(self.target)
        await self._server.start()

    async def _publish(self, _requests: object, context: Any) -> None:
        talk = Conversation(self, context)
        self.conversations.append(talk)
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        await talk.read_hello()
        await script(talk)
        self.ended_cleanly += 1
        self.changed()


class PeerTestCase(TestCase):
    """A test with daemons that end with it."""

    def converse(self, *scripts: Script, port: int = 0) -> ScriptedPeer:
        """A daemon that follows ``scripts``; a good one where there is none."""
        peer = ScriptedPeer(*scripts, port=port)
        peer.__enter__()
        self.addCleanup(peer.__exit__)
        return peer
