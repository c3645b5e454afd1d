"""TLS of the HTTP port. The files are read at the start: another certificate needs another start."""

from collections import Counter
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.web.server import Site
from zope.interface import implementer

from vizd.access.certificates import read_certificates, read_key
from vizd.web.gate import Gate

__all__ = ["tls_site"]

HANDSHAKES_PER_TURN = 4
"""Of the reactor. With an RSA key of 2048 bits each takes about a millisecond."""


_CIPHERS_OF_1_2 = b"ECDHE+AESGCM:ECDHE+CHACHA20"
"""Forward secrecy and authenticated encryption alone; TLS 1.3 has no others."""


@implementer(IOpenSSLServerConnectionCreator)
class _Creator:
    """Makes connections without a callback into Python.

    Twisted's ``CertificateOptions`` sets one for ALPN. That needs memory that is both writable and executable, which a
    hardened service may not have. Without ALPN all clients speak HTTP/1.1, which is what is spoken here.
    """

    def __init__(self, cert: Path, key: Path) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # A connection that says nothing holds no buffer.
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_cipher_list(_CIPHERS_OF_1_2)
        first, *others = read_certificates(cert)
        context.use_certificate(first)
        for each in others:
            context.add_extra_chain_cert(each)
        context.use_privatekey(read_key(key))  # type: ignore[arg-type] # Kinds that it does not take are refused.
        self._context = context

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        return SSL.Connection(self._context, None)


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
    factory = _Factory(_Creator(cert, key), False, site, reactor)
    factory.gate = Gate(HANDSHAKES_PER_TURN, reactor)
    factory.refusals = refusals
    return factory
