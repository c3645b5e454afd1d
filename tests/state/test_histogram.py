"""Tests of ``vizd.state.histogram``."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.state.histogram import BINS, ERROR, bin_of, middle_of, percentiles

U32 = st.integers(0, 2**32 - 1) | st.integers(0, 300) | st.integers(0, 31).map(lambda bit: 1 << bit)


def nearest_rank(values: list[int], percent: int) -> int:
    """By definition: the least that at least ``percent`` of all do not exceed."""
    return next(each for each in sorted(values) if sum(one <= each for one in values) * 100 >= percent * len(values))


class HistogramTests(SynchronousTestCase):
    """Bins, and percentiles of what is in them."""

    def test_a_bin_is_a_byte_and_the_last_is_for_the_longest(self) -> None:
        self.assertEqual((BINS, bin_of(2**32 - 1), bin_of(0)), (240, 239, 0))

    def test_below_16_ms_it_is_exact(self) -> None:
        self.assertEqual([middle_of(bin_of(ms)) for ms in range(16)], list(range(16)))

    @given(U32, U32)
    def test_a_bins_middle_is_near_whatever_is_in_it_and_bins_are_in_order(self, one: int, other: int) -> None:
        self.assertLessEqual(abs(middle_of(bin_of(one)) - one), one * ERROR)
        low, high = sorted((one, other))
        self.assertLessEqual(bin_of(low), bin_of(high))
        self.assertEqual(bin_of(middle_of(bin_of(one))), bin_of(one))

    @settings(deadline=None)
    @given(st.lists(U32, min_size=1, max_size=60), st.lists(st.integers(1, 100), max_size=4))
    def test_a_percentile_is_within_the_error_bound(self, values: list[int], percents: list[int]) -> None:
        for percent, found in zip(percents, percentiles(Counter(map(bin_of, values)), percents), strict=True):
            right = nearest_rank(values, percent)
            self.assertLessEqual(abs(found - right), right * ERROR)
