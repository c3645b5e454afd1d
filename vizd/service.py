"""The daemon put together: which parts there are, and the order in which they start and stop.

    vizd
    ├─ log        opens first, closes last
    ├─ sessions   the dashboards
    ├─ ticker     from the inbox to the log
    ├─ ingest     gRPC
    └─ http       the listening port

Starting goes down the list. Stopping is a drain: everything that came in goes out before a door closes.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.logger import Logger

from vizd.access.tokens import TokenFile
from vizd.api.asyncapi import document as asyncapi
from vizd.api.openapi import document as openapi
from vizd.config import Config
from vizd.demo import Demo, DemoFile, WayIn
from vizd.descriptors import make_room
from vizd.findings import FindingsNotice
from vizd.folds import Folds
from vizd.history import begin, open_log
from vizd.ingest.access import Access
from vizd.ingest.credentials import ServerTls
from vizd.ingest.inbox import Inbox
from vizd.ingest.limits import Limits
from vizd.ingest.registry import Registry
from vizd.ingest.service import Ingest
from vizd.ingest.turned_away import TurnedAway
from vizd.log.coalescer import Coalescer
from vizd.log.disk.store import Unusable
from vizd.metrics.collector import DaemonCollector
from vizd.metrics.exposition import Exposition
from vizd.metrics.tally import Tally
from vizd.readiness import Readiness
from vizd.retention import RetentionNotice
from vizd.status import Status
from vizd.stream.frames import Frames
from vizd.stream.history import ReadSlots
from vizd.stream.source import Source
from vizd.stream.streams import ConflatedStreams
from vizd.ticker import Ticker
from vizd.web.admission import Admission
from vizd.web.api import ProbeEndpoint, StatsEndpoint
from vizd.web.clients import Clients
from vizd.web.connections import SPARE
from vizd.web.coverage import CoverageEndpoint
from vizd.web.dashboard import Surroundings
from vizd.web.descriptions import DescriptionEndpoint
from vizd.web.history import HistoryEndpoint
from vizd.web.insight import InsightEndpoint
from vizd.web.instants import Instants
from vizd.web.metrics import MetricsEndpoint
from vizd.web.nudge import Nudge
from vizd.web.page import page_files
from vizd.web.site import Root, gzipped, make_site
from vizd.web.state import StateEndpoint
from vizd.web.timeline import TimelineEndpoint
from vizd.web.tls import tls_site
from vizd.web.turns import Turns
from vizd.web.websocket import EventsEndpoint

__all__ = ["CannotStart", "Vizd"]

DRAIN_TIMEOUT_S = 20.0
"""For a whole drain; what is not out by then is left behind, and said so."""
BACKLOG = 1_024
"""Connections that the kernel may hold for one turn of the reactor: with Twisted's 50 somebody who opens many at once
makes everybody else wait for a second, until the kernel asks again."""


class CannotStart(Exception):
    """The text says what could not be had, and why."""


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Vizd(MultiService):
    """One daemon.

    :ivar status: what it says of itself.
    """

    name = "vizd"
    _log = Logger()

    def __init__(
        self,
        config: Config,
        reactor: Any,
        monotonic: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = _wall_ms,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """
        :param monotonic: seconds, from anywhere. :param wall_ms: milliseconds since the Unix epoch; it may jump.
        :param environment: where a supervisor says that it is one, see ``Readiness``.
        :raises CannotStart: ``--data-dir`` can't be used.
        """
        super().__init__()
        self._config = config
        self._reactor = reactor
        self._readiness = Readiness(environment or {}, reactor)
        self._ports: list[IListeningPort] = []
        self._drained: Deferred[None] | None = None

        self._inbox = Inbox()
        registry = Registry()
        self._folds = folds = Folds(config.buffer_minutes * 60_000, config.insight_config)
        try:
            self._history = log = open_log(config, folds, registry, reactor, monotonic)
        except Unusable as why:
            raise CannotStart(str(why)) from None
        folds.insight.listen(FindingsNotice())
        folds.follow(log)
        coalescer = Coalescer(log, wall_ms(), int(monotonic() * 1000))
        self._clients = Clients(log, config.max_clients, reactor, monotonic)
        self._ticker = Ticker(
            self._inbox, coalescer, config.coalesce_ms, reactor, monotonic, wall_ms, lambda: log.has_room
        )
        refusals: Counter[str] = Counter()
        self._ingest = Ingest(
            registry, self._inbox, config.grpc_interface, config.grpc_port, reactor, wall_ms,
            _grpc_access(config), TurnedAway(refusals, monotonic),
        )  # fmt: skip
        log.listen(self._ingest.stored)
        log.listen(RetentionNotice(log, config.buffer_minutes))
        tally = Tally()
        log.listen(tally.count_window)
        folds.insight.listen(tally.count_finding)
        for part in (self._clients, self._ticker, self._ingest):
            part.setServiceParent(self)

        tokens = None if config.token_file is None else TokenFile(config.token_file)
        admission = Admission(config.interface, config.allowed_hosts, config.allowed_origins, tokens, refusals=refusals)
        self.status = Status(
            log, self._clients, self._ticker, self._ingest, self._inbox, registry, admission, monotonic, monotonic()
        )
        slots = ReadSlots()
        turns = Turns(reactor)
        instants = Instants(log, folds.projection, folds.empty_projection, turns)
        frames = Frames(log.epoch)
        streams = ConflatedStreams(Source(log, frames, instants.now, folds.projection.is_newest))
        Nudge(log, streams, self._clients.wake, reactor).setServiceParent(self)
        around = Surroundings(
            log, frames, streams, slots, turns, instants, folds.insight, self._clients, reactor, monotonic, wall_ms,
            config.coalesce_ms,
        )  # fmt: skip
        root = Root(admission)
        for path, file in page_files(admission).items():
            root.add(path, file)
        root.add("/health", ProbeEndpoint(admission, self.status.health))
        root.add("/ready", ProbeEndpoint(admission, self.status.ready))
        root.add("/api/stats", StatsEndpoint(admission, self.status.stats))
        root.add("/api/history", gzipped(HistoryEndpoint(admission, log, slots, turns)))
        root.add("/api/state", gzipped(StateEndpoint(admission, log, instants, turns, wall_ms)))
        root.add("/api/coverage", gzipped(CoverageEndpoint(admission, folds.coverage, turns)))
        root.add("/api/timeline", gzipped(TimelineEndpoint(admission, folds.timeline, turns)))
        root.add("/api/insight", gzipped(InsightEndpoint(admission, folds.insight, frames.position_text, turns)))
        exposition = Exposition(DaemonCollector(config, self.status, folds.insight, tally))
        root.add("/metrics", gzipped(MetricsEndpoint(admission, exposition.answer)))
        root.add("/api/openapi.json", gzipped(DescriptionEndpoint(admission, openapi())))
        root.add("/api/asyncapi.json", gzipped(DescriptionEndpoint(admission, asyncapi())))
        root.add("/ws/events", EventsEndpoint(admission, around))
        # Dashboards are counted by themselves, so those that are not there leave room for other connections.
        site = make_site(root, reactor, refusals, lambda: SPARE + config.max_clients - len(self._clients))
        self._factory: IProtocolFactory = site
        if config.tls_cert is not None and config.tls_key is not None:
            self._factory = tls_site(site, config.tls_cert, config.tls_key, refusals, reactor)
        way_in = WayIn(config.publish_token_file, config.tls_cert)
        self._demo: Demo | DemoFile | None = Demo(reactor, way_in) if config.demo else None
        if config.demo_file is not None:
            self._demo = DemoFile(reactor, way_in, config.demo_file)

    @property
    def http_port(self) -> int:
        """The one that HTTP got, once it has started."""
        return int(self._ports[0].getHost().port)  # type: ignore[attr-defined]

    @property
    def grpc_port(self) -> int:
        """The one that gRPC got, once it has started."""
        return self._ingest.port

    def startService(self) -> None:
        """Start everything.

        :raises CannotStart: a port could not be had.
        """
        crowded = make_room(SPARE + self._config.max_clients, Limits().connections)
        if crowded is not None:
            self._log.warn("{text}", text=crowded)
        begin(self._history, self._folds)
        try:
            super().startService()
            self._ports = _listen(self._reactor, self._config.interface, self._config.port, self._factory)
        except OSError as why:
            raise CannotStart(why.strerror or str(why)) from None
        except CannotListenError as why:
            raise CannotStart(f"can't listen on {why.interface}:{why.port} for HTTP: {why.socketError}") from None
        self.status.is_http_listening = True
        self._log.info(
            "listening: {scheme}://{interfaces}:{http} and gRPC on {grpc_interfaces}:{grpc}",
            scheme="https" if self._config.tls_cert else "http",
            interfaces=",".join(self._config.interface),
            http=self.http_port,
            grpc_interfaces=",".join(self._config.grpc_interface),
            grpc=self.grpc_port,
        )
        for text in self._config.warnings():
            self._log.warn("{text}", text=text)
        self._readiness.ready(
            f"HTTP on {self.http_port}, gRPC on {self.grpc_port}", lambda: self.status.health()[0] == 200
        )
        if self._demo is not None:
            self._demo.start(_reachable(self._config.grpc_interface[0], self.grpc_port))

    def stopService(self) -> Deferred[None]:
        """Drain, within a bounded time, and stop everything."""
        if self._drained is None:
            self._drained = ensureDeferred(self._drain())
            self._drained.addTimeout(DRAIN_TIMEOUT_S, self._reactor)
            self._drained.addErrback(lambda failure: self._log.failure("the drain was cut short", failure))
            self._drained.addCallback(lambda _: maybeDeferred(MultiService.stopService, self))
            self._drained.addCallback(lambda _: self._log.info("stopped"))
        return self._drained

    async def _drain(self) -> None:
        self.status.is_draining = True
        nodes = len(self.status.registry.streams)
        self._log.info("draining: {clients} dashboards, {nodes} nodes", clients=len(self._clients), nodes=nodes)
        self._readiness.stopping()
        self._clients.accepting = False
        if self._demo is not None:
            await self._demo.finish()
        await self._ingest.stop_reading()
        self._ticker.stopService()
        await self._history.settled()
        self._ticker.tick()
        await self._history.settled()
        await self._ingest.finish()
        await self._clients.drain()
        for port in self._ports:
            await maybeDeferred(port.stopListening)
        self.status.is_http_listening = False
        await self._history.close()


def _grpc_access(config: Config) -> Access:
    tokens = config.publish_token_file
    tls = None
    if config.tls_cert is not None and config.tls_key is not None:
        tls = ServerTls.read(config.tls_cert, config.tls_key, config.tls_client_ca)
    return Access(TokenFile(tokens) if tokens else None, tls)


def _listen(reactor: Any, interfaces: Sequence[str], port: int, site: Any) -> list[IListeningPort]:
    """The port on each interface; 0 is the same free one on all of them."""
    ports: list[IListeningPort] = []
    for interface in interfaces:
        listening = reactor.listenTCP(port, site, backlog=BACKLOG, interface=interface)
        port = listening.getHost().port
        ports.append(listening)
    return ports


def _reachable(interface: str, port: int) -> str:
    """A gRPC target for a port that listens on ``interface``."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(interface, interface)  # noqa: S104 -- compared, not bound
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
