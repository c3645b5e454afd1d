"""Tests of ``vizd.ingest.refusals``."""

from twisted.trial.unittest import SynchronousTestCase

from vizd.ingest.refusals import Refusals
from vizd.log.window import Mark, Publisher


def refused(node: int = 1, incarnation: int = 1) -> Mark:
    return Mark(Publisher(node, "one", incarnation), 1, 0, refused=True)


class RefusalsTests(SynchronousTestCase):
    """The log hears of refused publishers now and then."""

    def setUp(self) -> None:
        self.refusals = Refusals()

    def test_whoever_tries_every_second_is_marked_twice_a_minute(self) -> None:
        marks = [self.refusals.marks(refused(incarnation=ms), ms) for ms in range(0, 60_000, 1_000)]
        self.assertEqual([number for number, each in enumerate(marks) if each], [0, 30])
        self.assertEqual(marks[30], [refused(incarnation=30_000)])

    def test_each_node_has_its_own_turn(self) -> None:
        self.assertEqual([len(self.refusals.marks(refused(node), 0)) for node in (1, 2, 1, 2)], [1, 1, 0, 0])

    def test_a_clock_that_was_set_back_silences_nobody(self) -> None:
        self.refusals.marks(refused(), 10**9)
        self.assertEqual(len(self.refusals.marks(refused(), 0)), 1)
        self.assertEqual(len(self.refusals.marks(refused(), 1_000)), 0)

    def test_what_it_remembers_is_bounded(self) -> None:
        self.patch(Refusals, "MAX_NODES", 3)
        for node in range(10):
            self.refusals.marks(refused(node), 0)
        self.assertEqual([len(self.refusals.marks(refused(node), 1)) for node in (7, 8, 9, 0)], [0, 0, 0, 1])
