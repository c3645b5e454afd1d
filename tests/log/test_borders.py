"""Tests of ``vizd.log.borders``."""

from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from vizd.log.borders import PIECES_PER_APPEND, Borders
from vizd.log.segment import Segment
from vizd.log.window import START, Position

HOUR_MS = 3_600_000


def behind(seq: int, end_ms: int | None = None) -> Position:
    return Position(seq, 10 * seq, 50 * seq if end_ms is None else end_ms)


class Filled(Segment):
    """A segment as full as the test says."""

    def __init__(self, is_full: bool) -> None:
        super().__init__()
        self._is_full = is_full

    def is_full(self, max_bytes: int) -> bool:
        return self._is_full


class Case(SynchronousTestCase):
    """Borders of a log whose folds' state is so many pieces.

    :ivar asked: how many keyframes were begun. :ivar taken: how many pieces were made.
    """

    pieces = 10

    def setUp(self) -> None:
        self.asked = self.taken = 0
        self.borders = Borders(self.keyframe, 1_000)

    def keyframe(self) -> Iterator[bytes]:
        self.asked += 1
        return self.made(self.asked)

    def made(self, number: int) -> Iterator[bytes]:
        for each in range(self.pieces):
            self.taken += 1
            yield b"%d of %d" % (each, number)

    def begin_first(self) -> None:
        """The segment that every log begins with."""
        segment = self.borders.begin(START)
        assert segment is not None and segment.keyframe is not None
        self.assertEqual(segment.keyframe.position, START)


class DrawTests(Case):
    """When one is drawn."""

    pieces = 0

    def drawn(self, *heads: Position, current: Segment | None = None) -> list[int]:
        """At which of these heads there is a border now, besides the beginning."""
        for head in heads:
            self.borders.draw(head, current)
        return [keyframe.position.seq for keyframe in self.borders.ahead if keyframe.position.seq]

    def test_there_is_one_at_the_beginning(self) -> None:
        self.assertEqual([keyframe.position for keyframe in self.borders.ahead], [START])
        self.assertEqual(self.drawn(START, START), [])

    def test_one_is_drawn_a_minute_of_the_log_after_the_one_before(self) -> None:
        heads = [behind(1, 5_000), behind(2, 64_999), behind(3, 65_000), behind(4, 124_999), behind(5, 125_100)]
        self.assertEqual(self.drawn(START, *heads), [3, 5])
        self.assertEqual((Segment.MAX_AGE_MS, self.asked), (60_000, 2))

    def test_after_a_jump_of_the_clock_one_is_drawn_and_not_one_for_each_minute(self) -> None:
        self.assertEqual(self.drawn(behind(1), behind(2, HOUR_MS), behind(3, HOUR_MS + 50)), [2])

    def test_one_is_drawn_when_the_segment_that_is_filled_is_full(self) -> None:
        self.begin_first()
        self.assertEqual(self.drawn(behind(1), behind(2), current=Filled(False)), [])
        self.assertEqual(self.drawn(behind(3), current=Filled(True)), [3])

    def test_but_not_while_there_is_one_that_sealing_has_not_come_to(self) -> None:
        self.begin_first()
        self.assertEqual(self.drawn(behind(1), behind(2), behind(3), current=Filled(True)), [1])
        self.assertIsNotNone(self.borders.begin(behind(1)))
        self.assertEqual(self.drawn(behind(4), behind(5), current=Filled(True)), [4])

    def test_one_that_was_drawn_for_its_size_puts_off_the_next_by_age(self) -> None:
        self.begin_first()
        self.drawn(behind(1, 50))
        self.assertEqual(self.drawn(behind(2, 30_000), current=Filled(True)), [2])
        self.borders.begin(behind(2))
        self.assertEqual(self.drawn(behind(3, 60_050), behind(4, 89_999), behind(5, 90_000)), [5])

    def test_full_is_by_the_bound_of_one_segment(self) -> None:
        class Asked(Segment):
            def is_full(self, max_bytes: int) -> bool:
                return max_bytes == 1_000

        self.begin_first()
        self.assertEqual(self.drawn(behind(1), current=Asked()), [1])


