"""The gRPC server: an asyncio loop in a thread of its own, and how the reactor talks to it.

The sync gRPC server would pin one thread to each open stream; this one serves them all from one.
"""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2

from vizd.ingest.access import Access, Door
from vizd.ingest.inbox import Inbox
from vizd.ingest.publish import PublishCalls
from vizd.ingest.reflection import SERVICES as REFLECTION_SERVICES
from vizd.ingest.reflection import Reflection
from vizd.ingest.registry import Registry
from vizd.ingest.turned_away import HandOver
from vizd.log.window import Mark
from vizd.wire import vizd_pb2

__all__ = ["SERVICE", "GrpcServer"]

START_TIMEOUT_S = 10.0
LINGER_S = 0.2
"""For what was written last to leave, once every stream has ended. Calls of health and reflection, which may
stay open for ever, are cut then."""

SERVICE = vizd_pb2.DESCRIPTOR.services_by_name["VizIngestService"].full_name


class GrpcServer:
    """One server for its lifetime: ``start``, then ``stop_reading``, then ``stop``."""

    def __init__(
        self,
        registry: Registry,
        inbox: Inbox,
        now_ms: Callable[[], int],
        access: Access | None = None,
        refused: Callable[[Counter[str], str], object] = lambda counts, last: None,
    ) -> None:
        """
        :param now_ms: a wall clock, milliseconds since the Unix epoch.
        :param access: who may come in; ``None``: whoever can reach the port.
        :param refused: told, in the gRPC thread and at most once a second, how many calls were refused for each
            reason, and whom the last one was of.
        """
        self._registry = registry
        self._inbox = inbox
        self._now_ms = now_ms
        self._access = access or Access()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="grpc", daemon=True)
        self._calls: PublishCalls | None = None
        self._health = health.aio.HealthServicer()
        self._refused = HandOver(self._loop.call_later, refused)
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
        limits, tls = self._access.limits, self._access.tls
        door = Door(self._access, self._refused.add, self._loop.time)
        calls = self._calls = PublishCalls(self._registry, self._inbox, self._now_ms, door.check_name)
        server = self._server = grpc.aio.server(
            maximum_concurrent_rpcs=limits.calls, options=limits.channel_options(len(hosts))
        )
        server.add_generic_rpc_handlers(self._handlers(door, calls))
        credentials = tls.credentials() if tls else None
        for host in hosts:
            port = _bind(server, host, port, credentials)
        await server.start()
        for name in ("", SERVICE):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        self._inbox.on_drained = lambda: self._call_soon(calls.make_room)
        self._watch = asyncio.create_task(calls.watch_silence())
        return port

    def _handlers(self, door: Door, calls: PublishCalls) -> tuple[grpc.GenericRpcHandler, ...]:
        """All methods that there are, each behind the door."""
        publish = grpc.stream_stream_rpc_method_handler(
            door.for_nodes(calls.publish), response_serializer=vizd_pb2.PublishResponse.SerializeToString
        )
        ask, answer = health_pb2.HealthCheckRequest.FromString, health_pb2.HealthCheckResponse.SerializeToString
        check = grpc.unary_unary_rpc_method_handler(
            door.on_the_side(self._health.Check, needs_token=False), ask, answer
        )
        watch = grpc.unary_stream_rpc_method_handler(
            door.on_the_side(self._health.Watch, needs_token=False), ask, answer
        )
        reflection = Reflection((SERVICE, health.SERVICE_NAME))
        reflect = grpc.stream_stream_rpc_method_handler(
            door.on_the_side(reflection.answer_all, needs_token=True),
            Reflection.request_from_bytes,
            Reflection.answer_to_bytes,
        )
        methods = {SERVICE: {"Publish": publish}, health.SERVICE_NAME: {"Check": check, "Watch": watch}}
        methods |= {name: {"ServerReflectionInfo": reflect} for name in REFLECTION_SERVICES}
        return tuple(grpc.method_handlers_generic_handler(name, each) for name, each in methods.items())

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
        self._refused.hand_over()
        self._loop.call_soon(self._loop.stop)


def _bind(server: Any, host: str, port: int, credentials: grpc.ServerCredentials | None) -> int:
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
        if credentials is not None:
            return int(server.add_secure_port(address, credentials))
        return int(server.add_insecure_port(address))
    except RuntimeError as why:
        raise OSError(f"can't listen on {address} for gRPC: {why}") from None
