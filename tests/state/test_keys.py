"""The key of an event is what the catalogue says, although nothing is parsed."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tests.events.strategies import Sent, good
from tests.state.model import KEPT, kind_and_fields
from tests.stream.made import made
from vizd.events.catalogue import KINDS
from vizd.events.decode import Decoder
from vizd.events.facet import Facet, Facets
from vizd.state.keys import Keys, term_of

_FACETS = Facets()


def decoded(sent: Sent) -> tuple[Facet, bytes]:
    """As a window holds it."""
    found = Decoder(1, _FACETS).decode([sent.event], now_ms=1)
    return found.facets[0], found.fragments[0]


def slow_key(fragment: bytes) -> tuple[Any, ...] | None:
    """By the model; ``None`` for what is not kept."""
    kind, fields = kind_and_fields(json.loads(fragment))
    if kind not in KEPT:
        return None
    _, life, names = KEPT[kind]
    return (life, *(fields.get(name) for name in names))


class OfAnyEvent(TestCase):
    @given(good(), good())
    def test_keys_are_equal_where_the_models_are(self, one: Sent, other: Sent) -> None:
        keys = Keys()
        found = []
        for facet, fragment in (decoded(one), decoded(other)):
            slow = slow_key(fragment)
            self.assertEqual(keys[facet] is None, slow is None)
            if slow is not None:
                found.append((keys.of(facet, fragment), slow))
        if len(found) == 2:
            (key, slow), (other_key, other_slow) = found
            self.assertEqual(key == other_key, slow == other_slow)

    @given(st.integers(0, 2**64 - 1), st.sampled_from(["Raft.LeaderElected", "Raft.StepDown"]))
    def test_a_term_is_read_to_its_last_digit(self, term: int, name: str) -> None:
        self.assertEqual(term_of(made(name, shard=3, term=term)[1]), term)


class OfTheCatalogue(TestCase):
    def test_every_kind_that_has_a_key_is_in_the_model(self) -> None:
        classes = {str(kind): kind.event_class.value for kind in KINDS if kind.key}
        self.assertEqual(classes, {name: event_class for name, (event_class, _, _) in KEPT.items()})

    def test_a_kind_of_class_log_has_none(self) -> None:
        with self.assertRaisesRegex(ValueError, "Wal.SegmentGc is of a class that has no keys"):
            Keys().of(*made("Wal.SegmentGc"))

    def test_what_is_remembered_of_facets_is_bounded(self) -> None:
        class Few(Keys):
            MAX_KEPT = 3

        keys = Few()
        for node in range(10):
            facet, fragment = made("Wal.Fsync", node=node)
            self.assertEqual(keys.of(facet, fragment), f"Wal.Fsync/{node}//".encode())
            self.assertLessEqual(len(keys), 3)
