"""Tests of ``vizd.web.tls``: dashboards over TLS, and peers that speak something else. Certificates are made here."""

import contextlib
import http.client
import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.access.authority import Authority
from tests.daemon.process import Daemon
from tests.web import test_websocket
from tests.web.test_websocket import TIMEOUT_S, Case, hear
from vizd.web.tls import HANDSHAKES_PER_TURN, tls_site


class Secured:
    """A ``Case`` whose connections speak TLS."""

    scheme = "wss"

    def factory(self, site: Any) -> Any:
        self.authority = Authority(Path(self.mktemp()))
        self.trust = ssl.create_default_context(cafile=str(self.authority.path))
        return tls_site(site, *self.authority.signed("127.0.0.1"), self.admission.refusals, reactor)

    def client(self, query: str = "", **options: Any) -> Any:
        return super().client(query, **{"ssl": self.trust} | options)

    def dial(self, receive_buffer_bytes: int | None = None) -> socket.socket:
        return self.trust.wrap_socket(super().dial(receive_buffer_bytes), server_hostname="127.0.0.1")


class StreamTests(Secured, test_websocket.StreamTests):
    """As without TLS."""


class FlowTests(Secured, test_websocket.FlowTests):
    """As without TLS, and what is sent to a client that stalls all comes when it goes on."""

    async def test_a_client_that_stalls_gets_every_event_in_order_when_it_takes_again(self) -> None:
        stalled: Deferred[None] = Deferred()
        go_on = threading.Event()

        def talk() -> list[int]:
            with self.client("?json=true&max_lag_ms=0", max_queue=1) as ws:
                hear(ws)
                reactor.callFromThread(stalled.callback, None)
                go_on.wait(TIMEOUT_S)
                numbers: list[int] = []
                while len(numbers) < 400 * 500:
                    message = hear(ws)
                    numbers += [each["event"]["data"]["kind"]["ms"] for each in message["data"]["events"]]
                return numbers

        talking = deferToThread(talk)
        await stalled
        for number in range(400):
            self._append(500 * number, 500)
            await deferLater(reactor, 0)
        go_on.set()
        self.assertEqual(await talking, list(range(400 * 500)))


class DeafTests(Secured, test_websocket.DeafTests):
    """As without TLS."""


class PeerTests(Secured, Case):
    """Who is at the other end."""

    def handshake(self, **limits: Any) -> str | None:
        context = ssl.create_default_context(cafile=str(self.authority.path))
        for name, value in limits.items():
            setattr(context, name, value)
        with (
            socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as secured,
        ):
            return secured.version()

    async def test_tls_1_2_and_1_3_are_spoken_and_nothing_older(self) -> None:
        self.assertEqual(await deferToThread(self.handshake), "TLSv1.3")
        two = ssl.TLSVersion.TLSv1_2
        self.assertEqual(await deferToThread(self.handshake, maximum_version=two), "TLSv1.2")

        def old() -> None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(str(self.authority.path))
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
            with socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S) as raw:
                context.wrap_socket(raw, server_hostname="127.0.0.1")

        with self.assertRaises(ssl.SSLError):
            await deferToThread(old)

    async def test_http_2_is_not_agreed_on(self) -> None:
        def agreed() -> str | None:
            context = ssl.create_default_context(cafile=str(self.authority.path))
            context.set_alpn_protocols(["h2", "http/1.1"])
            with (
                socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S) as raw,
                context.wrap_socket(raw, server_hostname="127.0.0.1") as secured,
            ):
                return secured.selected_alpn_protocol()

        self.assertIsNone(await deferToThread(agreed), "HTTP/1.1 is what is spoken then")

    async def test_what_is_no_tls_is_closed_and_counted_and_others_are_served(self) -> None:
        def ends(sent: bytes) -> bytes:
            with socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S) as raw:
                raw.sendall(sent)
                heard = b""
                with contextlib.suppress(ConnectionResetError):
                    while received := raw.recv(4_096):
                        heard += received
                return heard

        for sent in (b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x00" * 500, b"\x16\x03\x01\xff\xff" * 99):
            self.assertNotIn(b"HTTP", await deferToThread(ends, sent))
        await deferToThread(lambda: socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S).close())
        while self.admission.refusals["tls"] < 4:
            await deferLater(reactor, 0.01)
        self.assertEqual((await self.talk(hear))["type"], "connected")

    async def test_a_client_that_does_not_know_the_authority_goes_and_does_no_harm(self) -> None:
        def distrust() -> None:
            with socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S) as raw:
                ssl.create_default_context().wrap_socket(raw, server_hostname="127.0.0.1")

        with self.assertRaises(ssl.SSLCertVerificationError):
            await deferToThread(distrust)
        self.assertEqual((await self.talk(hear))["type"], "connected")

    async def test_hundreds_of_handshakes_at_once_are_done_some_in_a_turn(self) -> None:
        """The tick of the daemon comes between."""
        turns = 0
        is_done = False

        def count() -> None:
            nonlocal turns
            turns += 1
            if not is_done:
                reactor.callLater(0, count)

        def together() -> int:
            with contextlib.ExitStack() as stack:
                context, ends = self.trust, []
                for _ in range(100):
                    raw = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S))
                    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
                    end = context.wrap_bio(into, out, server_hostname="127.0.0.1")
                    with contextlib.suppress(ssl.SSLWantReadError):
                        end.do_handshake()
                    ends.append((raw, out.read()))
                reactor.callFromThread(count)
                for raw, hello in ends:
                    raw.sendall(hello)
                return sum(raw.recv(5)[:1] == b"\x16" for raw, _ in ends)

        self.room = lambda: 1_000  # type: ignore[method-assign]
        self.assertEqual(await deferToThread(together), 100)
        is_done = True
        self.assertGreaterEqual(turns, 100 // HANDSHAKES_PER_TURN - 1)
        await deferLater(reactor, 0)


class DaemonTests(TestCase):
    """``--tls-cert`` and ``--tls-key``, as a user gives them."""

    timeout = 60

    def test_the_http_port_speaks_https_and_says_so(self) -> None:
        authority = Authority(Path(self.mktemp()).absolute())
        cert, key = authority.signed("localhost", "127.0.0.1")
        daemon = Daemon("--tls-cert", str(cert), "--tls-key", str(key), "--allowed-hosts", "vizd.example")
        self.addCleanup(daemon.kill)
        self.assertTrue(daemon.has_said("listening: https://"))
        context = ssl.create_default_context(cafile=str(authority.path))

        def get(path: str, host: str) -> tuple[int, Any, Any]:
            connection = http.client.HTTPSConnection("localhost", daemon.http_port, timeout=TIMEOUT_S, context=context)
            with contextlib.closing(connection):
                connection.request("GET", path, headers={"Host": host})
                response = connection.getresponse()
                return response.status, response.headers, response.read()

        status, headers, body = get("/api/stats", "vizd.example")
        self.assertEqual((status, json.loads(body)["connected_clients"]), (200, 0))
        self.assertIn("max-age=", headers["Strict-Transport-Security"])
        for path in ("/", "/health", "/api/stats"):
            status, headers, _ = get(path, "localhost")
            self.assertEqual(
                (status, headers["Strict-Transport-Security"]), (200, None), "it would count for all ports"
            )
        self.assertEqual(daemon.end(), 0)
        self.assertEqual([line for line in daemon.lines if "rror" in line or "Traceback" in line], [])
