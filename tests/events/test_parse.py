"""Tests of ``vizd.events.parse``: what a daemon says becomes what a node sent, and the other way round again."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.events.strategies import Sent, good
from vizd.events.decode import Decoder
from vizd.events.facet import Facets
from vizd.events.parse import event_from_json

FSYNC = {
    "ts": 5,
    "node": 1,
    "event": {"type": "Wal", "data": {"node": 1, "seg": 2, "kind": {"kind": "Fsync", "ms": 3}}},
    "shard": 4,
}
SWIM = {"ts": 5, "node": 1, "event": {"type": "Swim", "data": {"node": 1, "kind": "Alive"}}}


def changed(event: dict[str, Any], value: Any, *path: str) -> dict[str, Any]:
    """With this in place of what is there; ``...``: without it."""
    event = copy.deepcopy(event)
    at = event
    for name in path[:-1]:
        at = at[name]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return event


class ParseTests(SynchronousTestCase):
    @given(good())
    def test_what_is_said_of_it_is_said_again(self, sent: Sent) -> None:
        [text] = Decoder(1, Facets()).decode([sent.event], 9).fragments
        [again] = Decoder(1, Facets()).decode([event_from_json(json.loads(text))], 9).fragments
        self.assertEqual(again, text)

    def test_what_is_no_event_is_refused_by_its_place(self) -> None:
        for wrong, place in (
            ({}, "an event has"),
            ({"ts": 1, "event": 5}, "an event has"),
            (changed(FSYNC, "Walrus", "event", "type"), "Walrus"),
            (changed(FSYNC, ["Wal"], "event", "type"), "event.type"),
            (changed(FSYNC, 7, "event", "data"), "event.type"),
            (changed(FSYNC, -1, "ts"), "ts"),
            (changed(FSYNC, "x", "shard"), "shard"),
            (changed(FSYNC, None, "shard"), "shard"),
            (changed(FSYNC, ..., "event", "data", "seg"), "seg is missing"),
            (changed(FSYNC, 2**64, "event", "data", "seg"), "seg"),
            (changed(FSYNC, 1.5, "event", "data", "seg"), "seg"),
            (changed(FSYNC, "Fsync", "event", "data", "kind"), "kind"),
            (changed(FSYNC, "Sync", "event", "data", "kind", "kind"), "no such kind"),
            (changed(FSYNC, ["Fsync"], "event", "data", "kind", "kind"), "no such kind"),
            (changed(FSYNC, ..., "event", "data", "kind", "ms"), "ms is missing"),
            (changed(SWIM, {"kind": "Alive"}, "event", "data", "kind"), "no such kind"),
            (changed(SWIM, ..., "event", "data", "kind"), "no such kind"),
        ):
            with self.assertRaisesRegex(ValueError, place):
                event_from_json(wrong)

    @given(good(), st.data())
    def test_nothing_but_a_value_error_comes_of_a_broken_one(self, sent: Sent, data: st.DataObject) -> None:
        [text] = Decoder(1, Facets()).decode([sent.event], 9).fragments
        event = json.loads(text)
        within = [event, event["event"], event["event"]["data"]]
        if isinstance(event["event"]["data"].get("kind"), dict):
            within.append(event["event"]["data"]["kind"])
        at = data.draw(st.sampled_from(within))
        at[data.draw(st.sampled_from(sorted(at)))] = data.draw(
            st.one_of(
                st.none(), st.integers(), st.text(), st.lists(st.integers()), st.dictionaries(st.text(), st.text())
            )
        )
        try:
            event_from_json(event)
        except ValueError as why:
            self.assertTrue(str(why))
