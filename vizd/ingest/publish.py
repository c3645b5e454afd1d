"""The conversation of a ``Publish`` call, from its Hello to its end.

It is that of the wire contract, section 1, and lives in the gRPC thread: what it takes in goes to the inbox, and
what the log has stored comes back through ``stored``.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from twisted.logger import Logger

from vizd.events.decode import Decoder
from vizd.events.facet import Facets
from vizd.ingest.call import Call
from vizd.ingest.inbox import Inbox
from vizd.ingest.refusals import Refusals
from vizd.ingest.registry import Fault, Known, Refused, Registry, Stream
from vizd.log.coalescer import Arrival
from vizd.log.window import Mark, Publisher
from vizd.wire.vizd_pb2 import Events, Hello, PublishRequest

__all__ = ["MAX_MESSAGE_EVENTS", "PublishCalls"]

MAX_MESSAGE_EVENTS = 10_000
HELLO_TIMEOUT_S = 10.0
SILENT_AFTER_S = 5.0
LAST_ACK_TIMEOUT_S = 2.0
"""How long a stream that broke the protocol waits for what it sent before to be stored, and acked."""
SKEW_STEP_MS = 250
"""A node's clock is marked anew when it has moved by this much; a heartbeat alone makes no window."""


class PublishCalls:
    """All open calls of the service."""

    _log = Logger()

    def __init__(
        self,
        registry: Registry,
        inbox: Inbox,
        now_ms: Callable[[], int],
        check_name: Callable[[Any, str], None],
    ) -> None:
        """
        :param now_ms: the daemon's wall clock, milliseconds since the Unix epoch.
        :param check_name: given a call's context and its node's name; raises ``Fault`` if it may not have that name.
        """
        self._check_name = check_name
        self._registry = registry
        self._inbox = inbox
        self._now_ms = now_ms
        self._facets = Facets()
        self._refusals = Refusals()
        self._calls: set[Call] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._by_stream: dict[Stream, Call] = {}
        self._room = asyncio.Event()
        self._draining = False
        self._drained = asyncio.Event()

    async def publish(self, _requests: object, context: Any) -> None:
        """The handler of ``VizIngestService.Publish``."""
        if self._draining:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the daemon is shutting down")
        call = Call(context)
        self._calls.add(call)
        self._empty.clear()
        call.task = asyncio.create_task(self._converse(call))
        why = "it had no more"
        try:
            await call.task
        except Fault as fault:
            why = f"{fault.code} {fault.details}"
            await self._abort(call, fault)
        except asyncio.CancelledError:
            if call.fault is None:
                why = "it went away"
                call.task.cancel()
                raise
            why = f"{call.fault.code} {call.fault.details}"
            await self._abort(call, call.fault)
        finally:
            self._calls.discard(call)
            if not self._calls:
                self._empty.set()
            if call.stream is not None:
                del self._by_stream[call.stream]
                self._put_marks(self._registry.disconnect(call.stream))
                self._say_gone(call.stream.known, call.context.peer(), why)

    def _say_gone(self, known: Known, peer: str, why: str) -> None:
        self._log.info(
            "{name} (node {node}, {peer}) has gone after {events} events of this process: {why}",
            name=known.publisher.name,
            node=known.publisher.node,
            peer=peer,
            events=known.received,
            why=why,
        )

    async def _converse(self, call: Call) -> None:
        hello = await self._hello(call)
        self._check_name(call.context, hello.node_name)
        publisher = Publisher(hello.node, hello.node_name, hello.incarnation)
        try:
            stream, marks = self._registry.connect(publisher, hello.next_seq, hello.acked_through, call.end)
        except Refused as why:
            self._put_marks(self._refusals.marks(why.mark, self._now_ms()))
            raise
        call.stream = stream
        self._by_stream[stream] = call
        self._put_marks(marks)
        await call.welcome(stream.known)
        acknowledging = asyncio.create_task(call.acknowledge_always(stream.known))
        try:
            await self._read(call, stream, Decoder(hello.node, self._facets))
        finally:
            acknowledging.cancel()
            with contextlib.suppress(asyncio.CancelledError, grpc.aio.UsageError, grpc.aio.InternalError):
                await acknowledging
        await call.acknowledge_all(stream.known)

    async def _hello(self, call: Call) -> Hello:
        try:
            raw = await asyncio.wait_for(call.context.read(), HELLO_TIMEOUT_S)
        except TimeoutError:
            raise Fault("INVALID_ARGUMENT", f"no Hello came within {HELLO_TIMEOUT_S:g} s") from None
        request = PublishRequest() if raw is grpc.aio.EOF else _parse(raw)
        if request.WhichOneof("message") != "hello":
            raise Fault("INVALID_ARGUMENT", "the first message of a stream must be a Hello")
        return request.hello

    async def _read(self, call: Call, stream: Stream, decoder: Decoder) -> None:
        """Take messages in until the node has no more."""
        clock = asyncio.get_running_loop().time
        while True:
            while self._inbox.is_full:
                call.heard_s = None
                self._room.clear()
                if self._inbox.is_full:  # It may have been drained just before the clear.
                    await self._room.wait()
            call.heard_s = call.heard_s or clock()
            raw = await call.context.read()
            if raw is grpc.aio.EOF:
                return
            call.heard_s = clock()
            request = _parse(raw)
            self._put_marks(self._registry.speak(stream))
            match request.WhichOneof("message"):
                case "events":
                    self._take(call, stream, request.events, decoder)
                case "hello":
                    raise Fault("INVALID_ARGUMENT", "a second Hello: a new incarnation needs a stream of its own")

    def _take(self, call: Call, stream: Stream, message: Events, decoder: Decoder) -> None:
        known = stream.known
        count = len(message.events)
        if not count:
            call.news.set()  # Who asks by a heartbeat is told at once what has been received.
        if count > MAX_MESSAGE_EVENTS:
            raise Fault("RESOURCE_EXHAUSTED", f"{count} events in a message: at most {MAX_MESSAGE_EVENTS}")
        intake = self._registry.take(stream, message.first_seq, count, message.dropped)
        first_seq = message.first_seq + intake.duplicates
        now_ms = self._now_ms()
        decoded = decoder.decode(message.events[intake.duplicates :], now_ms)
        for rejection in decoded.rejections:
            call.reject(first_seq + rejection.index, rejection.field, rejection.reason)
        received, invalid = len(decoded.fragments), len(decoded.rejections)
        self._registry.count(known, received, invalid, decoded.unknown)

        skew_ms = message.sent_ms - now_ms if message.sent_ms else None
        moved = skew_ms is not None and (known.skew_ms is None or abs(skew_ms - known.skew_ms) >= SKEW_STEP_MS)
        if not (count > intake.duplicates or intake.lost or moved):
            return
        if moved:
            known.skew_ms = skew_ms
        mark = Mark(
            known.publisher,
            first_seq if count > intake.duplicates else known.received_through + 1,
            known.received_through,
            events=received,
            lost=intake.lost,
            invalid=invalid,
            unknown=decoded.unknown,
            skew_ms=skew_ms,
            restated=message.restated,
            given_up=known.given_up,
        )
        self._inbox.put(Arrival(mark, decoded.facets, decoded.fragments, sum(map(len, decoded.fragments))))

    def _put_marks(self, marks: list[Mark]) -> None:
        for mark in marks:
            self._inbox.put(Arrival(mark, [], [], 0))

    async def _abort(self, call: Call, fault: Fault) -> None:
        """End the call with a status; acks that are not written before are lost with it."""
        if call.stream is not None:
            known = call.stream.known
            if fault.code == "UNAVAILABLE":
                await self._drained.wait()
            elif fault.code != "ABORTED":  # A new stream waits for this one's place.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(call.acknowledge_all(known), LAST_ACK_TIMEOUT_S)
            await call.acknowledge(known)
        await call.context.abort(grpc.StatusCode[fault.code], fault.details)

    def stored(self, marks: Sequence[Mark]) -> None:
        """The log has stored these: tell their publishers."""
        for stream in self._registry.stored(marks):
            call = self._by_stream.get(stream)
            if call is not None:
                call.news.set()

    def make_room(self) -> None:
        """The inbox has been drained."""
        self._room.set()

    async def watch_silence(self) -> None:
        """Find, for ever, the nodes that count as disconnected because nothing comes from them."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SILENT_AFTER_S / 10)
            for stream, call in list(self._by_stream.items()):
                if call.heard_s is not None and clock() - call.heard_s > SILENT_AFTER_S:
                    self._put_marks(self._registry.silence(stream))

    def stop_reading(self) -> None:
        """Take no new call and nothing more from those that are open; they stay open for their last acks."""
        self._draining = True
        for call in self._calls:
            call.end(Fault("UNAVAILABLE", "the daemon is shutting down"))

    async def end_all(self, timeout_s: float) -> None:
        """What there was is stored: write the last acks and end every call.

        :param timeout_s: calls that still stand then are left to be cut.
        """
        self._drained.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), timeout_s)


def _parse(raw: bytes) -> PublishRequest:
    try:
        return PublishRequest.FromString(raw)
    except DecodeError as why:
        raise Fault("INVALID_ARGUMENT", f"{len(raw)} bytes that are no PublishRequest: {why}") from None
