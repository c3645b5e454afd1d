"""Tests of ``vizd.metrics.histogram``."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.metrics.histogram import BOUNDS_S, Histogram


class HistogramTests(SynchronousTestCase):
    def test_a_bound_is_within_its_bucket(self) -> None:
        histogram = Histogram()
        for duration_s in (0.0, 0.05, 0.050001, 11.0):
            histogram.observe(duration_s)
        counts = dict(histogram.cumulative())
        self.assertEqual((counts["0.001"], counts["0.05"], counts["0.1"]), (1, 2, 3))
        self.assertEqual((counts["10.0"], counts["+Inf"]), (3, 4))
        self.assertAlmostEqual(histogram.sum_s, 11.100001)

    @given(st.lists(st.floats(0, 100), max_size=50))
    def test_each_count_is_of_all_that_did_not_exceed_the_bound(self, durations_s: list[float]) -> None:
        histogram = Histogram()
        for each in durations_s:
            histogram.observe(each)
        *counts, (_, everything) = histogram.cumulative()
        self.assertEqual(
            [count for _, count in counts], [sum(each <= bound for each in durations_s) for bound in BOUNDS_S]
        )
        self.assertEqual(everything, len(durations_s))
