"""A node's process in a simulation: the client's own buffer and encoding, and both ends of its stream."""

import asyncio
import contextlib
from collections import deque
from typing import Any

import grpc

from vizd.client.buffer import SendBuffer
from vizd.client.encode import events_message, framed, hello_message
from vizd.ingest.publish import PublishCalls
from vizd.sim.encoded import EncodedEvent
from vizd.wire.vizd_pb2 import Hello, PublishResponse

MANY_EVENTS, _MANY_BYTES = 100_000, 16 << 20
_HEARTBEAT_S = 0.5
_MAX_MESSAGE_EVENTS, _MAX_MESSAGE_BYTES = 10_000, 1_000_000


class Process:
    """One process of a node. It comes again when its stream is ended, unless it is told that it was replaced."""

    def __init__(
        self, hello: Hello, max_buffered_events: int, loop: asyncio.AbstractEventLoop, calls: PublishCalls
    ) -> None:
        self._hello = hello
        self._buffer = SendBuffer(max_buffered_events, _MANY_BYTES)
        self._loop = loop
        self._calls = calls
        self._spoken_s = 0.0
        self._stream = self._connected()

    @property
    def unread(self) -> bool:
        return self._stream.unread

    def emit(self, events: list[EncodedEvent]) -> None:
        for encoded, event_class in events:
            self._buffer.add(framed(encoded), event_class)

    def speak(self, now_ms: int) -> None:
        """Send what there is, or a heartbeat; ``now_ms`` is by the node's clock."""
        self._listen()
        if not self._stream.is_welcome:
            return
        while True:
            batch = self._buffer.take(_MAX_MESSAGE_EVENTS, _MAX_MESSAGE_BYTES)
            if batch.events or self._loop.time() - self._spoken_s >= _HEARTBEAT_S:
                self._spoken_s = self._loop.time()
                message = events_message(batch.first_seq, now_ms, self._buffer.dropped_total, batch.events)
                self._stream.send(message)
            if not batch.events:
                return

    def end(self) -> None:
        """End the stream in order, as a process that stops does."""
        self._stream.send(None)

    def _connected(self) -> "_Stream":
        stream = _Stream()
        self._hello.acked_through = self._buffer.acked_through
        self._hello.next_seq = self._buffer.acked_through + 1
        stream.send(hello_message(self._hello))
        stream.task = self._loop.create_task(stream.converse(self._calls))
        return stream

    def _listen(self) -> None:
        stream = self._stream
        while stream.answers:
            answer = stream.answers.popleft()
            if answer.HasField("welcome"):
                stream.is_welcome = True
                self._buffer.rewind(answer.welcome.stored_through, answer.welcome.max_in_flight)
            else:
                self._buffer.acked(answer.ack.stored_through)
                self._buffer.received(answer.ack.received_through)
        if stream.ended is grpc.StatusCode.ABORTED:
            self._stream = self._connected()


class _Stream:
    """Both ends of a call: towards the daemon it is what gRPC calls a context."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.answers: deque[PublishResponse] = deque()
        self.is_welcome = False
        self.ended: grpc.StatusCode | None = None
        self._sent: deque[bytes | None] = deque()
        self._news = asyncio.Event()

    @property
    def unread(self) -> bool:
        return bool(self._sent) and self.task is not None and not self.task.done()

    def send(self, message: bytes | None) -> None:
        self._sent.append(message)
        self._news.set()

    async def converse(self, calls: PublishCalls) -> None:
        with contextlib.suppress(grpc.aio.AbortError):
            await calls.publish(None, self)

    # What the daemon calls.

    async def read(self) -> Any:
        while not self._sent:
            self._news.clear()
            await self._news.wait()
        message = self._sent.popleft()
        return grpc.aio.EOF if message is None else message

    async def write(self, response: PublishResponse) -> None:
        self.answers.append(response)

    async def abort(self, code: grpc.StatusCode, details: str) -> None:
        self.ended, self.is_welcome = code, False
        raise grpc.aio.AbortError(details)
