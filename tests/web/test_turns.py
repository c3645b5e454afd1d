"""Tests of ``vizd.web.turns``."""

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.web.wire import step
from vizd.web.turns import Turns


class TurnsTests(SynchronousTestCase):
    """One reader of the past at a time."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.turns = Turns(self.clock)
        self.came: list[str] = []

    def take(self, name: str) -> None:
        self.turns.take().addCallback(lambda _: self.came.append(name))

    def test_each_turn_of_the_reactor_belongs_to_the_one_who_has_waited_longest(self) -> None:
        for name in "abc":
            self.take(name)
        self.assertEqual(self.came, [])
        for right in (["a"], ["a", "b"], ["a", "b", "c"]):
            step(self.clock)
            self.assertEqual(self.came, right)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_whoever_asks_again_waits_behind_the_others(self) -> None:
        def again(_: None) -> None:
            self.came.append("a")
            if self.came.count("a") < 3:
                self.turns.take().addCallback(again)

        self.turns.take().addCallback(again)
        for name in "bc":
            self.take(name)
        self.clock.advance(0)
        self.assertEqual(self.came, ["a", "b", "c", "a", "a"])

    def test_one_that_is_cancelled_has_no_turn_and_takes_none_from_others(self) -> None:
        cancelled = self.turns.take()
        self.take("b")
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        step(self.clock)
        self.assertEqual(self.came, ["b"])

    def test_when_the_only_one_is_cancelled_nothing_is_left_to_do(self) -> None:
        cancelled = self.turns.take()
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.take("b")
        step(self.clock)
        self.assertEqual(self.came, ["b"])
