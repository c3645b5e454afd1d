"""Tests of ``vizd.state.steps``."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.state.series import width_kept
from vizd.state.steps import MAX_STEPS, Steps, steps_of

NOW_S = 1_765_000_123


def usual(minutes: float, step_ms: int | None = None) -> Steps:
    """Of the last minutes."""
    return steps_of(
        int((NOW_S - minutes * 60) * 1_000), NOW_S * 1_000, step_ms, lambda second: width_kept(NOW_S - second)
    )


class StepsTests(SynchronousTestCase):
    """Where they are, how wide and how many."""

    def test_without_a_wish_there_are_some_200_of_a_round_number_of_seconds(self) -> None:
        for minutes, step_s in ((1, 1), (4, 1), (5, 2), (15, 5), (60, 20), (120, 30), (720, 300), (1_440, 600)):
            steps = usual(minutes)
            self.assertEqual(steps.step_s, step_s, minutes)
            self.assertLessEqual(steps.count, 242)

    @given(st.integers(0, 2**64), st.integers(0, 90_000_000), st.none() | st.integers(1, 100_000_000))
    def test_they_cover_the_range_in_multiples_of_themselves(
        self, from_ms: int, length_ms: int, step_ms: int | None
    ) -> None:
        to_ms = from_ms + length_ms
        newest_s = to_ms // 1_000

        def width_at(second: int) -> int:
            return width_kept(newest_s - second)

        try:
            steps = steps_of(from_ms, to_ms, step_ms, width_at)
        except ValueError:
            assert step_ms is not None
            self.assertGreater(length_ms / step_ms, MAX_STEPS - 2)
            return
        self.assertEqual(steps.from_s % steps.step_s, 0)
        self.assertLessEqual(steps.from_s * 1_000, from_ms)
        self.assertLess(from_ms, (steps.from_s + steps.step_s) * 1_000)
        self.assertEqual(steps.step_s % width_at(steps.from_s), 0, "as fine as is kept")
        if length_ms:
            self.assertLess((steps.to_s - steps.step_s) * 1_000, to_ms)
            self.assertLessEqual(to_ms, steps.to_s * 1_000)
        self.assertLessEqual(steps.count, MAX_STEPS)
        if step_ms is not None:
            self.assertGreaterEqual(steps.step_s * 1_000, step_ms)
            self.assertLess(steps.step_s * 1_000, step_ms + 60_000)

    def test_a_step_is_raised_to_a_multiple_of_what_is_kept(self) -> None:
        for minutes, step_ms, step_s in (
            (1, 1, 1), (1, 1_001, 2), (4, 7_000, 7), (15, 1_000, 5), (15, 7_000, 10), (60, 15_000, 20), (600, 1, 60),
        ):  # fmt: skip
            self.assertEqual(usual(minutes, step_ms).step_s, step_s, (minutes, step_ms))

    def test_an_empty_range_has_none(self) -> None:
        self.assertEqual(steps_of(7_500, 7_500, 5_000, lambda _: 1), Steps(5, 5, 0))

    def test_too_many_are_an_error_that_says_what_would_do(self) -> None:
        def width_at(_second: int) -> int:
            return 1

        self.assertEqual(steps_of(0, MAX_STEPS * 1_000, 1_000, width_at).count, MAX_STEPS)
        with self.assertRaises(ValueError) as caught:
            steps_of(0, MAX_STEPS * 1_000 + 1, 1_000, width_at)
        text = str(caught.exception)
        self.assertTrue(text.startswith("step_ms: 1000 makes 3601 steps"), text)
        right = int(text.split("use ")[1].split()[0])
        self.assertLessEqual(steps_of(0, MAX_STEPS * 1_000 + 1, right, width_at).count, MAX_STEPS)
