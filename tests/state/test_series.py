"""Tests of ``vizd.state.series``."""

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.state.series import TIERS, Series, width_kept

FEW = ((1, 20), (5, 100), (10, 400))
"""Tiers, as small as a test likes them."""


def joined(records: Iterable[bytes]) -> bytes:
    return b"".join(records)


def read(series: Series, from_s: int, to_s: int, step_s: int) -> dict[int, bytes]:
    """What each step has, in order."""
    steps: dict[int, bytes] = {}
    for second, record in series.read(from_s, to_s, step_s):
        start_s = second - second % step_s
        steps[start_s] = steps.get(start_s, b"") + record
    return steps


class SeriesTests(SynchronousTestCase):
    """Records, every second and less finely."""

    @settings(deadline=None, max_examples=200)
    @given(
        st.lists(st.tuples(st.integers(0, 9), st.binary(min_size=1, max_size=3), st.booleans()), max_size=80),
        st.sampled_from((1, 2, 5, 10, 15, 20)),
        st.integers(0, 60),
        st.integers(0, 20),
    )
    def test_a_step_has_all_that_was_put_there_whenever_it_was_tended(
        self, puts: list[tuple[int, bytes, bool]], step_s: int, first_step: int, count: int
    ) -> None:
        series, told, second = Series(joined, FEW), [], 0
        for distance, record, tended in puts:
            second += distance
            series.put(second, record)
            told.append((second, record))
            if tended:
                series.tend(second, 0)
        from_s = first_step * step_s
        to_s = from_s + count * step_s
        width_s = max(width for width, _ in FEW if step_s % width == 0)
        kept_s = second - next(keep_s for width, keep_s in FEW if width == width_s)
        right: dict[int, bytes] = {}
        for at, record in told:
            if from_s <= at < to_s:
                right[at - at % step_s] = right.get(at - at % step_s, b"") + record
        found = read(series, from_s, to_s, step_s)
        self.assertEqual(
            {at: record for at, record in found.items() if at > kept_s},
            {at: record for at, record in right.items() if at > kept_s},
        )
        self.assertLessEqual(found.keys(), right.keys())

    def test_what_is_too_old_for_its_tier_or_for_the_log_goes(self) -> None:
        series = Series(joined, FEW)
        for second in range(1_000):
            series.put(second, b"x")
            series.tend(second, 0)
        self.assertEqual(min(read(series, 0, 1_000, 1)), 979)
        self.assertEqual(min(read(series, 0, 1_000, 5)), 900)
        self.assertEqual(min(read(series, 0, 1_000, 10)), 600)
        series.tend(999, 975)
        self.assertEqual((min(read(series, 0, 1_000, 5)), min(read(series, 0, 1_000, 10))), (975, 970))
        series.tend(10**12, 10**12)
        self.assertTrue(series.is_empty)

    def test_records_under_way_to_a_reader_stay(self) -> None:
        series = Series(joined, FEW)
        for second in range(10):
            series.put(second, b"%d" % second)
        reading = series.read(0, 10, 1)
        first = next(reading)
        series.tend(10**6, 10**6)
        self.assertEqual([first, *reading], [(second, b"%d" % second) for second in range(10)])

    def test_too_much_is_shed_from_its_oldest_part(self) -> None:
        series = Series(joined, FEW)
        for second in range(400):
            series.put(second, bytes(50))
            series.tend(second, 0)
        series.shed(10_000)
        self.assertLessEqual(series.memory_bytes, 10_000)
        self.assertEqual(max(read(series, 0, 400, 10)), 390)
        series.shed(0)
        self.assertTrue(series.is_empty)

    def test_what_is_said_to_be_kept_is_kept_for_a_minute_more(self) -> None:
        for finer, (width_s, keep_s) in zip((0, *(width for width, _ in TIERS)), TIERS, strict=False):
            self.assertEqual(width_kept(keep_s - 60), width_s)
            self.assertTrue(not finer or width_s % finer == 0)
        self.assertEqual([width_kept(minutes * 60) for minutes in (0, 5, 15, 60, 1_440)], [1, 1, 5, 10, 60])
        self.assertEqual(width_kept(10**9), 60)
