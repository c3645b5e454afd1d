"""A simulated cluster in real time: one process per node, as the daemon sees it; in truth, one thread for all.

It runs against any daemon, also one that is not there yet, or no longer: what nodes do then is the
publisher's. What happens in the cluster is ``cluster``'s.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial

import grpc

from vizd.client.address import Token
from vizd.client.publisher import Publisher
from vizd.client.stream import StreamTiming
from vizd.client.thread import PublisherThread
from vizd.sim.accounting import Accounting
from vizd.sim.cluster import SimulatedCluster
from vizd.sim.encoded import EncodedEvent
from vizd.sim.process import NodeProcess

__all__ = ["SimulationRunner", "wall_ms"]

TICK_S = 0.02
"""As long as a publisher collects for a batch: shorter would bring nothing sooner."""

MAX_MESSAGES_PER_S = 2_000
"""A message costs some 50 us on either side: with very many nodes each collects a little longer."""
LONGEST_LINGER_S = 0.1

BUFFERED_EVENTS_IN_ALL = 500_000
"""Shared out among the nodes: a simulation within the daemon's process must not outgrow it when it stalls."""
BYTES_PER_BUFFERED_EVENT = 64

CONNECTED_LOGGED_EVERY_S = 1.0

_VERSION = "simulated"

_log = logging.getLogger("vizd.sim")
_nodes_log = logging.getLogger("vizd.sim.nodes")
# Two hundred nodes lose one daemon together: how many are connected is said once, for all.
_nodes_log.setLevel(logging.ERROR)


def wall_ms() -> int:
    """The clock, milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


class SimulationRunner:
    """Runs a simulation until it is stopped; once. The stream of a node that is down ends, until it is back."""

    def __init__(
        self,
        cluster: SimulatedCluster,
        target: str,
        *,
        token: Token | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        tls_name: str | None = None,
    ) -> None:
        """
        :param cluster: made just now, with ``wall_ms()`` for its start.
        :param target: of the daemon's gRPC port, such as ``127.0.0.1:9091``.
        :param token: as in ``Publisher``, and so the rest.
        """
        self._cluster = cluster
        self._thread = PublisherThread("vizd-simulation")
        nodes = len(cluster.names)
        events = max(1_000, min(100_000, BUFFERED_EVENTS_IN_ALL // nodes))
        linger_s = min(LONGEST_LINGER_S, max(TICK_S, nodes / MAX_MESSAGES_PER_S))

        def publisher(node: int, name: str, cleared: Callable[[], Awaitable[object]]) -> Publisher:
            bound = cluster.uplinks[node].max_buffered_events or events
            return Publisher(
                target,
                node,
                name,
                node_version=_VERSION,
                thread=self._thread,
                token=token,
                credentials=credentials,
                tls_name=tls_name,
                max_buffered_events=bound,
                max_buffered_bytes=bound * BYTES_PER_BUFFERED_EVENT,
                timing=StreamTiming(linger_s=linger_s),
                now_ms=lambda: wall_ms() + cluster.clocks_off_ms.get(node, 0),
                cleared=cleared,
                log=_nodes_log,
            )

        self._processes = {
            node: NodeProcess(node, name, partial(publisher, node, name)) for node, name in cluster.names.items()
        }
        self._target = target
        self._connected_logged = (-1, -1)
        self._running: Future[None] | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begin; returns at once. The daemon need not be there yet."""
        self._thread.start()
        for process in self._processes.values():
            process.start()
        self._running = self._thread.submit(self._run())
        self._running.add_done_callback(_log_failure)

    def stop(self, timeout_s: float) -> Accounting:
        """End the simulation, deliver what is left, and end the streams; from any thread.

        It waits, so where the daemon lives in this process, not in a thread that the daemon needs to
        store events: call it in another one.

        :param timeout_s: to deliver, in seconds; ending the streams may take another second.
        """
        if self._running is not None:
            self._thread.submit(self._stop(timeout_s)).result()
            self._running = None
        self._thread.stop()
        return self.accounting

    @property
    def accounting(self) -> Accounting:
        """What became of the events so far; from any thread."""
        return Accounting(tuple(process.account for process in self._processes.values()))

    @property
    def connected(self) -> int:
        """How many nodes have a stream at present; from any thread."""
        return sum(process.connected for process in self._processes.values())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        # The wall clock only says where to begin: when it is set, nothing jumps.
        began_ms, began_s = wall_ms(), loop.time()
        log_connected_s = began_s + CONNECTED_LOGGED_EVERY_S
        while not self._stopping.is_set():
            now_s = loop.time()
            self._emit_until(began_ms + int((now_s - began_s) * 1000))
            if now_s >= log_connected_s:
                log_connected_s = now_s + CONNECTED_LOGGED_EVERY_S
                self._log_connected()
            try:
                async with asyncio.timeout(TICK_S):
                    await self._stopping.wait()
            except TimeoutError:
                continue

    def _emit_until(self, now_ms: int) -> None:
        by_node: dict[int, list[EncodedEvent]] = {node: [] for node in self._processes}
        for node, event in self._cluster.advance_encoded(now_ms):
            by_node[node].append(event)
        down = self._cluster.down
        for node, process in self._processes.items():
            if not process.runs and node not in down:
                process.begin_again()
                _log.info("%s is back, as a new process", self._cluster.names[node])
            process.follow(self._cluster.uplinks[node])
            if events := by_node[node]:
                process.emit(events)
            if process.runs and node in down:
                process.die()
                _log.info("%s is down: its stream ends", self._cluster.names[node])

    def _log_connected(self) -> None:
        connected, running = self.connected, sum(process.runs for process in self._processes.values())
        if (connected, running) != self._connected_logged:
            level = logging.INFO if connected == running else logging.WARNING
            _log.log(level, "%d of %d simulated nodes are connected to %s", connected, running, self._target)
            self._connected_logged = (connected, running)

    async def _stop(self, timeout_s: float) -> None:
        self._stopping.set()
        await asyncio.gather(*(process.wait_closed(timeout_s) for process in self._processes.values()))


def _log_failure(running: "Future[None]") -> None:
    if not running.cancelled() and (error := running.exception()) is not None:
        _log.error("the simulation failed", exc_info=error)
