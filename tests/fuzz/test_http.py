"""Requests and frames that no one means, for the HTTP port of a daemon as a user starts it."""

import contextlib
import random
import socket

from twisted.trial.unittest import SynchronousTestCase
from websockets.frames import Opcode

from tests.daemon.process import TIMEOUT_S, Daemon, hear
from tests.fuzz.seeded import mutated, rounds

PATHS = (
    "/", "/health", "/ready", "/metrics", "/api/stats", "/api/history", "/api/state", "/api/coverage", "/api/timeline",
    "/api/insight", "/api/openapi.json", "/api/asyncapi.json", "/ws/events", "/nowhere", "/../etc/passwd", "*", "",
)  # fmt: skip
METHODS = ("GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "NONSENSE", "get")
NAMES = (
    "from", "to", "at", "limit", "types", "nodes", "shards", "step", "position", "json", "state", "max_kbps",
    "max_lag_ms", "findings", "token", "nothing",
)  # fmt: skip
VALUES = (
    "", "0", "1", "-1", "1e9", "18446744073709551615", "18446744073709551616", "nan", "true", "raft", "1,2", ",,",
    "%00", "%ff", "%", "a" * 300, "..", "null", "\u0660",
)  # fmt: skip
HEADERS = (
    ("Accept-Encoding", ("gzip", "gzip;q=0", "*", "br, gzip;q=x")),
    ("Accept", ("application/x-msgpack", "*/*", "text/html;q=2", ",")),
    ("Origin", ("http://localhost", "null", "http://a.example", "://")),
    ("Authorization", ("Bearer", "Bearer x", "Basic eA==", "\xff")),
    ("Upgrade", ("websocket", "h2c", "")),
    ("Connection", ("Upgrade", "close", "keep-alive, x")),
    ("Sec-WebSocket-Version", ("13", "8", "x")),
    ("Sec-WebSocket-Key", ("dGhlIHNhbXBsZSBub25jZQ==", "x", "")),
    ("Sec-WebSocket-Protocol", ("x", "bearer.x", ",")),
    ("Content-Length", ("0", "5", "-1", "99999999999999999999", "1, 2")),
    ("Transfer-Encoding", ("chunked", "gzip, chunked", "x")),
    ("Range", ("bytes=0-1", "bytes=9-1")),
    ("If-None-Match", ("*", '"x"')),
    ("Expect", ("100-continue",)),
    ("Cookie", ("a=b", "=;=", "\x01")),
)
HANDSHAKE = (
    b"GET /ws/events?json=true HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
MESSAGES = (
    b'{"type":"ping"}', b'{"type":"filter","nodes":[1]}', b'{"type":"history","from_ms":0,"to_ms":9}',
    b'{"type":"pause"}', b'{"type":"resume","catch_up":true}', b"{", b"\xff\xfe",
)  # fmt: skip
OPCODES = (Opcode.TEXT, Opcode.TEXT, Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG, Opcode.CONT, Opcode.CLOSE)


def request(choose: random.Random) -> bytes:
    """One that is well-formed on the whole, and asks what it likes."""
    query = "&".join(f"{choose.choice(NAMES)}={choose.choice(VALUES)}" for _ in range(choose.randint(0, 4)))
    target = choose.choice(PATHS) + (f"?{query}" if query else "")
    lines = [
        f"{choose.choice(METHODS)} {target} HTTP/1.1",
        "Host: " + choose.choice(("localhost", "localhost", "x", "")),
    ]
    lines += [f"{name}: {choose.choice(values)}" for name, values in choose.sample(HEADERS, choose.randint(0, 4))]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def frames(choose: random.Random) -> bytes:
    """Some that a client sends, finished or not, all under the mask of zeros."""
    said = b""
    for _ in range(choose.randint(1, 6)):
        opcode, payload = choose.choice(OPCODES), choose.choice(MESSAGES)
        is_last = choose.random() < 0.8
        said += bytes((is_last << 7 | opcode, 0x80 | len(payload))) + bytes(4) + payload
    return said


class HttpTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.daemon = Daemon("--coalesce-ms", "10")
        self.addCleanup(self.daemon.kill)

    def said_to(self, raw: bytes, after: bytes | None = None) -> bytes:
        """All that comes back when nothing follows; the daemon must end the connection by itself.

        :param after: is sent when the head of an answer has come.
        """
        with socket.create_connection(("127.0.0.1", self.daemon.http_port), TIMEOUT_S) as peer:
            heard = b""
            with contextlib.suppress(ConnectionError):
                peer.sendall(raw)
                while after is not None and b"\r\n\r\n" not in heard:
                    heard += (received := peer.recv(1 << 16))
                    if not received:
                        return heard
                peer.sendall(after or b"")
                with contextlib.suppress(OSError):  # It has closed it already.
                    peer.shutdown(socket.SHUT_WR)
                while received := peer.recv(1 << 16):
                    heard += received
            return heard

    def assert_well(self) -> None:
        """It serves whoever comes next, and has nothing to complain of."""
        self.assertEqual(self.daemon.get("/health")[0], 200)
        with self.daemon.watch() as dashboard:
            self.assertEqual(hear(dashboard)["type"], "connected")
        wrong = [line for line in self.daemon.lines if "Traceback" in line or "Unhandled" in line or " error " in line]
        self.assertEqual(wrong, [])

    def test_every_request_is_answered_or_closed_and_none_is_a_500(self) -> None:
        statuses: set[bytes] = set()
        for where, choose in rounds():
            raw = request(choose)
            heard = self.said_to(mutated(raw, choose) if choose.random() < 0.5 else raw)
            self.assertTrue(not heard or heard.startswith(b"HTTP/1.1 "), f"{where}: {heard[:200]!r}")
            self.assertNotEqual(heard[9:12], b"500", f"{where}: {raw!r}")
            statuses.add(heard[9:12])
        self.assertLessEqual({b"200", b"400", b"404", b"405"}, statuses)
        self.assert_well()

    def test_frames_of_any_shape_are_answered_or_the_connection_is_closed(self) -> None:
        connected = 0
        for where, choose in rounds():
            raw = frames(choose)
            heard = self.said_to(HANDSHAKE, mutated(raw, choose) if choose.random() < 0.8 else raw)
            self.assertTrue(heard.startswith(b"HTTP/1.1 101 "), f"{where}: {heard[:200]!r}")
            connected += b'"type":"connected"' in heard
        self.assertGreater(connected, 0)
        self.daemon.wait_for_stats(lambda stats: stats["connected_clients"] == 0)
        self.assert_well()
