"""Tests of ``vizd.access.certificates``, with certificates made here."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from twisted.trial.unittest import SynchronousTestCase

from tests.access.authority import Authority, key_pem
from vizd.access.certificates import MAX_PEM_BYTES, check_key_of, read_certificates, read_key, validity


class Case(SynchronousTestCase):
    """An authority."""

    def setUp(self) -> None:
        self.place = Path(self.mktemp())
        self.authority = Authority(self.place)

    def file(self, content: bytes) -> Path:
        path = self.place / "file"
        path.write_bytes(content)
        return path


class ReadTests(Case):
    """What is in a file."""

    def test_a_chain_is_read_whole_and_its_key_is_the_first_ones(self) -> None:
        chain, key = self.authority.signed("localhost", "127.0.0.1")
        self.assertEqual(len(read_certificates(chain)), 2)
        check_key_of(chain, key)

    def test_another_key_is_refused_and_so_is_a_chain_that_begins_with_its_authority(self) -> None:
        chain, key = self.authority.signed("localhost")
        _, other = self.authority.signed("localhost")
        turned = self.file(self.authority.path.read_bytes() + chain.read_bytes())
        for certificates, wrong in ((chain, other), (turned, key)):
            with self.assertRaises(ValueError) as raised:
                check_key_of(certificates, wrong)
            self.assertIn(str(certificates), str(raised.exception))
            self.assertIn(" use ", str(raised.exception))

    def test_what_is_neither_is_refused_in_a_line_that_says_nothing_of_it(self) -> None:
        chain, key = self.authority.signed("localhost")
        locked = key_pem(ec.generate_private_key(ec.SECP256R1()), b"open sesame")
        pipe = self.place / "pipe"
        os.mkfifo(pipe)
        cases = [
            (read, self.file, content)
            for read in (read_certificates, read_key)
            for content in (b"", b"hello", b"\xff" * 99, chain.read_bytes()[:200], b"x" * (MAX_PEM_BYTES + 1))
        ]
        for read, written, content in (
            *cases, (read_key, self.file, locked), (read_key, self.file, chain.read_bytes()),
            (read_certificates, self.file, key.read_bytes()),
        ):  # fmt: skip
            self.assert_refused(read, written(content))
        for read in (read_certificates, read_key):
            for path in (pipe, Path("/"), self.place / "no-such-file", Path("a\0b")):
                self.assert_refused(read, path)

    def assert_refused(self, read: object, path: Path) -> None:
        with self.assertRaises(ValueError) as raised:
            read(path)  # type: ignore[operator]
        self.assertIn("; use a file ", str(raised.exception))
        self.assertNotIn("\n", str(raised.exception))
        self.assertLess(len(str(raised.exception)), 200)


class ValidityTests(Case):
    """The time of a certificate."""

    def test_one_that_is_valid_now_is_fine(self) -> None:
        self.assertIsNone(validity(self.authority.signed("localhost")[0]))

    def test_one_that_has_expired_or_does_not_count_yet_says_when(self) -> None:
        expired, _ = self.authority.signed("localhost", begins_days=-9, ends_days=-2)
        said = validity(expired)
        self.assertIn("has expired at", said)
        self.assertIn(f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}", said)
        later, _ = self.authority.signed("localhost", begins_days=2)
        self.assertIn("is not valid before", validity(later))
