"""What a publisher shows at the door, against the door itself."""

from pathlib import Path
from random import Random
from typing import Any

from tests.access.authority import Authority, key_pem
from tests.client.test_stream import QUICK, alive
from tests.ingest.harness import PATIENCE_S, ServerTests
from vizd.access.tokens import TokenFile
from vizd.client.backoff import Backoff
from vizd.client.credentials import first_token, tls_credentials
from vizd.client.publisher import Publisher
from vizd.ingest.access import Access
from vizd.ingest.credentials import ServerTls


class CredentialsTests(ServerTests):
    """A daemon that asks for a token and a certificate, and whose own is for a name, not for its address."""

    def access(self) -> Access:
        self.place = Path(self.mktemp())
        self.authority, self.nodes = Authority(self.place, "daemons"), Authority(self.place, "nodes")
        self.cert, self.key = self.authority.signed("vizd.example")
        self.tokens = self.place / "tokens"
        self.tokens.write_text("\n  first-one  \nsecond-one\n")
        return Access(TokenFile(self.tokens), ServerTls.read(self.cert, self.key, self.nodes.path))

    def publisher(self, name: str = "one", **options: Any) -> Publisher:
        publisher = Publisher(
            f"127.0.0.1:{self.daemon.port}", 1, name, timing=QUICK, backoff=Backoff(0.01, 0.05, Random(1)), **options
        )
        publisher.start()
        self.addCleanup(publisher.close, 0)
        publisher.emit(alive(1))
        return publisher

    def bringing(self, *names: str) -> Any:
        return tls_credentials(self.authority.path, *self.nodes.signed(*names))

    def test_with_all_of_it_a_publisher_delivers(self) -> None:
        publisher = self.publisher(
            token=first_token(self.tokens), credentials=self.bringing("one"), tls_name="vizd.example"
        )
        self.assertTrue(publisher.flush(PATIENCE_S))

    def assert_told(self, error: str, publisher: Publisher) -> None:
        # Where the refusal overtakes the Hello, gRPC's client calls it INTERNAL; the next try tells.
        self.daemon.until(lambda: error in (publisher.stats.last_error or ""), f"it has been told {error}")

    def test_what_is_missing_is_told(self) -> None:
        right = {"token": "second-one", "credentials": self.bringing("one"), "tls_name": "vizd.example"}
        for changed, error in (
            ({"token": None}, "UNAUTHENTICATED: a token that the daemon knows is needed"),
            ({"token": "third-one"}, "UNAUTHENTICATED: a token that the daemon knows is needed"),
            ({"tls_name": None}, "UNAVAILABLE"),
            ({"credentials": None}, "UNAVAILABLE"),
            ({"credentials": self.bringing("two")}, "PERMISSION_DENIED: node_name is 'one'"),
        ):
            self.assert_told(error, self.publisher(**(right | changed)))

    def wrong(self, *paths: Path | None) -> str:
        return str(self.assertRaises(ValueError, tls_credentials, *paths))

    def test_a_file_that_is_no_certificate_is_named(self) -> None:
        self.assertIn("tokens' is no file of certificates in PEM", self.wrong(self.tokens))
        self.assertIn("nowhere' is no file of certificates in PEM: No such file", self.wrong(self.place / "nowhere"))

    def test_a_certificate_and_a_key_that_do_not_belong_together_are_named(self) -> None:
        cert, _ = self.nodes.signed("one")
        _, key = self.nodes.signed("one")
        said = self.wrong(self.authority.path, cert, key)
        self.assertIn(str(cert), said)
        self.assertIn(str(key), said)

    def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(self) -> None:
        cert, key = self.nodes.signed("one")
        key.write_bytes(key_pem(self.nodes._key, b"passphrase"))
        self.assertIn("are no certificate in PEM and its key", self.wrong(self.authority.path, cert, key))

    def test_a_certificate_needs_its_key(self) -> None:
        self.assertIn("give both or neither", self.wrong(self.authority.path, self.cert, None))

    def test_a_file_without_a_token_is_named(self) -> None:
        self.tokens.write_text(" \n")
        self.assertIn("tokens' has no token", str(self.assertRaises(ValueError, first_token, self.tokens)))
        self.tokens.unlink()
        self.assertIn("can't read", str(self.assertRaises(ValueError, first_token, self.tokens)))
