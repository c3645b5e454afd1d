"""Tests of ``vizd.web.websocket``, over loopback, with a client that is not ours."""

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.internet.threads import blockingCallFromThread, deferToThread
from twisted.trial.unittest import TestCase
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from tests.stream.made import draft, followed, fsyncs, insight_of, memory_log
from vizd.state.projection import Projection
from vizd.stream.frames import Frames
from vizd.stream.history import ReadSlots
from vizd.stream.source import Source
from vizd.stream.streams import ConflatedStreams
from vizd.web import websocket as websocket_module
from vizd.web.admission import Admission
from vizd.web.clients import Clients
from vizd.web.connections import SPARE
from vizd.web.dashboard import Surroundings
from vizd.web.instants import Instants
from vizd.web.site import Root, make_site
from vizd.web.turns import Turns
from vizd.web.websocket import MAX_CLIENT_MESSAGE_BYTES, SUBPROTOCOL, EventsEndpoint

TIMEOUT_S = 10


class Case(TestCase):
    """A daemon's HTTP side on a free port; its chores run on a clock that is a number."""

    timeout = 30
    max_clients = 3
    scheme = "ws"

    def setUp(self) -> None:
        self.clock = Clock()
        self.log = memory_log()
        self.projection = followed(self.log)
        turns = Turns(reactor)
        self.clients = Clients(self.log, self.max_clients, reactor, self.clock.seconds)
        self.admission = Admission()
        frames = Frames(self.log.epoch)
        around = Surroundings(
            self.log,
            frames,
            ConflatedStreams(Source(self.log, frames, self.projection.view, self.projection.is_newest)),
            ReadSlots(),
            turns,
            Instants(self.log, self.projection, lambda: Projection(3_600_000), turns),
            insight_of(self.log),
            self.clients,
            reactor,
            self.clock.seconds,
            lambda: 1_765_000_000_000,
            50,
        )
        root = Root(self.admission)
        root.add("/ws/events", EventsEndpoint(self.admission, around))
        listening = reactor.listenTCP(
            0, self.factory(make_site(root, reactor, self.admission.refusals, self.room)), interface="127.0.0.1"
        )
        self.addCleanup(self.close, listening)
        self.port = listening.getHost().port
        self.clients.startService()

    def factory(self, site: Any) -> Any:
        """Of the connections."""
        return site

    def dial(self, receive_buffer_bytes: int | None = None) -> socket.socket:
        """A connection on which nothing was said yet."""
        raw = socket.socket()
        raw.settimeout(TIMEOUT_S)
        if receive_buffer_bytes is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        raw.connect(("127.0.0.1", self.port))
        return raw

    def room(self) -> int:
        return SPARE + self.max_clients - len(self.clients)

    async def close(self, listening: Any) -> None:
        await self.clients.drain()
        self.clients.stopService()
        await listening.stopListening()
        for call in reactor.getDelayedCalls():
            if "_notify_bucket" in str(call):  # Autobahn leaves its timeout of a close that was cut short.
                call.cancel()

    def client(self, query: str = "", **options: Any) -> Any:
        options = {
            "max_size": None,
            "open_timeout": TIMEOUT_S,
            "close_timeout": TIMEOUT_S,
            "ping_interval": None,
        } | options
        if "state=" not in query:
            query += f"{'&' if query else '?'}state=false"
        return connect(f"{self.scheme}://127.0.0.1:{self.port}/ws/events{query}", **options)

    async def talk(self, talk: Callable[[ClientConnection], Any], query: str = "?json=true", **options: Any) -> Any:
        """Run ``talk`` with a client in a thread."""

        def run() -> Any:
            with self.client(query, **options) as ws:
                return talk(ws)

        return await deferToThread(run)

    def append(self, first: int = 0, count: int = 1) -> None:
        """From any thread."""
        reactor.callFromThread(self._append, first, count)

    def _append(self, first: int, count: int) -> None:
        self.log.append(draft(self.log.head.end_ms or 1_000, fsyncs(count, first=first)))


def hear(ws: ClientConnection) -> Any:
    """The next message, in whatever encoding it is."""
    payload = ws.recv(TIMEOUT_S)
    return msgpack.unpackb(payload) if isinstance(payload, bytes) else json.loads(payload)


