"""The gRPC server: an asyncio loop in a thread of its own, and how the reactor talks to it.

The sync gRPC server would pin one thread to each open stream; this one serves them all from one.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from vizd.ingest.call import MAX_MESSAGE_BYTES
from vizd.ingest.inbox import Inbox
from vizd.ingest.publish import PublishCalls
from vizd.ingest.registry import Registry
from vizd.log.window import Mark
from vizd.wire import vizd_pb2

__all__ = ["MAX_CALLS", "OPTIONS", "SERVICE", "GrpcServer"]

MAX_CALLS = 4_096
"""Calls at once, all methods together; one more is RESOURCE_EXHAUSTED."""
START_TIMEOUT_S = 10.0
LINGER_S = 0.2
"""For what was written last to leave, once every stream has ended. Calls of health and reflection, which may
stay open for ever, are cut then."""

OPTIONS = (
    # With it a second daemon would bind the same port, and take half of the nodes.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # A peer that is gone without a word is found out within 30 s.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Nodes may ask the same of us, as often as they like within reason.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)

SERVICE = vizd_pb2.DESCRIPTOR.services_by_name["VizIngestService"].full_name


class GrpcServer:
    """One server for its lifetime: ``start``, then ``stop_reading``, then ``stop``."""

    def __init__(self, registry: Registry, inbox: Inbox, now_ms: Callable[[], int]) -> None:
        self._registry = registry
        self._inbox = inbox
        self._now_ms = now_ms
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="grpc", daemon=True)
        self._calls: PublishCalls | None = None
        self._health = health.aio.HealthServicer()
        self._server: Any = None
        self._watch: asyncio.Task[None] | None = None

    def start(self, hosts: Sequence[str], port: int) -> int:
        """Listen, and return the port: ``port``, or one that was free where that is 0.

        Blocks until it is known whether the port could be had.

        :raises OSError: it could not; the message says which.
        """
        self._thread.start()
        try:
            return asyncio.run_coroutine_threadsafe(self._start(hosts, port), self._loop).result(START_TIMEOUT_S)
        except BaseException:
            self._loop.call_soon_threadsafe(self._loop.stop)
            raise

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        if left:  # gRPC's own, such as those of calls that were cut: they end within a moment, or are of no use.
            self._loop.run_until_complete(asyncio.wait(left, timeout=1.0))
        self._loop.close()

    async def _start(self, hosts: Sequence[str], port: int) -> int:
        calls = self._calls = PublishCalls(self._registry, self._inbox, self._now_ms)
        server = self._server = grpc.aio.server(
            maximum_concurrent_rpcs=MAX_CALLS,
            options=OPTIONS,
        )
        publish = grpc.stream_stream_rpc_method_handler(
            calls.publish, response_serializer=vizd_pb2.PublishResponse.SerializeToString
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Publish": publish}),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server, descriptor_pool.Default())
        for host in hosts:
            port = _bind(server, host, port)
        await server.start()
        for name in ("", SERVICE):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        self._inbox.on_drained = lambda: self._call_soon(calls.make_room)
        self._watch = asyncio.create_task(calls.watch_silence())
        return port

    def stored(self, marks: Sequence[Mark]) -> None:
        """Tell publishers what the log has stored. Called in the reactor's thread."""
        if marks and self._calls is not None:
            self._call_soon(self._calls.stored, marks)

    def _call_soon(self, function: Callable[..., object], *arguments: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(function, *arguments)

    def stop_reading(self) -> "Future[None]":
        """Take no new stream and read nothing more; what was read is in the inbox when this is done."""
        return asyncio.run_coroutine_threadsafe(self._stop_reading(), self._loop)

    async def _stop_reading(self) -> None:
        assert self._calls is not None  # noqa: S101
        await self._health.enter_graceful_shutdown()
        self._calls.stop_reading()

    def stop(self, timeout_s: float) -> "Future[None]":
        """Write the last acks, end every stream as UNAVAILABLE, and stop listening.

        :param timeout_s: streams that still stand then are cut.
        """
        return asyncio.run_coroutine_threadsafe(self._stop(timeout_s), self._loop)

    async def _stop(self, timeout_s: float) -> None:
        assert self._calls is not None  # noqa: S101
        await self._calls.end_all(timeout_s)
        await self._server.stop(LINGER_S)
        if self._watch is not None:
            self._watch.cancel()
        self._loop.call_soon(self._loop.stop)


def _bind(server: Any, host: str, port: int) -> int:
    """Listen on one address; raises OSError. gRPC's own failure would be three lines that name no reason."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as why:
        raise OSError(why.errno, f"can't listen on {address} for gRPC: {why.strerror or why}") from None
    try:
        return int(server.add_insecure_port(address))
    except RuntimeError as why:
        raise OSError(f"can't listen on {address} for gRPC: {why}") from None
