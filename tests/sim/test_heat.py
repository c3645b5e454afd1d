from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from vizd.sim.heat import SLOTS, Heat


class HeatTests(TestCase):
    @given(seed=st.integers(0, 100), moves=st.integers(0, 20))
    def test_one_slot_is_hottest_and_those_around_it_are_less_hot_the_farther_they_are(
        self, seed: int, moves: int
    ) -> None:
        heat = Heat(Random(seed))
        for _ in range(moves):
            heat.move()
        hottest = max(range(SLOTS), key=heat.of)
        for side in (-1, 1):
            outwards = [heat.of((hottest + side * distance) % SLOTS) for distance in range(SLOTS // 2 + 1)]
            self.assertEqual(outwards, sorted(set(outwards), reverse=True))
            self.assertTrue(outwards[-1] > 0 and outwards[0] < 1)