def close_of(ws: ClientConnection) -> tuple[int, str]:
    """Take messages until the server closes; its code and reason."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            ws.recv(TIMEOUT_S)
    received = ws.protocol.close_rcvd
    return (received.code, received.reason) if received else (1006, "")


def send_raw(ws: ClientConnection, opcode: Opcode, data: bytes, fin: bool = True) -> None:
    """One frame, right or wrong."""
    ws.socket.sendall(Frame(opcode, data, fin).serialize(mask=True))


class StreamTests(Case):
    """Messages in both encodings, both ways."""

    async def test_json_is_text(self) -> None:
        def talk(ws: ClientConnection) -> None:
            text = ws.recv(TIMEOUT_S)
            self.assertIsInstance(text, str)
            self.assertTrue(text.startswith('{"type":"connected","version":"'))
            self.append()
            self.assertEqual(hear(ws)["data"]["window_start"], 1_000)

        await self.talk(talk)

    async def test_messagepack_is_binary_and_the_default(self) -> None:
        def talk(ws: ClientConnection) -> None:
            first = ws.recv(TIMEOUT_S)
            self.assertIsInstance(first, bytes)
            self.assertEqual(msgpack.unpackb(first)["type"], "connected")
            self.append()
            self.assertEqual(msgpack.unpackb(ws.recv(TIMEOUT_S))["type"], "batch")

        for query in ("", "?json=false", "?other=1"):
            await self.talk(talk, query)

    async def test_either_encoding_is_understood_whatever_the_streams(self) -> None:
        def talk(ws: ClientConnection) -> None:
            hear(ws)
            for said in ('{"type":"ping"}', msgpack.packb({"type": "ping"})):
                ws.send(said)
                self.assertEqual(hear(ws), {"type": "pong", "timestamp_ms": 1_765_000_000_000})

        await self.talk(talk, "?json=true")
        await self.talk(talk, "")

    async def test_the_query_is_a_first_filter(self) -> None:
        def talk(ws: ClientConnection) -> None:
            hear(ws)
            self.append()
            ws.send('{"type":"filter"}')
            ws.send('{"type":"ping"}')
            self.assertEqual(hear(ws)["type"], "pong")
            self.append()
            self.assertEqual(hear(ws)["type"], "batch")

        await self.talk(talk, "?json=true&nodes=7&types=raft,swim&shards=1,2,3")

    async def test_parameters_of_later_versions_are_ignored(self) -> None:
        query = "?json=true&position=abc&state=all&max_kbps=1&max_lag_ms=0&findings=true"
        self.assertEqual((await self.talk(hear, query))["type"], "connected")

    async def test_unknown_and_malformed_messages_are_errors_and_the_connection_stays(self) -> None:
        def talk(ws: ClientConnection) -> None:
            hear(ws)
            for said, code in (
                ("hello", "malformed"), (b"\xc1", "malformed"), ("[]", "malformed"), (b"", "malformed"),
                ("", "malformed"),
                ('{"type":"subscribe"}', "unknown_type"), ("{}", "unknown_type"),
                ('{"type":"filter","types":["Waal"]}', "invalid"),
                (msgpack.packb({"type": "filter", "nodes": "1"}), "invalid"),
            ):  # fmt: skip
                ws.send(said)
                error = hear(ws)
                self.assertEqual((error["type"], error["code"]), ("error", code), said)
            ws.send('{"type":"ping"}')
            self.assertEqual(hear(ws)["type"], "pong")

        await self.talk(talk)

    async def test_the_subprotocol_is_echoed(self) -> None:
        chosen = await self.talk(lambda ws: ws.subprotocol, subprotocols=[SUBPROTOCOL, "bearer.x"])
        self.assertEqual(chosen, "norikv.viz.v1")
        self.assertIsNone(await self.talk(lambda ws: ws.subprotocol))

    async def test_compression_is_declined(self) -> None:
        self.assertEqual(await self.talk(lambda ws: ws.protocol.extensions, compression="deflate"), [])

    async def test_a_large_batch_arrives_whole(self) -> None:
        def talk(ws: ClientConnection) -> None:
            hear(ws)
            self.append(0, 9_999)
            numbers = [event["event"]["data"]["kind"]["ms"] for event in hear(ws)["data"]["events"]]
            self.assertEqual(numbers, list(range(9_999)))

        await self.talk(talk)
        await self.talk(talk, "")

    async def test_what_is_asked_in_pieces_is_one_message(self) -> None:
        def talk(ws: ClientConnection) -> None:
            hear(ws)
            send_raw(ws, Opcode.TEXT, b'{"type"', fin=False)
            send_raw(ws, Opcode.PING, b"between")
            send_raw(ws, Opcode.CONT, b':"pi', fin=False)
            send_raw(ws, Opcode.CONT, b'ng"}')
            self.assertEqual(hear(ws)["type"], "pong")

        await self.talk(talk)

    async def test_a_clients_ping_is_answered_with_its_pong(self) -> None:
        self.assertTrue(await self.talk(lambda ws: ws.ping(b"abc").wait(TIMEOUT_S)))

    async def test_a_client_that_closes_is_answered_and_forgotten(self) -> None:
        gone: Deferred[None] = Deferred()
        original = self.clients.remove

        def remove(client: Any, code: int) -> None:
            original(client, code)
            gone.callback(None)

        self.clients.remove = remove
        await self.talk(lambda ws: (hear(ws), ws.close(4321, "enough")))
        await gone
        self.assertEqual((len(self.clients), dict(self.clients.closes)), (0, {4321: 1}))


class LimitTests(Case):
    """What a client may not send, and what is said then."""

    async def test_64_kib_are_accepted_and_one_byte_more_closes_with_1009(self) -> None:
        def talk(ws: ClientConnection) -> Any:
            hear(ws)
            padding = MAX_CLIENT_MESSAGE_BYTES - len('{"type":"ping","x":""}')
            ws.send('{"type":"ping","x":"%s"}' % ("x" * padding))
            self.assertEqual(hear(ws)["type"], "pong")
            ws.send('{"type":"ping","x":"%s"}' % ("x" * (padding + 1)))
            return close_of(ws)[0]

        self.assertEqual(MAX_CLIENT_MESSAGE_BYTES, 65_536)
        self.assertEqual(await self.talk(talk), 1009)

    async def test_pieces_that_are_too_much_together_close_with_1009(self) -> None:
        def talk(ws: ClientConnection) -> Any:
            hear(ws)
            send_raw(ws, Opcode.TEXT, b"x" * 40_000, fin=False)
            send_raw(ws, Opcode.CONT, b"x" * 40_000, fin=False)
            return close_of(ws)[0]

        self.assertEqual(await self.talk(talk), 1009)

    async def test_text_that_is_no_utf_8_closes_with_1007(self) -> None:
        def talk(ws: ClientConnection) -> Any:
            hear(ws)
            send_raw(ws, Opcode.TEXT, b'{"type":"\xff\xfe"}')
            return close_of(ws)[0]

        self.assertEqual(await self.talk(talk), 1007)

    async def test_what_breaks_the_protocol_closes_with_1002(self) -> None:
        def unmasked(ws: ClientConnection) -> None:
            ws.socket.sendall(Frame(Opcode.TEXT, b"{}").serialize(mask=False))

        def reserved(ws: ClientConnection) -> None:
            right = Frame(Opcode.TEXT, b"{}").serialize(mask=True)
            ws.socket.sendall(bytes([right[0] | 0x40]) + right[1:])

        def stray(ws: ClientConnection) -> None:
            send_raw(ws, Opcode.CONT, b"{}")

        for send in (unmasked, reserved, stray):
            code = await self.talk(lambda ws, send=send: (hear(ws), send(ws), close_of(ws)[0])[2])
            self.assertEqual(code, 1002, send.__name__)

    async def test_no_message_follows_a_close(self) -> None:
        def talk() -> list[int]:
            with self.dial() as raw:
                raw.sendall(UPGRADE % self.port)
                received = raw.makefile("rb")
                skip_head(received)
                opcodes = [read_frame(received)[0]]
                raw.sendall(Frame(Opcode.TEXT, b"x" * (MAX_CLIENT_MESSAGE_BYTES + 1)).serialize(mask=True))
                opcodes.append(read_frame(received)[0])
                self.append()
                for _ in range(3):  # Turns of the reactor, in which clients are woken.
                    blockingCallFromThread(reactor, deferLater, reactor, 0)
                raw.sendall(Frame(Opcode.CLOSE, b"\x03\xef").serialize(mask=True))
                with contextlib.suppress(EOFError, OSError):
                    while True:
                        opcodes.append(read_frame(received)[0])
                return opcodes

        self.assertEqual(await deferToThread(talk), [Opcode.TEXT, Opcode.CLOSE])


UPGRADE = (
    b"GET /ws/events?json=true&state=false HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def skip_head(received: Any) -> None:
    """The status and headers of an answer; raises EOFError where they do not end."""
    while (line := received.readline()) != b"\r\n":
        if not line:
            raise EOFError


def read_frame(received: Any) -> tuple[int, bytes]:
    """Opcode and payload of an unmasked frame; raises EOFError where there is none."""
    head = received.read(2)
    if len(head) < 2:
        raise EOFError
    length = head[1] & 127
    if length >= 126:
        length = int.from_bytes(received.read(2 if length == 126 else 8), "big")
    return head[0] & 15, received.read(length)


class AdmissionTests(Case):
    """Who is let in, told while it is still HTTP."""

    def refusal(self, query: str = "", **options: Any) -> Iterator[Any]:
        try:
            with self.client(query, **options):
                raise AssertionError("it was let in")
        except InvalidStatus as why:
            return why.response

    async def assert_refused(self, status: int, code: str, query: str = "", **options: Any) -> Any:
        response = await deferToThread(self.refusal, query, **options)
        error = json.loads(response.body)["error"]
        self.assertEqual((response.status_code, error["code"]), (status, code))
        self.assertEqual(response.headers["Content-Type"], "application/json")
        return response, error["message"]

    async def test_a_bad_parameter_is_400_by_its_name(self) -> None:
        for query, name in (
            ("?json=maybe", "json"), ("?nodes=1,x", "nodes"), ("?types=raft,waal", "types"), ("?shards=-1", "shards"),
        ):  # fmt: skip
            _, message = await self.assert_refused(400, "parameter", query)
            self.assertTrue(message.startswith(f"{name}: "), message)

    async def test_a_foreign_origin_is_403(self) -> None:
        for origin in ("http://evil.example", "null"):
            await self.assert_refused(403, "origin", origin=origin)
        for origin in ("http://localhost:3000", f"http://127.0.0.1:{self.port}"):
            self.assertEqual((await self.talk(hear, origin=origin))["type"], "connected")

    async def test_a_foreign_host_is_403(self) -> None:
        def run() -> Any:
            with self.dial() as sock:
                try:
                    connect("ws://evil.example/ws/events", sock=sock)
                except InvalidStatus as why:
                    return why.response
            raise AssertionError("it was let in")

        response = await deferToThread(run)
        self.assertEqual((response.status_code, json.loads(response.body)["error"]["code"]), (403, "host"))

    async def test_over_max_clients_it_is_503_and_says_when_to_try_again(self) -> None:
        def run() -> Any:
            with contextlib.ExitStack() as stack:
                people = [stack.enter_context(self.client("?json=true")) for _ in range(self.max_clients)]
                self.assertEqual([hear(ws)["type"] for ws in people], ["connected"] * self.max_clients)
                return self.refusal()

        response = await deferToThread(run)
        self.assertEqual((response.status_code, json.loads(response.body)["error"]["code"]), (503, "max_clients"))
        self.assertGreaterEqual(int(response.headers["Retry-After"]), 1)

    async def test_without_an_upgrade_or_with_half_of_one_it_is_400_in_json(self) -> None:
        whole = UPGRADE % self.port
        lines = whole.split(b"\r\n")

        def without(name: bytes, instead: bytes = b"X: y") -> bytes:
            return b"\r\n".join(instead if line.startswith(name) else line for line in lines)

        def run(raw: bytes) -> tuple[bytes, Any]:
            with self.dial() as sock:
                sock.sendall(raw)
                received = sock.makefile("rb")
                status = received.readline().split()[1]
                length = 0
                while (line := received.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split()[1])
                return status, json.loads(received.read(length))["error"]["code"] if status != b"101" else None

        for raw in (
            without(b"Upgrade:"),
            without(b"Upgrade:", b"Upgrade: h2c"),
            without(b"Connection:"),
            without(b"Sec-WebSocket-Key:"),
            without(b"Sec-WebSocket-Key:", b"Sec-WebSocket-Key: short"),
            without(b"Sec-WebSocket-Version:"),
            without(b"Sec-WebSocket-Version:", b"Sec-WebSocket-Version: 7"),
            without(b"Sec-WebSocket-Version:", b"Sec-WebSocket-Version: x"),
        ):
            self.assertEqual(await deferToThread(run, raw), (b"400", "upgrade"), raw)
        self.assertEqual(await deferToThread(run, whole), (b"101", None))


class FlowTests(Case):
    """Sockets that fill."""

    async def test_a_client_that_takes_nothing_stops_being_sent_and_goes_on_when_it_takes(self) -> None:
        def talk(ws: ClientConnection) -> int:
            hear(ws)
            ws.send('{"type":"pause"}')
            ws.send('{"type":"ping"}')
            self.assertEqual(hear(ws)["type"], "pong")
            for number in range(60):
                self.append(2_000 * number, 2_000)
            ws.send('{"type":"resume","catch_up":true}')
            numbers: list[int] = []
            while len(numbers) < 120_000:
                numbers += [event["event"]["data"]["kind"]["ms"] for event in hear(ws)["data"]["events"]]
            self.assertEqual(numbers, list(range(120_000)))
            return len(numbers)

        await self.talk(talk, max_queue=1)

    async def test_little_is_hidden_in_buffers_of_a_client_that_takes_nothing(self) -> None:
        def stall() -> Any:
            raw = self.dial(receive_buffer_bytes=4_096)
            raw.sendall(UPGRADE % self.port)
            received = raw.makefile("rb")
            skip_head(received)
            return raw, received, read_frame(received)

        raw, received, _ = await deferToThread(stall)
        self.addCleanup(raw.close)
        self.addCleanup(received.close)
        for number in range(190):
            self._append(200 * number, 200)
            for _ in range(2):
                await deferLater(reactor, 0)
        sent_bytes = self.clients.traffic().events * len(fsyncs(1, first=10_000)[0][1])
        self.assertGreater(38_000 * 90, 3 << 20)
        self.assertLess(sent_bytes, 1 << 20, "or a thin stream would be minutes behind before it is known to be slow")

        def catch_up() -> list[int]:
            numbers: list[int] = []
            while len(numbers) < 38_000:
                said = json.loads(read_frame(received)[1])
                numbers += [event["event"]["data"]["kind"]["ms"] for event in said["data"]["events"]]
            return numbers

        self.assertEqual(await deferToThread(catch_up), list(range(38_000)))

    async def test_one_that_is_silent_is_closed_with_4008_and_a_reason(self) -> None:
        def talk(ws: ClientConnection) -> Any:
            hear(ws)
            reactor.callFromThread(self.clock.advance, 61)
            return close_of(ws)

        code, reason = await self.talk(talk)
        self.assertEqual((code, "60 s" in reason), (4008, True))
        self.assertEqual(dict(self.clients.closes), {4008: 1})

    async def test_one_that_answers_pings_is_not(self) -> None:
        def talk(ws: ClientConnection) -> Any:
            hear(ws)
            return self.ping_arrives(ws)

        self.assertEqual((await self.talk(talk))["type"], "batch")

    def ping_arrives(self, ws: ClientConnection) -> Any:
        """The library answers a ping by itself while it receives."""
        for _ in range(3):
            reactor.callFromThread(self.clock.advance, 21)
            reactor.callFromThread(reactor.callLater, 1.1, self._append, 0, 1)
            message = hear(ws)
        return message

    async def test_at_the_end_it_gets_the_rest_and_1001(self) -> None:
        def talk(ws: ClientConnection) -> Any:
            hear(ws)
            self.append()
            reactor.callFromThread(lambda: Deferred.fromCoroutine(self.clients.drain()))
            return hear(ws)["type"], close_of(ws)

        kind, (code, reason) = await self.talk(talk)
        self.assertEqual((kind, code, bool(reason)), ("batch", 1001, True))
        self.assertEqual(dict(self.clients.closes), {1001: 1})


class DeafTests(Case):
    """A client that does not answer a close."""

    def setUp(self) -> None:
        self.patch(websocket_module, "HANDSHAKE_TIMEOUT_S", 1)
        super().setUp()

    async def test_it_is_cut_after_a_while_and_counted_by_the_code_that_was_said(self) -> None:
        def run() -> int:
            with self.dial() as raw:
                raw.sendall(UPGRADE % self.port)
                received = raw.makefile("rb")
                skip_head(received)
                read_frame(received)
                reactor.callFromThread(self.clock.advance, 61)
                opcode, payload = read_frame(received)
                self.assertEqual(opcode, Opcode.CLOSE)
                with contextlib.suppress(ConnectionResetError):
                    self.assertEqual(received.read(), b"", "the end of the connection")
                return int.from_bytes(payload[:2], "big")

        self.assertEqual(await deferToThread(run), 4008)
        while len(self.clients):
            await deferLater(reactor, 0)
        self.assertEqual(dict(self.clients.closes), {4008: 1})
