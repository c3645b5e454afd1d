"""TLS on the gRPC port, and whose certificates open it. All certificates are made here, for minutes."""

import socket
import ssl
import time
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from twisted.trial.unittest import TestCase

from tests.access.authority import Authority, key_pem
from tests.ingest.harness import PATIENCE_S, Node, ServerTests
from vizd.client.credentials import tls_credentials
from vizd.ingest.access import Access
from vizd.ingest.credentials import ServerTls, check_name
from vizd.ingest.limits import Limits
from vizd.ingest.registry import Fault

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
HANDSHAKE_S = 0.5


class TlsTests(ServerTests):
    """The daemon's certificate is for 127.0.0.1."""

    client_ca: Path | None = None

    def access(self) -> Access:
        self.place = Path(self.mktemp())
        self.authority = Authority(self.place)
        cert, key = self.authority.signed("127.0.0.1", "vizd.example")
        limits = Limits(handshake_s=HANDSHAKE_S)
        return Access(tls=ServerTls.read(cert, key, self.client_ca), limits=limits)

    def node_with(self, credentials: grpc.ChannelCredentials | None) -> Node:
        node = Node(self.daemon.port, credentials=credentials)
        self.addCleanup(node.close)
        return node

    def assert_kept_out(self, credentials: grpc.ChannelCredentials | None) -> None:
        node = self.node_with(credentials)
        node.say_hello()
        self.assertIs(node.ended()[0], UNAVAILABLE)


class OneSided(TlsTests):
    def test_whoever_trusts_the_authority_publishes(self) -> None:
        node = self.node_with(tls_credentials(self.authority.path))
        node.hello()
        node.stored_through(node.send(3))

    def test_whoever_trusts_another_one_does_not(self) -> None:
        self.assert_kept_out(tls_credentials(Authority(self.place, "another").path))

    def test_nobody_comes_in_in_the_clear(self) -> None:
        self.assert_kept_out(None)

    def test_a_certificate_that_nobody_asked_for_binds_no_name(self) -> None:
        cert, key = self.authority.signed("somebody")
        self.node_with(tls_credentials(self.authority.path, cert, key)).hello(node_name="one")

    def shake_hands(self, version: ssl.TLSVersion) -> str | None:
        context = ssl.create_default_context(cafile=str(self.authority.path))
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", self.daemon.port), PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
        ):
            return wrapped.version()

    def test_it_speaks_tls_1_2_and_1_3(self) -> None:
        self.assertEqual(self.shake_hands(ssl.TLSVersion.TLSv1_2), "TLSv1.2")
        self.assertEqual(self.shake_hands(ssl.TLSVersion.TLSv1_3), "TLSv1.3")

    def answer_to_hello(self, version: bytes) -> bytes:
        """To a ClientHello written here, since OpenSSL would not say an old one: ciphers for any version."""
        ciphers = b"\xc0\x2b\xc0\x09"
        signatures_and_curves = b"\x00\x0d\x00\x04\x00\x02\x04\x03" + b"\x00\x0a\x00\x04\x00\x02\x00\x17"
        body = version + bytes(33) + _counted(2, ciphers) + b"\x01\x00" + _counted(2, signatures_and_curves)
        with socket.create_connection(("127.0.0.1", self.daemon.port), PATIENCE_S) as raw:
            raw.sendall(b"\x16\x03\x01" + _counted(2, b"\x01" + _counted(3, body)))
            return raw.recv(64)

    def test_it_speaks_nothing_older(self) -> None:
        self.assertEqual(self.answer_to_hello(b"\x03\x03")[:1], b"\x16", "a ServerHello")
        for old in (b"\x03\x02", b"\x03\x01", b"\x03\x00"):
            self.assertEqual(self.answer_to_hello(old), b"", "closed")

    def test_a_handshake_that_never_ends_is_ended(self) -> None:
        began_s = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.daemon.port), PATIENCE_S) as raw:
            raw.sendall(b"\x16\x03\x01\x02\x00\x01")  # The beginning of a ClientHello.
            self.assertEqual(raw.recv(64), b"")
        self.assertLess(time.monotonic() - began_s, HANDSHAKE_S + 5)

    def test_what_is_no_tls_at_all_is_closed_and_harms_nobody(self) -> None:
        for words in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            bytes(100),
            b"\x16\x03\x01\xff\xff",
        ):
            with socket.create_connection(("127.0.0.1", self.daemon.port), PATIENCE_S) as raw:
                raw.sendall(words)
                while raw.recv(4096):
                    pass
        self.node_with(tls_credentials(self.authority.path)).hello()


