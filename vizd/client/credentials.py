"""What a publisher shows at the door: a token, and TLS with or without a certificate of its own.

Files are looked at when they are read, so that what is wrong with one is told by its name: gRPC would only say that
it can't connect.
"""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grpc

__all__ = ["first_token", "tls_credentials"]


def first_token(path: Path) -> str:
    """The first line that is not empty, without spaces around it.

    :raises ValueError: there is none.
    """
    try:
        tokens = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"can't read {str(path)!r}: {error}") from None
    if not tokens:
        raise ValueError(f"{str(path)!r} has no token: one a line is needed")
    return tokens[0]


def tls_credentials(ca: Path, cert: Path | None = None, key: Path | None = None) -> "grpc.ChannelCredentials":
    """For ``Publisher``.

    :param ca: in PEM: who must have signed the daemon's certificate.
    :param cert: in PEM: this node's own, with its chain, for a daemon that asks for one; its name is the node's.
    :param key: in PEM: of ``cert``.
    :raises ValueError: a file can't be used, or ``cert`` and ``key`` do not belong together.
    """
    import grpc  # Takes longer to load than all else of a program that wants a token alone.

    if (cert is None) != (key is None):
        raise ValueError("a certificate needs its key, and a key its certificate: give both or neither")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(ca)
    except OSError as error:  # SSLError is one.
        raise ValueError(f"{str(ca)!r} is no file of certificates in PEM: {error.strerror or error}") from None
    if cert is None or key is None:
        return grpc.ssl_channel_credentials(ca.read_bytes())
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except OSError as error:
        raise ValueError(
            f"{str(cert)!r} and {str(key)!r} are no certificate in PEM and its key: {error.strerror or error}"
        ) from None
    return grpc.ssl_channel_credentials(ca.read_bytes(), key.read_bytes(), cert.read_bytes())


def _no_password() -> str:
    """OpenSSL would ask the terminal."""
    return ""
