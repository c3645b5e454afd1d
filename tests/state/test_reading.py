"""Tests of ``vizd.state.reading``."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.state.reading import Reading, merged

READINGS = st.builds(
    Reading,
    st.dictionaries(st.integers(0, 239), st.integers(1, 2**34), max_size=240),
    st.integers(0, 2**32 - 1),
    st.none() | st.floats(width=32, allow_nan=False),
)


class ReadingTests(SynchronousTestCase):
    """Readings as bytes."""

    @given(st.lists(READINGS, max_size=5))
    def test_several_together_are_their_sums_and_highest(self, readings: list[Reading]) -> None:
        whole = Reading()
        whole.add(merged(each.packed() for each in readings))
        numbers = {number for each in readings for number in each.bins}
        self.assertEqual(whole.bins, {each: sum(one.bins.get(each, 0) for one in readings) for each in numbers})
        self.assertEqual(whole.longest_ms, max((each.longest_ms for each in readings), default=0))
        pressures = [each.pressure for each in readings if each.pressure is not None]
        self.assertEqual(whole.pressure, max(pressures, default=None))

    def test_a_percentile_is_never_above_the_longest(self) -> None:
        self.assertEqual(Reading({16 + 8 * 3: 1}, 128).percentiles(50, 99), [128, 128])
