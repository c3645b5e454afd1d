"""TLS of the gRPC port: what it needs, and whose certificate a node has shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from vizd.ingest.registry import Fault

__all__ = ["ServerTls", "check_name"]


@dataclass(frozen=True, slots=True)
class ServerTls:
    """In PEM, as read at the start: another certificate needs another start.

    :ivar client_ca: whose certificates nodes must bring; ``None``: none is asked for.
    """

    cert: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None = None

    @classmethod
    def read(cls, cert: Path, key: Path, client_ca: Path | None) -> "ServerTls":
        """
        :raises OSError: one of them can't be read.
        """
        return cls(cert.read_bytes(), key.read_bytes(), client_ca.read_bytes() if client_ca else None)

    def credentials(self) -> grpc.ServerCredentials:
        """For a port. gRPC takes TLS 1.2 and 1.3, and nothing older."""
        return grpc.ssl_server_credentials([(self.key, self.cert)], self.client_ca, self.client_ca is not None)


def check_name(auth_context: Mapping[str, Sequence[bytes]], node_name: str) -> None:
    """A node that brings a certificate publishes under a name that stands in it: a DNS name, or, where there is none,
    the common name.

    They are compared as they stand: a wildcard is no name of a node.

    :param auth_context: of the call.
    :raises Fault: PERMISSION_DENIED, naming both.
    """
    names = auth_context.get("peer_dns") or auth_context.get("x509_common_name") or []
    if node_name.encode() not in names:
        said = ", ".join(repr(name.decode(errors="replace")[:80]) for name in names[:4]) or "nobody"
        raise Fault(
            "PERMISSION_DENIED",
            f"node_name is {node_name[:80]!r} and the certificate is of {said}: they must be the same",
        )
