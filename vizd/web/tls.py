"""TLS of the HTTP port. The files are read at the start: another certificate needs another start."""

from collections import Counter
from pathlib import Path
from typing import Any

from OpenSSL.crypto import X509, PKey
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.web.server import Site

from vizd.access.certificates import read_certificates, read_key
from vizd.web.gate import Gate

__all__ = ["tls_site"]

HANDSHAKES_PER_TURN = 4
"""Of the reactor. With an RSA key of 2048 bits each takes about a millisecond."""


class _Transport(BufferingTLSTransport):
    """Until the handshake is done, what comes waits at a gate: a thousand handshakes in one turn would delay all."""

    factory: Any
    transport: Any
    _is_at_gate = False
    _held = b""

    def dataReceived(self, data: bytes) -> None:
        if self._handshakeDone:
            super().dataReceived(data)
            return
        self._held += data
        if not self._is_at_gate:
            self._is_at_gate = True
            self.transport.pauseProducing()
            self.factory.gate.enter(self._go_on)

    def _go_on(self) -> None:
        self._is_at_gate = False
        data, self._held = self._held, b""
        if self.connected:
            self.transport.resumeProducing()
            super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self._handshakeDone:
            self.factory.refusals["tls"] += 1
        super().connectionLost(reason)


class _Factory(TLSMemoryBIOFactory):
    protocol = _Transport
    gate: Gate
    refusals: Counter[str]


def tls_site(site: Site, cert: Path, key: Path, refusals: Counter[str], reactor: IReactorTime) -> TLSMemoryBIOFactory:
    """``site`` over TLS 1.2 and 1.3.

    :param cert: the daemon's certificate, and behind it those that signed it. :param refusals: by reason, where
        handshakes that came to nothing are counted.
    :raises ValueError: a file can't be used.
    """
    first, *others = (X509.from_cryptography(each) for each in read_certificates(cert))
    options = CertificateOptions(
        privateKey=PKey.from_cryptography_key(read_key(key)),  # type: ignore[arg-type]
        certificate=first,
        extraCertChain=others,
        insecurelyLowerMinimumTo=TLSVersion.TLSv1_2,  # The default, said so that no other default changes it.
    )
    factory = _Factory(options, False, site, reactor)
    factory.gate = Gate(HANDSHAKES_PER_TURN, reactor)
    factory.refusals = refusals
    return factory
