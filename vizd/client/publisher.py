"""How a node, or a tool in its place, delivers its events to norikv-vizd.

    publisher = Publisher("127.0.0.1:9091", node=1, node_name="node-1")
    publisher.start()
    publisher.emit(VizEvent(ts_ms=..., swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE)))
    publisher.close(timeout_s=5)

Emitting never waits: what the daemon does not take fast enough is kept, within bounds, then dropped,
least precious first, and counted. What was sent and not stored when a stream broke is sent again on the
next one. What goes over the wire, and when, is ``stream``'s; what is kept is ``buffer``'s.
"""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Future
from typing import Any

import grpc.aio

from vizd.client.address import Token
from vizd.client.backoff import Backoff
from vizd.client.buffer import SendBuffer
from vizd.client.encode import event_class_of, framed, framed_event
from vizd.client.outbox import Outbox
from vizd.client.stats import PublisherStats
from vizd.client.stream import END_OF_STREAM_TIMEOUT_S, PublishStream, StreamEnded, StreamTiming, at_once
from vizd.client.thread import PublisherThread
from vizd.events.catalogue import EventClass
from vizd.wire.vizd_pb2 import Hello, VizEvent, Welcome

__all__ = ["Publisher", "PublisherStats"]

MAX_BUFFERED_EVENTS = 100_000
MAX_BUFFERED_BYTES = 16 * 1024 * 1024
"""Ten seconds of a very busy node: longer than a daemon takes to restart."""

FIRST_BACKOFF_S = 0.1
LONGEST_BACKOFF_S = 5.0
STEADY_STREAM_S = 1.0
"""A stream that lived so long was a good one: after it, trying again starts with short delays."""

_RETRY_SOON = {
    grpc.StatusCode.UNAVAILABLE,  # Not there yet, going away, or the network.
    grpc.StatusCode.ABORTED,  # Taken over by a newer stream of this process.
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
}
"""All others say that something has to be put right first: those are tried at the slow end."""

_CHANNEL_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.use_local_subchannel_pool", 1),  # A connection per node, as if each were a process of its own.
    ("grpc.keepalive_time_ms", 10_000),  # A peer that vanished without a word is noticed within 15 s.
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
)

_log = logging.getLogger("vizd.client")


