"""Tests of ``vizd.web.paced``, over a transport that is a string."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import NOT_DONE_YET, Request

from tests.web.wire import Browser, step
from vizd.web.admission import Admission
from vizd.web.paced import Paced
from vizd.web.site import Endpoint, Root
from vizd.web.turns import Turns


class Counting(Endpoint):
    """Writes numbers, one a turn, up to ``END``; tells how many."""

    END = 5

    def __init__(self, turns: Turns) -> None:
        super().__init__(Admission())
        self._turns = turns
        self.written = 0

    def get(self, request: Request) -> int:
        """See ``Endpoint``."""
        Deferred.fromCoroutine(self._write(Paced(request, self._turns)))
        return NOT_DONE_YET

    async def _write(self, paced: Paced) -> None:
        while self.written < self.END:
            await paced.turn()
            paced.write(b"%d " % self.written)
            self.written += 1
        paced.finish(b"end")


class PacedTests(SynchronousTestCase):
    """One body."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.turns = Turns(self.clock)
        self.endpoint = Counting(self.turns)
        root = Root(Admission())
        root.add("/", self.endpoint)
        self.browser = Browser(root, self.clock)
        self.browser.ask("/")
        self.producer: Any = self.browser.transport.producer

    def test_a_part_is_written_each_turn(self) -> None:
        for count in range(1, 6):
            step(self.clock)
            self.assertEqual(self.endpoint.written, count)
        self.assertEqual(self.browser.heard().body, b"0 1 2 3 4 end")

    def test_while_the_socket_is_full_it_takes_no_turn(self) -> None:
        step(self.clock)
        self.producer.pauseProducing()
        step(self.clock)
        written = self.endpoint.written
        for _ in range(5):
            step(self.clock)
        self.assertEqual((self.endpoint.written, self.clock.getDelayedCalls()[1:]), (written, []))
        other: list[None] = []
        self.turns.take().addCallback(other.append)
        step(self.clock)
        self.assertEqual(other, [None], "others have their turns")
        self.producer.resumeProducing()
        self.clock.advance(0)
        self.assertEqual(self.browser.heard().body, b"0 1 2 3 4 end")

    def test_full_and_drained_in_one_turn_is_nothing(self) -> None:
        self.producer.pauseProducing()
        self.producer.pauseProducing()
        self.producer.resumeProducing()
        self.producer.resumeProducing()
        self.clock.advance(0)
        self.assertEqual(self.browser.heard().body, b"0 1 2 3 4 end")
