"""Tests of ``vizd.web.gate``, on a clock that is a number."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.web.wire import step
from vizd.web.gate import Gate


class GateTests(SynchronousTestCase):
    """So many a turn."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.gate = Gate(3, self.clock)
        self.done: list[int] = []

    def enter(self, first: int, last: int) -> None:
        for number in range(first, last):
            self.gate.enter(lambda number=number: self.done.append(number))

    def test_the_first_pass_at_once_and_the_others_in_their_order_some_a_turn(self) -> None:
        self.enter(0, 8)
        self.assertEqual(self.done, [0, 1, 2])
        step(self.clock)
        self.assertEqual(self.done, [0, 1, 2, 3, 4, 5])
        self.enter(8, 9)
        self.assertEqual(len(self.done), 6, "it stands behind those that wait")
        step(self.clock)
        self.assertEqual(self.done, list(range(9)))

    def test_whoever_comes_while_nobody_waits_passes(self) -> None:
        for number in range(20):
            self.enter(number, number + 1)
            step(self.clock)
        self.assertEqual(self.done, list(range(20)))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_fault_behind_it_does_not_close_it(self) -> None:
        def fail() -> None:
            raise ValueError

        for _ in range(3):
            self.assertRaises(ValueError, self.gate.enter, fail)
        self.enter(0, 1)
        step(self.clock)
        self.assertEqual(self.done, [0])
