"""``--demo`` and ``--demo-file``: what publishes to this daemon, through its own gRPC port like any other."""

import logging
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger, LogLevel

from vizd.client.credentials import first_token, tls_credentials
from vizd.incident.reader import Incident
from vizd.incident.replay import Replay
from vizd.sim.cluster import SimulatedCluster
from vizd.sim.runner import SimulationRunner, wall_ms

__all__ = ["Demo", "DemoFile", "WayIn"]

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


@dataclass(frozen=True, slots=True)
class WayIn:
    """What this daemon asks of who publishes.

    :ivar token_file: of those who may. :ivar tls_cert: the daemon's own.
    """

    token_file: Path | None = None
    tls_cert: Path | None = None

    def options(self) -> dict[str, Any]:
        """Of a publisher.

        :raises ValueError: the token or the certificate can't be read any more.
        """
        return {
            "token": first_token(self.token_file) if self.token_file else None,
            # The one certificate that is surely this daemon's: whoever signed it need not be known here.
            "credentials": tls_credentials(self.tls_cert) if self.tls_cert else None,
            "tls_name": _name_in(self.tls_cert.read_bytes()) if self.tls_cert else None,
        }


class Demo:
    """A cluster that lives from ``start`` to ``finish``."""

    def __init__(self, reactor: Any, way_in: WayIn) -> None:
        self._reactor = reactor
        self._way_in = way_in
        self._runner: SimulationRunner | None = None
        self._into_our_log = _IntoOurLog()

    def start(self, target: str) -> None:
        """Begin to publish.

        :param target: this daemon's gRPC port, such as ``127.0.0.1:9091``.
        :raises ValueError: the token or the certificate can't be read any more.
        """
        logger = logging.getLogger("vizd.sim")
        logger.setLevel(logging.INFO)
        logger.addHandler(self._into_our_log)
        logger.propagate = False  # Else it would stand there twice.
        cluster = SimulatedCluster(NODES, SHARDS, EVENTS_PER_S, SEED, start_ms=wall_ms())
        self._runner = SimulationRunner(cluster, target, **self._way_in.options())
        self._runner.start()

    async def finish(self) -> None:
        """End it; what it has emitted is delivered first."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), runner.stop, STOP_TIMEOUT_S)
            logger = logging.getLogger("vizd.sim")
            logger.removeHandler(self._into_our_log)
            logger.propagate = True


class DemoFile:
    """An incident, played once as fast as it happened, its times moved to now."""

    _log = Logger()

    def __init__(self, reactor: Any, way_in: WayIn, path: Path) -> None:
        self._reactor = reactor
        self._way_in = way_in
        self._path = path
        self._player: Replay | None = None
        self._playing: Future[None] | None = None

    def start(self, target: str) -> None:
        """See ``Demo``.

        :raises OSError: the file can't be read any more.
        """
        file = self._path.open("rb")
        incident = Incident(file)
        self._player = Replay(incident, target, **self._way_in.options())
        self._playing = self._player.start()

        def ended(playing: "Future[None]") -> None:
            file.close()
            if not playing.cancelled():
                self._reactor.callFromThread(self._say, incident, self._player, playing.exception())

        self._playing.add_done_callback(ended)

    def _say(self, incident: Incident, player: Replay, error: BaseException | None) -> None:
        path, done = str(self._path), player.done
        if error is not None:
            self._log.error("{path} could not be played: {why}", path=path, why=error)
        else:
            self._log.info(
                "{path} is played: {events} events in {windows} windows",
                path=path, events=done.events, windows=done.windows,
            )  # fmt: skip
        for each in incident.damage:
            self._log.warn("{path}: {what}", path=path, what=each)

    async def finish(self) -> None:
        """End it, wherever it is."""
        if self._player is not None and self._playing is not None:
            self._playing.cancel()
            await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._player.close)


def _name_in(pem: bytes) -> str:
    """One that the certificate is good for."""
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    for name in names.get_values_for_type(x509.DNSName):
        return name.replace("*", "demo")
    return str(names.get_values_for_type(x509.IPAddress)[0])
