"""Tests of ``vizd.stream.position``."""

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.log.window import START, Position
from vizd.stream.position import position_from_text, position_to_text

EPOCH, OTHER = bytes(range(8)), bytes(8)
U64 = st.integers(0, 2**64 - 1)
POSITIONS = st.builds(Position, U64, U64, st.integers(1, 2**64 - 1) | st.none())
TEXT = position_to_text(EPOCH, Position(7, 1_000, 1_765_000_000_000))


class PositionTextTests(SynchronousTestCase):
    """A place in the log as clients see it."""

    @given(POSITIONS, st.binary(min_size=8, max_size=8))
    def test_it_comes_back_as_it_went(self, position: Position, epoch: bytes) -> None:
        text = position_to_text(epoch, position)
        self.assertTrue(re.fullmatch(r"[A-Za-z0-9._~-]{1,64}", text), text)
        self.assertEqual(position_from_text(epoch, text), position)

    def test_the_beginning_of_the_log_is_one_too(self) -> None:
        self.assertEqual(position_from_text(EPOCH, position_to_text(EPOCH, START)), START)

    def test_one_of_another_log_says_so(self) -> None:
        with self.assertRaisesRegex(ValueError, "another"):
            position_from_text(OTHER, TEXT)

    def test_a_wrong_digit_anywhere_is_noticed(self) -> None:
        for at in range(len(TEXT)):
            for other in "A5_-":
                if other != TEXT[at]:
                    with self.assertRaises(ValueError, msg=f"{other} at {at}"):
                        position_from_text(EPOCH, TEXT[:at] + other + TEXT[at + 1 :])

    @given(st.text(max_size=100))
    def test_any_other_text_is_malformed(self, text: str) -> None:
        with self.assertRaisesRegex(ValueError, "malformed"):
            position_from_text(EPOCH, text)

    def test_nearly_one_is_malformed(self) -> None:
        for text in ("", TEXT[:-1], TEXT + "A", TEXT[:-1] + "=", TEXT[:-1] + "é", " " + TEXT[1:], TEXT + "\n", "0"):
            with self.assertRaisesRegex(ValueError, "malformed"):
                position_from_text(EPOCH, text)
