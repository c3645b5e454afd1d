from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from vizd.client.backoff import Backoff


class BackoffTests(TestCase):
    @given(seed=st.integers(), tries=st.integers(1, 20))
    def test_each_delay_is_between_half_and_all_of_a_bound_that_doubles(self, seed: int, tries: int) -> None:
        backoff = Backoff(0.1, 5, Random(seed))
        for each in range(tries):
            bound_s = min(5, 0.1 * 2**each)
            delay_s = backoff.next_s()
            self.assertLessEqual(delay_s, bound_s)
            self.assertGreaterEqual(delay_s, bound_s / 2)

    def test_it_begins_anew_after_a_success_and_jumps_to_the_end_when_told(self) -> None:
        backoff = Backoff(0.1, 5, Random(1))
        backoff.slow_down()
        self.assertGreaterEqual(backoff.next_s(), 2.5)
        backoff.reset()
        self.assertLessEqual(backoff.next_s(), 0.1)

    def test_bounds_that_make_no_sense_are_refused(self) -> None:
        for first_s, longest_s in ((0, 1), (2, 1)):
            with self.assertRaisesRegex(ValueError, "0 < first <= longest is needed"):
                Backoff(first_s, longest_s, Random(1))
