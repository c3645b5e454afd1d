"""Certificates and keys in PEM files: whether they are what an option says, before a port is opened with them."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

__all__ = ["check_key_of", "read_certificates", "read_key", "validity"]

MAX_PEM_BYTES = 1 << 20
"""A bundle of all public authorities is a quarter of that."""
_RIGHT_CERTIFICATE = "use a file of certificates in PEM"
_RIGHT_KEY = "use a file with a private key in PEM, without a passphrase"


def read_certificates(path: Path) -> list[x509.Certificate]:
    """All that are in the file, one at least.

    :raises ValueError: it can't be used; the text says why and what would be right.
    """
    content = _read(path, _RIGHT_CERTIFICATE)
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise ValueError(f"there is no certificate in it, or a broken one; {_RIGHT_CERTIFICATE}") from None


def read_key(path: Path) -> PrivateKeyTypes:
    """The private key in the file.

    :raises ValueError: it can't be used; the text says why and what would be right, and nothing of the key.
    """
    content = _read(path, _RIGHT_KEY)
    try:
        return serialization.load_pem_private_key(content, None)
    except TypeError:
        raise ValueError(f"it needs a passphrase; {_RIGHT_KEY}") from None
    except Exception:  # ValueError, or UnsupportedAlgorithm.
        raise ValueError(f"there is no private key in it, or a broken one; {_RIGHT_KEY}") from None


def check_key_of(certificates: Path, key: Path) -> None:
    """
    :raises ValueError: ``key`` is not that of the first of ``certificates``.
    """
    if _public(read_certificates(certificates)[0].public_key()) != _public(read_key(key).public_key()):
        raise ValueError(
            f"it is not the key of the first certificate in {str(certificates)!r};"
            " use that one's, and put the daemon's own certificate before those that signed it"
        )


def validity(path: Path, now: datetime | None = None) -> str | None:
    """What is wrong with the time of the first certificate in the file; ``None``: nothing."""
    certificate = read_certificates(path)[0]
    now = now or datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        return f"{path}: the certificate has expired at {certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    if now < certificate.not_valid_before_utc:
        return f"{path}: the certificate is not valid before {certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}"
    return None


def _public(key: object) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, form)  # type: ignore[attr-defined]


def _read(path: Path, right: str) -> bytes:
    try:
        if not path.is_file():  # Of a pipe even the opening could wait for ever.
            path.stat()
            raise ValueError("it is not a regular file")
        with path.open("rb") as file:
            content = file.read(MAX_PEM_BYTES + 1)
    except (OSError, ValueError) as why:  # A name with a zero byte is a ValueError.
        raise ValueError(f"it can't be read ({getattr(why, 'strerror', None) or why}); {right}") from None
    if len(content) > MAX_PEM_BYTES:
        raise ValueError(f"it is over {MAX_PEM_BYTES} bytes long; {right}")
    return content
