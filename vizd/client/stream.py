"""One stream of a publisher, from Hello to its end.

It sends what the outbox has, as the daemon lets it, and takes in the Acks. Which stream comes next, and
when, is the publisher's to decide. Wire contract: section "Nodes in".
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc.aio

from vizd.client.encode import ENVELOPE_BYTES, events_message, hello_message
from vizd.client.outbox import FULL_BATCH_EVENTS, Outbox
from vizd.wire.vizd_pb2 import Ack, Hello, PublishResponse, Welcome

__all__ = ["PublishStream", "StreamEnded", "StreamTiming", "at_once"]

PUBLISH_METHOD = "/norikv.viz.v1.VizIngestService/Publish"

MAX_BATCH_EVENTS = 10_000
DEFAULT_MAX_MESSAGE_BYTES = 1024 * 1024
"""The contract's bounds of a message; a Welcome may ask for smaller ones."""

REJECTIONS_LOGGED_EVERY_S = 10
END_OF_STREAM_TIMEOUT_S = 1.0
"""For the daemon to answer our end of the stream with its own; nothing depends on it but good manners."""


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """How long a stream waits for what, in seconds.

    :ivar linger_s: between two batches, unless a full one waits: events are collected for so long.
    :ivar heartbeat_s: of silence before an empty message is sent. The contract wants a message a second.
    :ivar welcome_s: for the Welcome.
    :ivar confirms: behind what is sent follows a heartbeat at once, which the daemon answers with what it has received.
    """

    linger_s: float = 0.02
    heartbeat_s: float = 0.5
    welcome_s: float = 5.0
    confirms: bool = False


async def at_once() -> None:
    """Nothing to wait for before a message."""


class StreamEnded(Exception):
    """The stream is over, and not because it was closed by us."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"{code.name}: {details}" if details else code.name)
        self.code = code


class PublishStream:
    """Talks on one call.

    :ivar rejected: events that the daemon refused on this stream.
    """

    def __init__(
        self,
        channel: Any,
        outbox: Outbox,
        timing: StreamTiming,
        now_ms: Callable[[], int],
        log: logging.Logger,
        metadata: tuple[tuple[str, str], ...] = (),
        cleared: Callable[[], Awaitable[object]] = at_once,
    ) -> None:
        """
        :param channel: a ``grpc.aio.Channel``.
        :param now_ms: the node's clock, milliseconds since the Unix epoch.
        :param metadata: of the call, such as a token.
        :param cleared: waited for before each message after the Hello is put together.
        """
        self.rejected = 0
        self._outbox = outbox
        self._timing = timing
        self._now_ms = now_ms
        self._log = log
        self._cleared = cleared
        self._node_name = ""
        self._closing = False
        self._rejections_logged_s = float("-inf")
        self._rejected_unlogged = 0
        publish = channel.stream_stream(
            PUBLISH_METHOD,
            request_serializer=None,  # Bytes already.
            response_deserializer=PublishResponse.FromString,
        )
        self._call = publish(metadata=metadata)

    def close(self) -> None:
        """Send nothing more and end the stream: ``run`` returns."""
        self._closing = True
        self._outbox.wake.set()

    async def run(self, hello: Hello, on_welcome: Callable[[Welcome], object]) -> None:
        """Publish until ``close`` is called.

        :raises StreamEnded: if the stream ends before.
        """
        self._node_name = hello.node_name
        try:
            await self._talk(hello, on_welcome)
        except grpc.aio.AioRpcError as error:
            raise StreamEnded(error.code(), error.details() or "") from None
        except asyncio.InvalidStateError:  # Written to a call that has ended meanwhile.
            raise StreamEnded(await self._call.code(), await self._call.details() or "") from None
        except _ProtocolError as error:
            raise StreamEnded(grpc.StatusCode.INTERNAL, f"from the daemon: {error}") from None
        finally:
            self._call.cancel()

    async def _talk(self, hello: Hello, on_welcome: Callable[[Welcome], object]) -> None:
        welcome = await self._say_hello(hello)
        try:
            self._outbox.begin_stream(welcome.stored_through, welcome.max_in_flight)
        except ValueError as error:
            raise _ProtocolError(str(error)) from None
        on_welcome(welcome)
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write(welcome.max_message_bytes))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if not self._closing:
                raise StreamEnded(grpc.StatusCode.UNAVAILABLE, "the daemon ended the stream")
            await self._call.done_writing()
            await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _say_hello(self, hello: Hello) -> Welcome:
        try:
            async with asyncio.timeout(self._timing.welcome_s):
                await self._call.write(hello_message(hello))
                response = await self._call.read()
        except TimeoutError:
            raise StreamEnded(
                grpc.StatusCode.DEADLINE_EXCEEDED, f"no Welcome within {self._timing.welcome_s:g} s"
            ) from None
        if response is grpc.aio.EOF:
            raise StreamEnded(grpc.StatusCode.UNAVAILABLE, "the daemon ended the stream without a Welcome")
        if response.WhichOneof("message") != "welcome":
            raise _ProtocolError(f"{response.WhichOneof('message')} where a Welcome is due")
        return response.welcome

    async def _read(self) -> None:
        while (response := await self._call.read()) is not grpc.aio.EOF:
            if response.WhichOneof("message") != "ack":
                continue  # From a newer daemon.
            ack = response.ack
            if ack.rejected_count:
                self._count_rejected(ack)
            try:
                self._outbox.acknowledge(ack.stored_through, ack.received_through)
            except ValueError as error:
                raise _ProtocolError(str(error)) from None

    def _count_rejected(self, ack: Ack) -> None:
        self.rejected += ack.rejected_count
        self._rejected_unlogged += ack.rejected_count
        now_s = time.monotonic()
        if now_s - self._rejections_logged_s >= REJECTIONS_LOGGED_EVERY_S:
            example = "; ".join(f"seq {each.seq}, {each.field}: {each.reason}" for each in ack.rejected[:1])
            self._log.warning(
                "%s: the daemon rejected %d events (%s)",
                self._node_name,
                self._rejected_unlogged,
                example or "no example",
            )
            self._rejections_logged_s = now_s
            self._rejected_unlogged = 0

    async def _write(self, max_message_bytes: int) -> None:
        loop = asyncio.get_running_loop()
        max_bytes = (max_message_bytes or DEFAULT_MAX_MESSAGE_BYTES) - ENVELOPE_BYTES
        written_s = loop.time()
        while True:
            await self._until_due(loop, written_s)
            await self._cleared()
            if self._closing:
                return
            batch, dropped = self._outbox.take(MAX_BATCH_EVENTS, max_bytes)
            # Without events: a heartbeat.
            await self._call.write(events_message(batch.first_seq, self._now_ms(), dropped, batch.events))
            if self._timing.confirms and batch.events:
                following, dropped = self._outbox.take(0, 0)
                await self._call.write(events_message(following.first_seq, self._now_ms(), dropped))
            written_s = loop.time()

    async def _until_due(self, loop: asyncio.AbstractEventLoop, written_s: float) -> None:
        wake = self._outbox.wake
        while True:
            wake.clear()
            sendable = self._outbox.sendable
            quiet_s = self._timing.linger_s if sendable else self._timing.heartbeat_s
            left_s = written_s + quiet_s - loop.time()
            if self._closing or sendable >= FULL_BATCH_EVENTS or left_s <= 0:
                return
            try:
                async with asyncio.timeout(left_s):
                    await wake.wait()
            except TimeoutError:
                return


class _ProtocolError(Exception):
    """The daemon said what the contract does not allow."""
