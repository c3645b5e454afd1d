"""Tests of ``vizd.readiness``: what a supervisor hears, over real sockets."""

import contextlib
import os
import secrets
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import Daemon
from vizd.readiness import Readiness

PATIENCE_S = 20
LINES = "READY=1\nSTATUS=HTTP on {http}, gRPC on {grpc}"


@contextlib.contextmanager
def supervisor(address: str) -> Iterator[socket.socket]:
    """Listens as systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(address.replace("@", "\0", 1))
        sock.settimeout(PATIENCE_S)
        yield sock


def heard(sock: socket.socket) -> list[str]:
    """All that has been said so far."""
    said = []
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            said.append(sock.recv(4096).decode())
    sock.settimeout(PATIENCE_S)
    return said


def abstract() -> str:
    return "@vizd-test-" + secrets.token_hex(8)


class Spoken(SynchronousTestCase):
    """One that is told what to say."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.address = abstract()
        self.sock = self.enterContext(supervisor(self.address))

    def readiness(self, **variables: str) -> Readiness:
        return Readiness({"NOTIFY_SOCKET": self.address} | variables, self.clock)

    def test_it_is_ready_once_and_stops_once(self) -> None:
        readiness = self.readiness()
        self.assertEqual(heard(self.sock), [])
        readiness.ready("at your service", lambda: True)
        self.clock.advance(3_600)
        self.assertEqual(heard(self.sock), ["READY=1\nSTATUS=at your service"])
        readiness.stopping()
        self.assertEqual(heard(self.sock), ["STOPPING=1\nSTATUS=draining"])

    def test_a_watchdog_gets_a_sign_three_times_in_its_patience_until_the_drain(self) -> None:
        readiness = self.readiness(WATCHDOG_USEC="30000000", WATCHDOG_PID=str(os.getpid()))
        readiness.ready("", lambda: True)
        heard(self.sock)
        self.clock.pump([1] * 30)
        self.assertEqual(heard(self.sock), ["WATCHDOG=1"] * 3)
        readiness.stopping()
        heard(self.sock)
        self.clock.pump([1] * 30)
        self.assertEqual(heard(self.sock), [])

    def test_one_that_is_not_well_gives_no_sign_until_it_is_again(self) -> None:
        well = [False]
        readiness = self.readiness(WATCHDOG_USEC="3000000")
        readiness.ready("", lambda: well[0])
        heard(self.sock)
        self.clock.pump([1] * 5)
        self.assertEqual(heard(self.sock), [])
        well[0] = True
        self.clock.pump([1] * 2)
        self.assertEqual(heard(self.sock), ["WATCHDOG=1"] * 2)

    def test_the_watchdog_of_another_process_or_one_that_is_no_number_gets_none(self) -> None:
        for variables in (
            {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid() + 1)},
            {"WATCHDOG_USEC": "0"},
            {"WATCHDOG_USEC": "-1"},
            {"WATCHDOG_USEC": "soon"},
            {},
        ):
            self.assertIsNone(self.readiness(**variables).watchdog_s, variables)
        self.assertEqual(self.readiness(WATCHDOG_USEC="1500000").watchdog_s, 1.5)

    def test_a_supervisor_that_is_gone_or_never_was_stops_nothing(self) -> None:
        self.sock.close()
        for address in (self.address, "/no/such/socket", "x" * 500, ""):
            readiness = Readiness({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"}, self.clock)
            readiness.ready("", lambda: True)
            self.clock.pump([1] * 3)
            readiness.stopping()

    def test_one_that_takes_nothing_is_not_waited_for(self) -> None:
        readiness = self.readiness(WATCHDOG_USEC="3")
        readiness.ready("", lambda: True)
        self.clock.pump([0.1] * 2_000)  # More than any queue of datagrams holds.
        readiness.stopping()


class OfADaemon(SynchronousTestCase):
    """A real one, as a supervisor starts it."""

    def life_at(self, address: str) -> None:
        with supervisor(address) as sock:
            daemon = Daemon(NOTIFY_SOCKET=address, WATCHDOG_USEC="300000")
            self.addCleanup(daemon.kill)
            self.assertEqual(sock.recv(4096).decode(), LINES.format(http=daemon.http_port, grpc=daemon.grpc_port))
            for port in (daemon.http_port, daemon.grpc_port):
                socket.create_connection(("127.0.0.1", port), PATIENCE_S).close()
            self.assertEqual([sock.recv(4096) for _ in range(3)], [b"WATCHDOG=1"] * 3)
            self.assertEqual(daemon.end(signal.SIGTERM), 0)
            said = heard(sock)
            self.assertEqual([each for each in said if each != "WATCHDOG=1"], ["STOPPING=1\nSTATUS=draining"])
            self.assertEqual(said[-1], "STOPPING=1\nSTATUS=draining")

    def test_its_ports_are_open_when_it_is_ready_and_its_drain_is_told_on_a_socket_with_a_path(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            self.life_at(str(Path(place, "notify")))

    def test_its_ports_are_open_when_it_is_ready_and_its_drain_is_told_on_an_abstract_socket(self) -> None:
        self.life_at(abstract())
