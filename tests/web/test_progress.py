"""Tests of ``vizd.web.progress``, on real sockets."""

import socket
import sys

from twisted.trial.unittest import SynchronousTestCase

from vizd.web.progress import taken_bytes


class TakenBytesTests(SynchronousTestCase):
    """What the peer has taken."""

    def setUp(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.ours = socket.create_connection(listening.getsockname(), 10)
            self.theirs, _ = listening.accept()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        self.theirs.settimeout(10)

    def taken(self) -> int:
        taken = taken_bytes(self.ours)
        if not sys.platform.startswith("linux"):
            self.assertIsNone(taken)
            return 0
        assert taken is not None
        return taken

    def test_it_grows_by_what_the_peer_takes_and_stands_still_when_it_takes_nothing(self) -> None:
        self.ours.setblocking(False)
        sent = 0
        while True:
            try:
                sent += self.ours.send(bytes(65_536))
            except BlockingIOError:
                break
        stuck = self.taken()
        self.assertLess(stuck, sent + 2)
        self.assertEqual(self.taken(), stuck)
        received = 0
        while received < sent:
            received += len(self.theirs.recv(1 << 20))
        if sys.platform.startswith("linux"):
            while self.taken() < sent:  # The last acknowledgement may still be on its way.
                pass
            self.assertGreater(self.taken(), stuck)

    def test_where_nobody_says_it_is_not_known(self) -> None:
        one, other = socket.socketpair()
        self.addCleanup(one.close)
        self.addCleanup(other.close)
        self.assertIsNone(taken_bytes(one))
        self.ours.close()
        self.assertIsNone(taken_bytes(self.ours))
