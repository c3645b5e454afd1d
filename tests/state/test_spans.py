"""Tests of ``vizd.state.spans``."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.state.spans import Span, Spans, adjacent_joined

U64_MAX = 2**64 - 1

SPANS = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5), st.integers(0, 9)), max_size=40)
"""Distance to the one before, length, events."""


def placed(shapes: list[tuple[int, int, int]]) -> list[Span]:
    spans, at = [], 0
    for distance, length, events in shapes:
        spans.append((at + distance, at + distance + length, events))
        at += distance + length
    return spans


class SpansTests(SynchronousTestCase):
    """Spans of time, and how many there may be."""

    @settings(deadline=None)
    @given(SPANS, st.integers(0, 200), st.integers(0, 200))
    def test_those_that_have_a_part_in_a_range_are_found_whole(
        self, shapes: list[tuple[int, int, int]], from_ms: int, to_ms: int
    ) -> None:
        spans = Spans()
        for span in placed(shapes):
            spans.add(*span)
        right = [span for span in placed(shapes) if max(span[0], from_ms) < min(span[1], to_ms)]
        self.assertEqual(spans.overlapping(from_ms, to_ms), right)
        spans.trim(from_ms)
        self.assertEqual(list(spans), [span for span in placed(shapes) if span[1] > from_ms])

    def test_more_in_the_newest_one_is_added_to_it(self) -> None:
        spans = Spans()
        spans.add(1_000, 2_000, 3)
        spans.add(1_000, 2_000, 4)
        spans.add(2_000, 3_000, 1)
        self.assertEqual(list(spans), [(1_000, 2_000, 7), (2_000, 3_000, 1)])

    def test_events_end_at_what_64_bits_hold(self) -> None:
        spans = Spans()
        spans.add(0, 1, 2**70)
        spans.add(0, 1, 5)
        spans.add(1, 2, U64_MAX)
        self.assertEqual(list(spans), [(0, 1, U64_MAX), (1, 2, U64_MAX)])
        self.assertEqual(adjacent_joined(spans), [(0, 2, U64_MAX)])

    @settings(deadline=None, max_examples=30)
    @given(st.integers(0, 2**40), st.lists(st.sampled_from((1, 1, 2, 3, 50, 10_000)), min_size=1_200, max_size=1_500))
    def test_too_many_are_joined_and_cover_no_less(self, begin: int, distances: list[int]) -> None:
        spans, right, second = Spans(), [], begin
        for distance in distances:
            second += distance
            right.append((second * 1_000, second * 1_000 + 1_000, distance))
            spans.add(*right[-1])
            self.assertLessEqual(len(spans), Spans.MAX)
        kept = list(spans)
        self.assertGreater(len(kept), Spans.MAX // 8)
        self.assertEqual(sum(events for _, _, events in kept), sum(distances))
        self.assertTrue(all(before[1] <= after[0] for before, after in pairwise(kept)))
        for one in right:
            self.assertTrue(any(begin <= one[0] and one[1] <= end for begin, end, _ in kept), one)

    def test_those_far_apart_stay_apart_longest(self) -> None:
        spans = Spans()
        hours = [hour * 3_600_000 for hour in range(100)]
        for hour in hours:
            spans.add(hour, hour + 1_000, 1)
        for second in range(600):
            spans.add(hours[-1] + 2_000 * second + 2_000, hours[-1] + 2_000 * second + 3_000, 1)
        self.assertEqual(
            [span for span in spans if span[0] < hours[-1]], [(each, each + 1_000, 1) for each in hours[:-1]]
        )

    def test_what_touches_is_joined_for_an_answer(self) -> None:
        self.assertEqual(adjacent_joined([(0, 1, 1), (1, 3, 2), (4, 5, 3), (5, 6, 4)]), [(0, 3, 3), (4, 6, 7)])
        self.assertEqual(adjacent_joined([]), [])
