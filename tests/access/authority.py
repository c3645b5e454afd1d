"""Certificates, made as they are needed."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def key_pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> bytes:
    """``key`` as a file holds it."""
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, lock)


class Authority:
    """One that signs.

    :ivar path: of its own certificate, in ``place``, where all files go.
    """

    def __init__(self, place: Path, name: str = "an authority") -> None:
        place.mkdir(parents=True, exist_ok=True)
        self._place = place
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._made = 0
        now = datetime.now(UTC)
        self.certificate = (
            self._draft(self._name, self._key, now - timedelta(days=1), now + timedelta(days=10))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.path = _written(place / f"{name.replace(' ', '-')}.pem", self.certificate.public_bytes(PEM))

    def signed(
        self, *names: str, common_name: str = "", begins_days: float = -1, ends_days: float = 5
    ) -> tuple[Path, Path]:
        """A certificate for DNS names and addresses, with the authority's behind it, and its key.

        :param begins_days: from now. :param ends_days: from now.
        """
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        subject = _name(common_name or (names[0] if names else "nobody"))
        draft = self._draft(subject, key, now + timedelta(days=begins_days), now + timedelta(days=ends_days))
        if names:
            draft = draft.add_extension(x509.SubjectAlternativeName([_general(each) for each in names]), critical=False)
        certificate = draft.sign(self._key, hashes.SHA256())
        self._made += 1
        stem = self._place / f"{self.path.stem}-{self._made}"
        chain = certificate.public_bytes(PEM) + self.certificate.public_bytes(PEM)
        return _written(stem.with_suffix(".crt"), chain), _written(stem.with_suffix(".key"), key_pem(key))

    def _draft(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, begins: datetime, ends: datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
        )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
