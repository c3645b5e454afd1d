from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from vizd.sim.pace import Pace


class PaceTests(TestCase):
    def test_in_a_busy_cluster_each_engine_flushes_twice_a_minute(self) -> None:
        self.assertEqual(Pace.of(engines=60, shards=20, rate=50_000).cycle_ms, 500)

    @given(engines=st.integers(1, 30_000), rate=st.integers(10, 50_000))
    def test_rare_things_take_less_than_half_of_the_rate(self, engines: int, rate: int) -> None:
        pace = Pace.of(engines, max(1, engines // 3), rate)
        a_second = 18_000 / pace.cycle_ms + 5_000 / pace.transfer_ms + 4_000 / pace.move_ms
        self.assertLess(a_second, 0.5 * rate)
