"""Tests of ``vizd.log.keyframe``."""

from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from vizd.log.keyframe import BEGINNING, Keyframe
from vizd.log.window import START, Position

PLACE = Position(7, 70, 350)


class KeyframeTests(SynchronousTestCase):
    """A state in pieces, made when there is time for them or when they are needed."""

    def setUp(self) -> None:
        self.taken = 0
        self.whole = [b"piece %d " % number * 100 for number in range(10)]
        self.keyframe = Keyframe(PLACE, self.source())

    def source(self) -> Iterator[bytes]:
        for piece in self.whole:
            self.taken += 1
            yield piece

    def test_nothing_is_made_before_it_is_asked_for(self) -> None:
        self.assertEqual((self.taken, self.keyframe.memory_bytes, self.keyframe.position), (0, 0, PLACE))

    def test_so_many_pieces_are_made_as_are_asked_for(self) -> None:
        self.assertTrue(self.keyframe.make(4))
        self.assertEqual(self.taken, 4)
        self.assertTrue(self.keyframe.make(6))
        self.assertFalse(self.keyframe.make(1), "there is no more")
        self.assertFalse(self.keyframe.make(100))
        self.assertEqual((self.taken, list(self.keyframe.pieces())), (10, self.whole))

    def test_it_is_asked_for_before_it_is_whole_and_gives_all_pieces(self) -> None:
        for made in range(11):
            self.taken = 0
            self.keyframe = Keyframe(PLACE, self.source())
            self.keyframe.make(made)
            self.assertEqual(list(self.keyframe.pieces()), self.whole)
            self.assertEqual((self.taken, list(self.keyframe.pieces())), (10, self.whole))

    def test_a_piece_is_made_at_the_step_that_needs_it(self) -> None:
        self.keyframe.make(2)
        pieces = self.keyframe.pieces()
        self.assertEqual([next(pieces) for _ in range(2)], self.whole[:2])
        self.assertEqual(self.taken, 2)
        self.assertEqual((next(pieces), self.taken), (self.whole[2], 3))

    def test_readers_who_are_at_different_places_and_the_log_do_not_disturb_each_other(self) -> None:
        slow, fast = self.keyframe.pieces(), self.keyframe.pieces()
        got = [next(slow)]
        self.assertEqual([next(fast) for _ in range(5)], self.whole[:5])
        self.keyframe.make(2)
        got += [next(slow) for _ in range(8)]
        self.assertEqual([*fast], self.whole[5:])
        self.assertEqual((got + list(slow), self.taken), (self.whole, 10))

    def test_what_it_takes_is_what_was_made_compressed(self) -> None:
        self.keyframe.make(5)
        half_bytes = self.keyframe.memory_bytes
        self.assertGreater(half_bytes, 5 * 41)
        self.assertLess(half_bytes, 5 * 200)
        list(self.keyframe.pieces())
        self.assertAlmostEqual(self.keyframe.memory_bytes, 2 * half_bytes, delta=20)

    def test_the_beginning_of_a_log_has_no_pieces(self) -> None:
        self.assertEqual((BEGINNING.position, list(BEGINNING.pieces()), BEGINNING.memory_bytes), (START, [], 0))
