"""Tests of what strangers can't do: floods, dripping, lies about lengths, over real sockets, while a dashboard looks.

``Steady`` is that dashboard: whatever is done to the daemon, each of its windows comes in time.
"""

import contextlib
import resource
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from websockets.frames import Frame, Opcode

from tests.daemon.process import TIMEOUT_S, Daemon, close_of, hear
from tests.web.wire import Browser
from vizd.access.rates import Rates
from vizd.web.admission import Admission
from vizd.web.api import ProbeEndpoint, StatsEndpoint
from vizd.web.channel import MAX_HEADER_BYTES, REQUESTS_PER_TURN
from vizd.web.connections import SPARE
from vizd.web.site import Root
from vizd.web.websocket import FRAMES_AT_ONCE, MAX_PIECES

LATE_S = 1.0
"""A pong may take this long, with a flood on the other of two cores. A tick is 50 ms; undisturbed it is 1 ms."""


class RateTests(SynchronousTestCase):
    """Requests of one address, over a transport that is a string."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.admission = Admission(rates=Rates(2, 5, self.clock.seconds))
        self.root = Root(self.admission)
        self.root.add("/api/stats", StatsEndpoint(self.admission, dict))
        self.root.add("/health", ProbeEndpoint(self.admission, lambda: (200, {})))

    def get(self, path: str = "/api/stats") -> Any:
        return Browser(self.root, self.clock).get(path)

    def test_too_many_are_429_and_say_when_to_try_again(self) -> None:
        self.assertEqual([self.get().status for _ in range(7)], [200] * 5 + [429] * 2)
        answer = self.get()
        self.assertEqual((answer.json["error"]["code"], answer.headers["retry-after"]), ("rate", "1"))
        self.assertEqual(self.admission.refusals, {"rate": 3})
        self.clock.advance(1)
        self.assertEqual([self.get().status for _ in range(3)], [200, 200, 429])

    def test_probes_are_answered_all_the_same(self) -> None:
        self.assertEqual({self.get("/health").status for _ in range(20)}, {200})

    def test_the_connection_ends_and_what_was_asked_behind_is_not_answered(self) -> None:
        for _ in range(5):
            self.get()
        browser = Browser(self.root, self.clock)
        browser.send(b"GET /api/stats HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
        self.assertEqual(browser.transport.value().count(b"HTTP/1.1 "), 1)
        self.assertTrue(browser.transport.is_gone)

    def test_requests_in_one_piece_are_answered_some_a_turn(self) -> None:
        self.admission.rates = Rates(1_000, 1_000, self.clock.seconds)
        browser = Browser(self.root, self.clock)
        browser.send(b"GET /api/stats HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        self.assertLessEqual(browser.transport.value().count(b"HTTP/1.1 200"), REQUESTS_PER_TURN)
        self.clock.pump([0] * 20)
        self.assertEqual(browser.transport.value().count(b"HTTP/1.1 200"), 100)


class Steady:
    """A dashboard that pings all the time, in a thread.

    :ivar slowest_s: of its pongs.
    """

    def __init__(self, daemon: Daemon, **options: Any) -> None:
        self._socket = daemon.watch(**options)
        hear(self._socket)
        self._is_over = False
        self.slowest_s = 0.0
        self.pongs = 0
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._is_over:
            began_s = time.monotonic()
            self._socket.send('{"type":"ping"}')
            while hear(self._socket)["type"] != "pong":
                pass
            self.slowest_s = max(self.slowest_s, time.monotonic() - began_s)
            self.pongs += 1
            time.sleep(0.02)  # 50 a second, below what one client may send.

    def end(self) -> None:
        self._is_over = True
        self._thread.join(TIMEOUT_S)
        self._socket.close()


class StrangerTests(TestCase):
    """A daemon as a user starts it, and strangers."""

    timeout = 150

    @contextlib.contextmanager
    def undisturbed(self, *options: str, **watch: Any) -> Iterator[Daemon]:
        """A daemon; in the end its dashboard has been served in time, it is alive, and its memory is bounded."""
        daemon = Daemon(*options)
        self.addCleanup(daemon.kill)
        before_mb = rss_mb(daemon)
        steady = Steady(daemon, **watch)
        try:
            yield daemon
        finally:
            steady.end()
        self.assertGreater(steady.pongs, 0)
        self.assertLess(steady.slowest_s, LATE_S)
        self.assertLess(rss_mb(daemon) - before_mb, 100)
        self.assertEqual(daemon.get("/health")[0], 200)
        self.assertEqual([line for line in daemon.lines if "Traceback" in line], [])

    def dial(self, daemon: Daemon) -> socket.socket:
        return socket.create_connection(("127.0.0.1", daemon.http_port), TIMEOUT_S)

    def test_wrong_tokens_by_the_thousand_are_told_in_a_line_and_delay_nobody(self) -> None:
        path = Path(self.mktemp()).absolute()
        path.write_text("right\n")
        right = {"Authorization": "Bearer right"}
        with self.undisturbed("--token-file", str(path), additional_headers=right) as daemon:
            request = b"GET /api/stats HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong-%d\r\n\r\n"
            answers = 0
            for number in range(1_000):
                with self.dial(daemon) as raw:
                    raw.sendall(request % number)
                    answers += raw.recv(12) in (b"HTTP/1.1 401", b"HTTP/1.1 429")
            self.assertEqual(answers, 1_000)
            refusals = daemon.get("/api/stats", **right)[1]["refusals"]
            self.assertEqual(refusals["UNAUTHENTICATED"] + refusals["wrong_tokens"], 1_000)
            self.assertLess(sum("wrong token" in line for line in daemon.lines), 5)
            self.assertFalse(daemon.has_said("wrong-1"))

    def test_ten_thousand_idle_sockets_are_pushed_out_and_whoever_asks_is_answered(self) -> None:
        """Where this process may not hold so many, it lets go of the oldest, which the daemon has cut by then."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.enterContext(file_limit(most))
        held: deque[socket.socket] = deque()
        self.addCleanup(lambda: [each.close() for each in held])
        with self.undisturbed("--max-clients", "10") as daemon:
            for count in range(1, 10_001):
                held.append(self.dial(daemon))
                if len(held) > most - 200:
                    held.popleft().close()
                if count % 500 == 0:
                    self.assertEqual(daemon.get("/health")[0], 200, f"with {count} idle ones")
            self.assertLess(descriptors(daemon), SPARE + 10 + 100)
            self.assertGreater(daemon.get("/api/stats")[1]["refusals"]["connections"], 10_000 - SPARE - 100)

    def test_dripping_headers_and_floods_of_them_are_ended(self) -> None:
        def ended(raw: socket.socket) -> bytes:
            heard = b""
            with contextlib.suppress(ConnectionError):
                while received := raw.recv(4_096):
                    heard += received
            return heard

        def send(raw: socket.socket, data: bytes) -> None:
            with contextlib.suppress(ConnectionError):
                raw.sendall(data)

        flood = b"".join(b"X-%d: %s\r\n" % (at, b"y" * 900) for at in range(MAX_HEADER_BYTES // 900 * 2))
        tiny = b"".join(b"a%d:\r\n" % at for at in range(20_000))
        folded = b"X: y\r\n" + b" z\r\n" * 60_000
        with self.undisturbed() as daemon, self.dial(daemon) as dripping:
            dripping.sendall(b"GET / HTTP/1.1\r\nX: ")
            for head in (flood, tiny, folded, b"x" * (3 * MAX_HEADER_BYTES), b"\x00" * 70_000, b"\r\n" * 70_000):
                with self.dial(daemon) as raw:
                    send(raw, b"GET /api/stats HTTP/1.1\r\n" + head)
                    self.assertNotIn(b" 200 ", ended(raw))
            began_s = time.monotonic()
            alive = True
            while alive and time.monotonic() - began_s < TIMEOUT_S:
                try:
                    dripping.sendall(b"y")
                    time.sleep(0.2)
                except ConnectionError:
                    alive = False
            self.assertFalse(alive, "headers that never end")

    def test_queries_and_cookies_that_are_all_marks_cost_little(self) -> None:
        with self.undisturbed() as daemon:
            for head in (b"?" + b"&" * 100_000, b"?" + b";a" * 50_000):
                with self.dial(daemon) as raw:
                    raw.sendall(b"GET /api/stats" + head + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    self.assertEqual(raw.recv(12), b"HTTP/1.1 400")
            with self.dial(daemon) as raw:
                raw.sendall(b"GET /api/stats HTTP/1.1\r\nHost: localhost\r\nCookie: " + b";=" * 50_000 + b"\r\n\r\n")
                self.assertEqual(raw.recv(12), b"HTTP/1.1 200")


class FrameTests(TestCase):
    """Dashboards that send what none should."""

    timeout = 150

    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.kill)

    def close_after(self, send: Callable[[socket.socket], None]) -> int:
        """The code with which the daemon closes a client that sends so."""
        steady = Steady(self.daemon)
        try:
            with self.daemon.watch() as ws:
                hear(ws)
                with contextlib.suppress(OSError):
                    send(ws.socket)
                code = close_of(ws)[1]
        finally:
            steady.end()
        self.assertLess(steady.slowest_s, LATE_S)
        return code

    def test_a_flood_of_frames_of_any_kind_is_closed_with_1008(self) -> None:
        for opcode, payload in ((Opcode.PING, b""), (Opcode.PONG, b"x" * 125), (Opcode.TEXT, b'{"type":"nonsense"}')):
            frame = Frame(opcode, payload).serialize(mask=True)
            self.assertEqual(self.close_after(lambda raw, frame=frame: raw.sendall(frame * FRAMES_AT_ONCE * 2)), 1008)
        self.assertEqual(self.daemon.get("/api/stats")[1]["refusals"]["frames"], 3)

    def test_a_message_in_endless_pieces_is_closed_with_1008(self) -> None:
        first, piece = (Frame(opcode, b"", fin=False).serialize(mask=True) for opcode in (Opcode.TEXT, Opcode.CONT))
        ping = Frame(Opcode.PING, b"between").serialize(mask=True)
        self.assertEqual(self.close_after(lambda raw: raw.sendall(first + piece * MAX_PIECES)), 1008)
        between = first + (piece * 50 + ping) * (MAX_PIECES // 50 + 1)
        self.assertEqual(self.close_after(lambda raw: raw.sendall(between)), 1008)

    def test_lies_about_lengths_are_closed_with_the_code_of_what_is_wrong(self) -> None:
        mask = b"\x00" * 4
        for head, code in (
            (b"\x82\xff" + struct.pack("!Q", 1 << 62), 1009),  # Far more than will come.
            (b"\x82\xff" + struct.pack("!Q", 1 << 63), 1002),  # More than there is.
            (b"\x82\xff" + struct.pack("!Q", 5), 1002),  # Not as short as it could be said.
            (b"\x82\xfe" + struct.pack("!H", 5), 1002),
            (b"\x89\xfe" + struct.pack("!H", 126), 1002),  # A ping may have 125 bytes.
        ):
            self.assertEqual(self.close_after(lambda raw, head=head: raw.sendall(head + mask + b"x" * 99)), code, head)


def rss_mb(daemon: Daemon) -> float:
    """Of the process."""
    pages = int(Path(f"/proc/{daemon.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def descriptors(daemon: Daemon) -> int:
    """That the process has open."""
    return sum(1 for _ in Path(f"/proc/{daemon.process.pid}/fd").iterdir())


@contextlib.contextmanager
def file_limit(count: int) -> Iterator[None]:
    """Let this process have so many open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