class Mutual(TlsTests):
    def access(self) -> Access:
        self.nodes = Authority(Path(self.mktemp()), "nodes")
        self.client_ca = self.nodes.path
        return super().access()

    def bringing(self, pair: tuple[Path, Path] | None) -> grpc.ChannelCredentials:
        return tls_credentials(self.authority.path, *(pair or (None, None)))

    def test_the_node_whose_name_stands_in_the_certificate_publishes(self) -> None:
        node = self.node_with(self.bringing(self.nodes.signed("one", common_name="of no account")))
        node.hello(node_name="one")
        node.stored_through(node.send(3))

    def test_any_of_its_names_will_do(self) -> None:
        credentials = self.bringing(self.nodes.signed("one", "two"))
        for number, name in enumerate(("one", "two")):
            self.node_with(credentials).hello(node=number, node_name=name)

    def test_without_a_dns_name_it_is_the_common_name(self) -> None:
        self.node_with(self.bringing(self.nodes.signed(common_name="one"))).hello(node_name="one")

    def test_another_name_is_denied_and_both_are_named(self) -> None:
        node = self.node_with(self.bringing(self.nodes.signed("one", "uno")))
        node.say_hello(node_name="two")
        status, details = node.ended()
        self.assertIs(status, grpc.StatusCode.PERMISSION_DENIED)
        self.assertEqual(details, "node_name is 'two' and the certificate is of 'one', 'uno': they must be the same")
        self.daemon.until(lambda: self.daemon.refusals == {"grpc_name": 1}, "it is counted")
        self.assertEqual(self.daemon.comings_and_goings(), [])

    def test_it_takes_nobody_s_place(self) -> None:
        right = self.node_with(self.bringing(self.nodes.signed("one")))
        right.hello(node_name="one")
        wrong = self.node_with(self.bringing(self.nodes.signed("two")))
        wrong.say_hello(node_name="one", incarnation=0xB)
        self.assertIs(wrong.ended()[0], grpc.StatusCode.PERMISSION_DENIED)
        right.stored_through(right.send(3))

    def test_whoever_brings_no_certificate_is_kept_out(self) -> None:
        self.assert_kept_out(self.bringing(None))

    def test_one_that_has_expired_is_kept_out(self) -> None:
        self.assert_kept_out(self.bringing(self.nodes.signed("one", begins_days=-3, ends_days=-1)))

    def test_one_that_is_not_yet_good_is_kept_out(self) -> None:
        self.assert_kept_out(self.bringing(self.nodes.signed("one", begins_days=1, ends_days=3)))

    def test_one_of_another_authority_is_kept_out_whatever_it_calls_itself(self) -> None:
        self.assert_kept_out(self.bringing(Authority(self.place, "nodes").signed("one")))

    def test_one_of_the_authority_of_the_daemon_is_kept_out(self) -> None:
        self.assert_kept_out(self.bringing(self.authority.signed("one")))

    def test_one_that_has_signed_itself_is_kept_out(self) -> None:
        alone = Authority(self.place, "one")
        key = self.place / "alone.key"
        key.write_bytes(key_pem(alone._key))
        self.assert_kept_out(self.bringing((alone.path, key)))

    def test_those_who_are_kept_out_harm_nobody(self) -> None:
        node = self.node_with(self.bringing(self.nodes.signed("one")))
        node.hello(node_name="one")
        for _ in range(20):
            self.assert_kept_out(self.bringing(None))
        node.stored_through(node.send(3))

    def check_health(self, credentials: grpc.ChannelCredentials) -> int:
        self.credentials = credentials
        stub = health_pb2_grpc.HealthStub(self.channel())
        return int(stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S).status)

    def test_health_needs_a_certificate_too_since_there_is_no_connection_without(self) -> None:
        some = self.bringing(self.nodes.signed("a probe"))
        self.assertEqual(self.check_health(some), health_pb2.HealthCheckResponse.SERVING)
        with self.assertRaises(grpc.RpcError) as raised:
            self.check_health(self.bringing(None))
        self.assertIs(raised.exception.code(), UNAVAILABLE)


class Names(TestCase):
    def denied(self, node_name: str, *names: str) -> str:
        with self.assertRaises(Fault) as raised:
            check_name({"peer_dns": [name.encode() for name in names]}, node_name)
        self.assertEqual(raised.exception.code, "PERMISSION_DENIED")
        return raised.exception.details

    def test_they_are_compared_as_they_stand(self) -> None:
        check_name({"peer_dns": [b"one"]}, "one")
        for other in ("One", "one.", "one.example", "on", "", "*"):
            self.denied(other, "one")

    def test_a_wildcard_is_no_name_of_a_node(self) -> None:
        self.denied("one.example", "*.example")

    def test_the_common_name_counts_only_where_there_is_no_other(self) -> None:
        names = {"peer_dns": [b"one"], "x509_common_name": [b"two"]}
        with self.assertRaises(Fault):
            check_name(names, "two")

    def test_long_and_many_names_make_no_long_refusal(self) -> None:
        self.assertLess(len(self.denied("x" * 1000, *("y" * 1000 for _ in range(100)))), 600)

    def test_a_certificate_without_a_name_is_nobody_s(self) -> None:
        self.assertIn("of nobody", self.denied("one"))


def _counted(width: int, content: bytes) -> bytes:
    return len(content).to_bytes(width, "big") + content
