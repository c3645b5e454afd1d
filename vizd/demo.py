"""``--demo``: a simulated cluster that publishes to this daemon, through its own gRPC port like any other."""

import logging
from typing import Any

from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger, LogLevel

from vizd.sim.cluster import SimulatedCluster
from vizd.sim.runner import SimulationRunner, wall_ms

__all__ = ["Demo"]

NODES = 5
SHARDS = 24
EVENTS_PER_S = 1_000
SEED = 1
STOP_TIMEOUT_S = 2.0
"""To deliver what the cluster has emitted, before the daemon itself begins to drain."""


class _IntoOurLog(logging.Handler):
    """What the simulation says stands in the daemon's log."""

    _log = Logger(namespace="vizd.sim")

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        level = LogLevel.info if record.levelno < logging.WARNING else LogLevel.warn
        self._log.emit(level, "{text}", text=record.getMessage())


class Demo:
    """A cluster that lives from ``start`` to ``finish``."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._runner: SimulationRunner | None = None
        self._into_our_log = _IntoOurLog()

    def start(self, target: str) -> None:
        """Begin to publish.

        :param target: this daemon's gRPC port, such as ``127.0.0.1:9091``.
        """
        logger = logging.getLogger("vizd.sim")
        logger.setLevel(logging.INFO)
        logger.addHandler(self._into_our_log)
        cluster = SimulatedCluster(NODES, SHARDS, EVENTS_PER_S, SEED, start_ms=wall_ms())
        self._runner = SimulationRunner(cluster, target)
        self._runner.start()

    async def finish(self) -> None:
        """End it; what it has emitted is delivered first."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), runner.stop, STOP_TIMEOUT_S)
            logging.getLogger("vizd.sim").removeHandler(self._into_our_log)
