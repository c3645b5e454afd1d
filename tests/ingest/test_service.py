"""The gRPC side as a service of the reactor."""

import socket
import threading

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.ingest.harness import NOW_MS, PATIENCE_S, Node
from tests.log.drafts import draft, mark
from vizd.ingest.inbox import Inbox
from vizd.ingest.registry import Registry
from vizd.ingest.service import Ingest
from vizd.log.window import Publisher, Window


def can_connect(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
    except ConnectionRefusedError:
        return False
    return True


class IngestTests(TestCase):
    timeout = PATIENCE_S

    def ingest(self, port: int = 0) -> Ingest:
        self.inbox = Inbox()
        return Ingest(Registry(), self.inbox, ["127.0.0.1"], port, reactor, lambda: NOW_MS)

    async def end(self, ingest: Ingest) -> None:
        await ingest.stop_reading()
        await ingest.finish()

    async def test_it_listens_while_it_runs_and_says_where(self) -> None:
        ingest = self.ingest()
        self.assertFalse(ingest.is_listening)
        ingest.startService()
        self.assertTrue(ingest.is_listening)
        self.assertTrue(can_connect(ingest.port))
        await ingest.stop_reading()
        self.assertFalse(ingest.is_listening)
        await ingest.finish()
        self.assertFalse(can_connect(ingest.port))

    async def test_nothing_of_grpc_runs_before_it_starts(self) -> None:
        before = set(threading.enumerate())
        ingest = self.ingest()
        ingest.stored(Window(1, 0, "here", draft(), 0))
        await self.end(ingest)
        new = {thread.name for thread in set(threading.enumerate()) - before}
        self.assertNotIn("grpc", new)

    async def test_a_port_that_can_not_be_had_is_an_os_error_and_nothing_is_left_to_stop(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            ingest = self.ingest(stranger.getsockname()[1])
            self.assertRaises(OSError, ingest.startService)
            self.assertFalse(ingest.is_listening)
            await self.end(ingest)

    async def test_a_window_of_the_log_is_acked_to_those_who_sent_it(self) -> None:
        ingest = self.ingest()
        ingest.startService()
        node = Node(ingest.port)
        self.addCleanup(node.close)
        node.hello()
        node.send(3)
        while self.inbox.events < 4:  # The connect counts as one.
            await deferLater(reactor, 0.005)
        ingest.stored(Window(1, 0, "here", draft(marks=[mark(3, 3, Publisher(1, "one", 0xA))]), 0))
        await deferLater(reactor, 0)
        self.assertEqual(node.ack().stored_through, 3)
        node.no_more()
        await self.end(ingest)