class PieceTests(Case):
    """Keyframes are made a little at each append."""

    def test_no_append_makes_more_than_a_few(self) -> None:
        self.borders.draw(behind(1), None)
        self.borders.draw(behind(2, HOUR_MS), None)
        self.assertEqual(self.taken, 0)
        for right in (4, 8, 10, 10):
            self.borders.draw(behind(3, HOUR_MS), None)
            self.assertEqual(self.taken, right)
        self.assertEqual(PIECES_PER_APPEND, 4)

    def test_none_is_drawn_while_one_is_unfinished_so_they_never_pile_up(self) -> None:
        self.pieces = 100
        self.borders.draw(behind(1), None)
        for number in range(2, 200):
            self.borders.draw(behind(number, HOUR_MS * number), None)
            unfinished = sum(not each.is_made for each in self.borders.ahead if each.position.seq)
            self.assertLessEqual(unfinished, 1)
            self.assertLessEqual(self.taken, PIECES_PER_APPEND * (number - 2))
        drawn = [each for each in self.borders.ahead if each.position.seq]
        self.assertEqual(len(drawn), -(-198 // (100 // PIECES_PER_APPEND + 1)))
        self.assertEqual(list(drawn[1].pieces()), [b"%d of 2" % each for each in range(100)])

    def test_one_that_sealing_has_taken_is_finished_all_the_same(self) -> None:
        self.borders.draw(behind(1), None)
        self.borders.draw(behind(2, HOUR_MS), None)
        self.assertIsNotNone(self.borders.begin(behind(2)))
        for _ in range(4):
            self.borders.draw(behind(3, HOUR_MS), None)
        self.assertEqual(self.taken, 10)

    def test_what_those_ahead_take_is_counted_and_what_was_handed_out_is_not(self) -> None:
        self.borders.draw(behind(1), None)
        self.borders.draw(behind(2, HOUR_MS), None)
        self.assertEqual(self.borders.memory_bytes, 0)
        self.borders.draw(behind(3, HOUR_MS), None)
        self.assertGreater(self.borders.memory_bytes, 4 * 41)
        segment = self.borders.begin(behind(2))
        assert segment is not None
        self.assertEqual(self.borders.memory_bytes, 0)
        self.assertGreater(segment.own_bytes, 4 * 41)


class BeginTests(Case):
    """Where a segment begins."""

    def setUp(self) -> None:
        super().setUp()
        self.borders.draw(behind(1), None)
        self.borders.draw(behind(5, HOUR_MS), None)
        while any(not each.is_made for each in self.borders.ahead if each.position.seq):
            self.borders.draw(behind(6, HOUR_MS), None)
        self.borders.draw(behind(9, 2 * HOUR_MS), None)

    def test_a_block_ends_at_the_next_border_at_the_latest(self) -> None:
        tails = (START, behind(1), behind(4), behind(5), behind(8), behind(9), behind(30))
        self.assertEqual([self.borders.room(tail) for tail in tails], [5, 4, 1, 4, 1, None, None])

    def test_a_segment_begins_at_each_border_with_its_keyframe_and_nowhere_else(self) -> None:
        begun = {}
        for seq in range(12):
            segment = self.borders.begin(behind(seq) if seq else START)
            if segment:
                assert segment.keyframe is not None
                begun[seq] = list(segment.keyframe.pieces())
        whole = [[b"%d of %d" % (each, number) for each in range(10)] for number in (1, 2)]
        self.assertEqual(begun, {0: [], 5: whole[0], 9: whole[1]})
        self.assertEqual(list(self.borders.ahead), [])

    def test_borders_that_were_trimmed_away_before_they_were_sealed_are_forgotten(self) -> None:
        self.assertIsNone(self.borders.begin(behind(7)))
        self.assertEqual([keyframe.position.seq for keyframe in self.borders.ahead], [9])
        self.assertIsNotNone(self.borders.begin(behind(9)))
