"""Facets are shared, within a bound."""

from twisted.trial.unittest import TestCase

from vizd.events.catalogue import KINDS
from vizd.events.facet import Facets


class FacetsTests(TestCase):
    def test_the_same_combination_is_one_object(self) -> None:
        facets = Facets()
        self.assertIs(facets.of(KINDS[0], (1,), 2), facets.of(KINDS[0], (1,), 2))

    def test_a_difference_anywhere_makes_another(self) -> None:
        facets = Facets()
        some = [
            facets.of(kind, nodes, shard)
            for kind in KINDS[:2]
            for nodes in ((1,), (2,), (1, 2))
            for shard in (None, 0, 1)
        ]
        self.assertEqual(len(set(some)), 18)

    def test_says_what_it_was_made_of(self) -> None:
        facet = Facets().of(KINDS[3], (1, 7), None)
        self.assertEqual((facet.kind, facet.nodes, facet.shard), (KINDS[3], (1, 7), None))

    def test_whoever_invents_ids_loses_the_sharing_and_not_the_events(self) -> None:
        facets = Facets()
        facets.MAX_KEPT = 10
        first = facets.of(KINDS[0], (0,), None)
        for node in range(25):
            self.assertEqual(facets.of(KINDS[0], (node,), None).nodes, (node,))
            self.assertLessEqual(len(facets), 10)
        again = facets.of(KINDS[0], (0,), None)
        self.assertIsNot(again, first)
        self.assertEqual((again.kind, again.nodes, again.shard), (first.kind, first.nodes, first.shard))
