"""Tests of ``vizd.state.changes``."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.state.changes import Changes

NOTED = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=40)
"""Seconds since the one before, state."""


def noted(steps: list[tuple[int, int]]) -> tuple[Changes, list[tuple[int, int]]]:
    changes, told, second = Changes(), [], 0
    for distance, state in steps:
        second += distance
        changes.note(second, state)
        told.append((second, state))
    return changes, told


class ChangesTests(SynchronousTestCase):
    """The state at the end of each step."""

    @settings(deadline=None)
    @given(NOTED, st.integers(0, 60), st.integers(1, 7), st.integers(0, 30), st.integers(0, 60))
    def test_it_is_the_newest_said_before_the_end(
        self, steps: list[tuple[int, int]], from_s: int, step_s: int, count: int, trimmed_s: int
    ) -> None:
        changes, told = noted(steps)
        ends = [from_s + step_s * (number + 1) for number in range(count)]
        right = [next((state for second, state in reversed(told) if second < end), None) for end in ends]
        self.assertEqual(changes.at_ends(from_s, step_s, count), right)
        changes.trim(trimmed_s)
        after = [(at, state) for at, state in zip(ends, right, strict=True) if at > trimmed_s]
        kept = dict(zip(ends, changes.at_ends(from_s, step_s, count), strict=True))
        self.assertEqual([(at, kept[at]) for at, _ in after], after)
        if told:
            self.assertEqual(changes.newest and changes.newest[1], told[-1][1])

    def test_before_anything_was_said_there_is_no_state(self) -> None:
        self.assertEqual((Changes().newest, Changes().at_ends(0, 1, 3)), (None, [None] * 3))

    def test_there_are_never_too_many_and_the_newest_half_is_exact(self) -> None:
        changes = Changes()
        for second in range(10_000):
            changes.note(second, second % 2)
        exact = 10_000 - Changes.MAX // 2
        self.assertEqual(changes.at_ends(exact, 1, 10_000 - exact), [at % 2 for at in range(exact, 10_000)])
        self.assertEqual(changes.newest, (9_999, 1))
        changes.trim(0)
        self.assertIsNotNone(changes.at_ends(0, 1, 1)[0])
