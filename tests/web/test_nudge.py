"""Tests of ``vizd.web.nudge``."""

from twisted.internet.task import Clock

from tests.stream.thin_line import StreamCase, heats
from vizd.web.nudge import EVERY_S, Nudge


class NudgeTests(StreamCase):
    """Who is woken when."""

    def setUp(self) -> None:
        super().setUp()
        self.woken = 0
        self.clock = Clock()
        self.nudge = Nudge(self.log, self.streams, self.wake, self.clock)
        self.nudge.startService()
        self.addCleanup(self.nudge.stopService)

    def wake(self) -> None:
        self.woken += 1

    def test_while_something_waits_on_a_silent_cluster_clients_are_woken(self) -> None:
        client = self.client(100)
        self.window(*heats(range(300)))
        heard = client.hear_all()
        while self.streams.are_waiting:
            before = self.woken
            self.clock.pump([EVERY_S] * 2)
            self.pass_time(2_000 * EVERY_S)
            self.assertGreater(self.woken, before)
            heard += client.hear_all()
        self.woken = 0
        self.clock.pump([EVERY_S] * 10)
        self.assertEqual(self.woken, 0, "nothing waits any more")

    def test_while_the_log_grows_it_is_the_log_that_wakes_them(self) -> None:
        self.client(20)
        for _ in range(20):
            self.window(*heats(range(300)))
            self.clock.advance(EVERY_S)
        self.assertEqual(self.woken, 0)

    def test_after_the_end_nobody_is_woken(self) -> None:
        self.client(20)
        self.window(*heats(range(300)))
        self.clients[0].hear_all()
        self.nudge.stopService()
        self.clock.pump([EVERY_S] * 10)
        self.assertEqual((self.woken, self.clock.getDelayedCalls()), (0, []))