class Publisher:
    """One incarnation of one node: make one per process start.

    All methods may be called from any thread.
    """

    def __init__(
        self,
        target: str,
        node: int,
        node_name: str,
        *,
        node_version: str = "",
        thread: PublisherThread | None = None,
        token: Token | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        tls_name: str | None = None,
        max_buffered_events: int = MAX_BUFFERED_EVENTS,
        max_buffered_bytes: int = MAX_BUFFERED_BYTES,
        timing: StreamTiming | None = None,
        backoff: Backoff | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        cleared: Callable[[], Awaitable[object]] = at_once,
        log: logging.Logger = _log,
    ) -> None:
        """
        :param target: of the daemon's gRPC port, such as ``127.0.0.1:9091``.
        :param node: the number that the node's own events carry, u32.
        :param node_name: what people see; not empty.
        :param thread: where to talk; shared, if many publishers live in one process. It is its owner who
            stops it. ``None``: one of its own.
        :param token: sent as ``authorization: Bearer``; or what gives it, asked when a stream begins, since a file's
            content may change.
        :param credentials: TLS, as from ``credentials.tls_credentials``; ``None``: in the clear.
        :param tls_name: that the daemon's certificate must have; ``None``: the host of ``target``.
        :param max_buffered_events: bound of what is not yet stored, waiting and in flight.
        :param max_buffered_bytes: the same in bytes, as encoded.
        :param now_ms: the node's clock, milliseconds since the Unix epoch.
        :param cleared: waited for, on the thread's loop, before each message, heartbeats too: while it is not done, the
            node is silent. For simulations of nodes that hang.
        :param log: told of connections that come and go, and of events that the daemon rejects.
        :raises ValueError: if the name is empty, the node is no u32 or a bound is not positive.
        """
        if not node_name:
            raise ValueError("node_name is empty: people see nodes by name")
        if not 0 <= node < 2**32:
            raise ValueError(f"node {node}: an unsigned 32 bit number is needed")
        self._target = target
        self._identity = Hello(
            node=node, node_name=node_name, incarnation=secrets.randbits(64), node_version=node_version
        )
        self._thread = thread or PublisherThread(f"vizd-publisher-{node}")
        self._owns_thread = thread is None
        self._token = token
        self._credentials = credentials
        self._options = _CHANNEL_OPTIONS + ((("grpc.ssl_target_name_override", tls_name),) if tls_name else ())
        self._timing = timing or StreamTiming()
        self._backoff = backoff or Backoff(FIRST_BACKOFF_S, LONGEST_BACKOFF_S, random.Random())  # noqa: S311
        self._now_ms = now_ms
        self._cleared = cleared
        self._log = log
        self._outbox = Outbox(SendBuffer(max_buffered_events, max_buffered_bytes), self._thread.call_soon)
        self._running: Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._stream: PublishStream | None = None
        self._closing = False
        self._connected = False
        self._streams = 0
        self._rejected = 0
        self._fenced = False
        self._last_error: str | None = None

    def start(self) -> None:
        """Begin to deliver. The daemon need not be there yet."""
        if self._running is None:
            self._thread.start()
            self._running = self._thread.submit(self._run())

    def emit(self, event: VizEvent) -> None:
        """Deliver ``event`` some time. Never waits, never fails for lack of room or of a daemon.

        The event is encoded at once: the caller may go on using the message.
        """
        self._outbox.add(((framed_event(event), event_class_of(event)),))

    def emit_all(self, events: Iterable[VizEvent]) -> None:
        """As ``emit`` of each, at less cost."""
        self._outbox.add([(framed_event(event), event_class_of(event)) for event in events])

    def emit_encoded(self, events: Iterable[tuple[bytes, EventClass]]) -> None:
        """As ``emit_all``, for who has the events' bytes and classes at hand: a third of the cost.

        :param events: each as from ``SerializeToString``, and ``event_class_of``.
        """
        self._outbox.add([(framed(encoded), event_class) for encoded, event_class in events])

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was emitted so far is stored by the daemon (or was dropped); whether it is.

        :param timeout_s: to wait at most, in seconds; it does not wait where nothing can come of it.
        :raises RuntimeError: if called in the publisher's own thread: use ``wait_flushed`` there.
        """
        return self._wait(self.wait_flushed, timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Take no more events, flush, and end the stream; whether everything was stored. Again: nothing.

        :param timeout_s: for the flush, in seconds; ending the stream may take another second.
        :raises RuntimeError: as ``flush``, with ``wait_closed``.
        """
        self._outbox.close()
        flushed = self._wait(self.wait_closed, timeout_s)
        if self._owns_thread:
            self._thread.stop()
        return flushed

    def _wait(self, wait: Callable[[float], Coroutine[Any, Any, bool]], timeout_s: float) -> bool:
        if self._running is not None and self._thread.runs:
            return self._thread.submit(wait(timeout_s)).result()
        return self._outbox.is_empty

    @property
    def stats(self) -> PublisherStats:
        """A snapshot."""
        stream = self._stream
        return PublisherStats(
            events=self._outbox.counts(),
            rejected=self._rejected + (stream.rejected if stream else 0),
            connected=self._connected,
            streams=self._streams,
            fenced=self._fenced,
            last_error=self._last_error,
        )

    @property
    def connected(self) -> bool:
        """Whether a daemon has welcomed the present stream."""
        return self._connected

    async def wait_flushed(self, timeout_s: float) -> bool:
        """``flush`` for code that runs on the publisher thread's loop."""
        return await self._unless_ended(self._outbox.flushed(), timeout_s)

    async def wait_received(self) -> bool:
        """Wait until the daemon has taken in all that was emitted, on the publisher thread's loop; whether it has.

        It has not where another process publishes as this node. With ``StreamTiming.confirms`` it takes a moment,
        else as long as the next ack.
        """
        return await self._unless_ended(self._outbox.received())

    async def _unless_ended(self, waiting: Coroutine[Any, Any, None], timeout_s: float | None = None) -> bool:
        """Whether it was waited for to its end: not, if nothing is delivered any more, or the time is over."""
        task = asyncio.ensure_future(waiting)
        ended = [self._task] if self._task else []
        await asyncio.wait([task, *ended], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return True
        task.cancel()
        return False

    async def wait_closed(self, timeout_s: float) -> bool:
        """``close`` for code that runs on the publisher thread's loop; it does not stop the thread."""
        self._outbox.close()
        flushed = await self.wait_flushed(timeout_s)
        self._closing = True
        if self._task is not None:
            if self._stream is not None and self._connected:
                self._stream.close()
                await asyncio.wait([self._task], timeout=END_OF_STREAM_TIMEOUT_S)
            self._task.cancel()
            await asyncio.wait([self._task])
        return flushed

    async def _run(self) -> None:
        self._task = asyncio.current_task()
        while not self._closing:
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            was_connected = False
            try:
                await self._publish()
            except Exception as failure:
                error = self._as_ended(failure)
                was_connected = self._connected
                self._note(error, was_connected)
                if error.code is grpc.StatusCode.FAILED_PRECONDITION:
                    return
                if error.code not in _RETRY_SOON:
                    self._backoff.slow_down()
                elif was_connected and loop.time() - began_s >= STEADY_STREAM_S:
                    self._backoff.reset()
            finally:
                self._connected = False
            if not self._closing:
                await asyncio.sleep(self._backoff.next_s())

    def _as_ended(self, failure: Exception) -> StreamEnded:
        if isinstance(failure, StreamEnded):
            return failure
        # A fault of ours or of gRPC's must not silence a node for good.
        self._log.error("%s: the stream failed", self._identity.node_name, exc_info=failure)
        return StreamEnded(grpc.StatusCode.UNKNOWN, repr(failure))

    def _note(self, error: StreamEnded, was_connected: bool) -> None:
        name = self._identity.node_name
        said = str(error)
        if error.code is grpc.StatusCode.FAILED_PRECONDITION:
            self._fenced = True
            self._outbox.close()
            self._log.error("%s: another process publishes as this node; stopped for good (%s)", name, said)
        elif was_connected or said != self._last_error:
            self._log.warning("%s: not connected to %s, trying again (%s)", name, self._target, said)
        self._last_error = said

    async def _publish(self) -> None:
        hello = Hello()
        hello.CopyFrom(self._identity)
        hello.acked_through = self._outbox.counts().acked
        hello.next_seq = hello.acked_through + 1
        metadata = self._metadata()
        async with self._channel() as channel:
            self._stream = PublishStream(
                channel, self._outbox, self._timing, self._now_ms, self._log, metadata, self._cleared
            )
            try:
                await self._stream.run(hello, self._welcomed)
            finally:
                self._rejected += self._stream.rejected
                self._stream = None

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        try:
            token = self._token() if callable(self._token) else self._token
        except ValueError as why:
            raise StreamEnded(grpc.StatusCode.UNAUTHENTICATED, str(why)) from None
        return (("authorization", f"Bearer {token}"),) if token else ()

    def _channel(self) -> Any:
        # A new one for every try: an old one has a backoff of its own.
        if self._credentials is None:
            return grpc.aio.insecure_channel(self._target, options=self._options)
        return grpc.aio.secure_channel(self._target, self._credentials, options=self._options)

    def _welcomed(self, welcome: Welcome) -> None:
        self._connected = True
        self._streams += 1
        self._log.info(
            "%s: connected to norikv-vizd %s at %s", self._identity.node_name, welcome.daemon_version, self._target
        )
