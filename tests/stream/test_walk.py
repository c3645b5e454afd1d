"""Tests of ``vizd.stream.walk``."""

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.made import Made, draft, followed, made, memory_log
from vizd.stream import walk as walk_module
from vizd.stream.filter import Filter
from vizd.stream.walk import Walk

EVERYTHING = 2**63


class WalkTests(SynchronousTestCase):
    """Over the state of a small cluster."""

    def setUp(self) -> None:
        self.log = memory_log()
        self.projection = followed(self.log)

    def append(self, *events: Made) -> None:
        self.log.append(draft(self.log.head.end_ms or 1_000, events))

    def walk(self, most: int = EVERYTHING, newer_than_ms: int | None = None, **limits: list[int]) -> Walk:
        return Walk(self.projection.view(), Filter.of(**limits), most, newer_than_ms)

    def heats(self, count: int, first: int = 0, node: int = 1) -> list[Made]:
        return [made("SlotHeat", node=node, slot=slot) for slot in range(first, first + count)]

    def through(self, walk: Walk) -> list[bytes]:
        """All that it finds."""
        while not walk.is_read:
            walk.look(EVERYTHING)
        return list(walk.fragments)

    def test_transitions_come_first_then_phases_then_gauges_the_newest_first_in_each(self) -> None:
        events = [made("Wal.Fsync"), made("Swim.Alive", node=1), made("Lsm.L0Stall"), made("Swim.Alive", node=2),
                  made("Cache", name="x"), made("Raft.VoteReq")]  # fmt: skip
        self.append(*events)
        right = [events[at][1] for at in (3, 1, 2, 4, 0)]
        self.assertEqual(self.through(self.walk()), right)

    def test_it_looks_until_there_is_enough(self) -> None:
        for first in range(0, 4_000, 1_000):
            self.append(*self.heats(1_000, first))
        walk = self.walk()
        walk.look(10)
        self.assertTrue(10 <= len(walk) < 2_000, len(walk))
        self.assertFalse(walk.is_read)

    def test_or_as_many_as_a_turn_has_time_for(self) -> None:
        self.patch(walk_module, "LOOKED_AT_PER_TURN", 600)
        for first in range(0, 4_000, 1_000):
            self.append(*self.heats(1_000, first))
        walk = self.walk(nodes=[7])
        walk.look(10)
        self.assertEqual((len(walk), walk.is_read), (0, False), "it comes back though it has found nothing")
        self.assertEqual((self.through(walk), walk.is_truncated), ([], False))

    def test_what_was_taken_does_not_come_again(self) -> None:
        self.append(*self.heats(5))
        walk = self.walk()
        walk.look(EVERYTHING)
        (_, first), (_, rest) = walk.take(2), walk.take(99)
        self.assertEqual([*first, *rest], [text for _, text in reversed(self.heats(5))])
        self.assertEqual((len(walk), list(walk.take(1)[1])), (0, []))

    def test_only_what_the_filter_lets_pass_is_found(self) -> None:
        self.append(*self.heats(3, node=1), *self.heats(2, node=2))
        self.assertEqual(self.through(self.walk(nodes=[2])), [text for _, text in reversed(self.heats(2, node=2))])

    def test_it_finds_no_more_than_asked_and_says_so_if_there_was_more(self) -> None:
        self.append(*self.heats(5))
        for most, is_truncated in ((4, True), (5, False), (6, False)):
            walk = self.walk(most)
            self.assertEqual((len(self.through(walk)), walk.is_truncated), (min(most, 5), is_truncated))

    def test_only_what_came_later_is_found_where_that_is_asked(self) -> None:
        self.append(*self.heats(3))
        before_ms = self.log.head.end_ms
        self.append(*self.heats(2, 1))
        self.assertEqual(len(self.through(self.walk(newer_than_ms=before_ms))), 2)
        self.assertEqual(self.through(self.walk(newer_than_ms=self.log.head.end_ms)), [])

    def test_of_what_was_found_one_may_keep_a_part(self) -> None:
        self.append(*self.heats(6))
        walk = self.walk()
        self.through(walk)
        walk.keep(lambda _, text: b'"slot":3' in text or b'"slot":4' in text)
        self.assertEqual(list(walk.take(9)[1]), [text for _, text in reversed(self.heats(2, 3))])

    def test_it_is_of_its_view_whatever_happens_meanwhile(self) -> None:
        self.append(*self.heats(3))
        walk = self.walk()
        self.append(*self.heats(10))
        self.assertEqual(len(self.through(walk)), 3)
