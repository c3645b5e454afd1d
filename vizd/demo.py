"""``--demo``: a simulated cluster that publishes to this daemon, through its own gRPC port like any other."""

import logging
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger, LogLevel

from vizd.client.credentials import first_token, tls_credentials
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

    def __init__(self, reactor: Any, token_file: Path | None = None, tls_cert: Path | None = None) -> None:
        """
        :param token_file: of those who may publish. :param tls_cert: the daemon's own.
        """
        self._reactor = reactor
        self._token_file = token_file
        self._tls_cert = tls_cert
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
        self._runner = SimulationRunner(
            cluster,
            target,
            token=first_token(self._token_file) if self._token_file else None,
            # The one certificate that is surely this daemon's: whoever signed it need not be known here.
            credentials=tls_credentials(self._tls_cert) if self._tls_cert else None,
            tls_name=_name_in(self._tls_cert.read_bytes()) if self._tls_cert else None,
        )
        self._runner.start()

    async def finish(self) -> None:
        """End it; what it has emitted is delivered first."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), runner.stop, STOP_TIMEOUT_S)
            logger = logging.getLogger("vizd.sim")
            logger.removeHandler(self._into_our_log)
            logger.propagate = True


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
