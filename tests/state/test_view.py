"""A view is read in small steps, and holds nothing that was read."""

import gc

from twisted.trial.unittest import TestCase

from tests.stream.made import fsyncs, window
from vizd.state.projection import Projection
from vizd.state.view import View


def of_fsyncs(count: int) -> View:
    """With one of each of so many nodes."""
    projection = Projection(1_000)
    projection.fold(window([event for node in range(count) for event in fsyncs(1, node)]))
    return projection.view()


class InSlices(TestCase):
    def test_a_step_looks_at_no_more_than_it_is_told(self) -> None:
        sizes = [len(part.fragments) for part in of_fsyncs(1_000).slices(100)]
        self.assertLessEqual(max(sizes), 100)
        self.assertEqual(sum(sizes), 1_000)
        self.assertLess(len(sizes), 13)

    def test_columns_belong_together(self) -> None:
        for part in of_fsyncs(600).slices():
            for facet, fragment, end_ms in zip(part.facets, part.fragments, part.ends_ms, strict=True):
                self.assertIn(b'"node":%d,' % facet.nodes[0], fragment)
                self.assertEqual(end_ms, 1_050)

    def test_it_is_made_once_for_all_who_ask_between_two_windows(self) -> None:
        projection = Projection(1_000)
        self.assertIs(projection.view(), projection.view())
        before = projection.view()
        projection.fold(window([]))
        self.assertIsNot(projection.view(), before)

    def test_what_was_read_is_let_go_of(self) -> None:
        slices = of_fsyncs(1_200).slices()
        newest = next(slices).fragments[0]
        held_before = len(gc.get_referrers(newest))
        next(slices)
        next(slices)
        self.assertLess(len(gc.get_referrers(newest)), held_before)
