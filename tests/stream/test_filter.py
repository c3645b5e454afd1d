"""Tests of ``vizd.stream.filter``."""

import gc
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.stream.made import made, window
from tests.stream.reference import EVENTS, LIMITS, expected
from vizd.events.catalogue import KINDS
from vizd.stream.filter import MAX_ID, Filter, ids_from_text
from vizd.stream.frames import select


def passed(by: Filter, *events: tuple[Any, bytes]) -> list[bool]:
    """For each event, whether ``by`` lets it pass, alone and among the others."""
    part = select(window(events), by)
    among = [] if part is None else list(part.fragments)
    alone = [select(window([event]), by) is not None for event in events]
    assert [text for (_, text), one in zip(events, alone, strict=True) if one] == among
    return alone


class FilterTests(SynchronousTestCase):
    """What passes, axis by axis."""

    def test_a_filter_without_limits_lets_everything_pass(self) -> None:
        events = [made(str(kind), ts=number + 1) for number, kind in enumerate(KINDS)]
        for by in (Filter(), Filter.of(), Filter.of([], [], [])):
            self.assertTrue(by.is_open)
            self.assertEqual(passed(by, *events), [True] * len(events))

    def test_types_are_named_in_any_case(self) -> None:
        events = [made("Raft.StepDown"), made("Swim.Alive"), made("Wal.Fsync")]
        for names in (["Raft", "Swim"], ["raft", "swim"], ["RAFT", " sWiM "]):
            self.assertEqual(passed(Filter.of(names), *events), [True, True, False])

    def test_heat_and_slotheat_are_one(self) -> None:
        for name in ("heat", "Heat", "slotheat", "SlotHeat"):
            self.assertEqual(passed(Filter.of([name]), made("SlotHeat"), made("Wal.Fsync")), [True, False])
        self.assertEqual(Filter.of(["heat"]), Filter.of(["slotheat"]))

    def test_an_unknown_type_is_named_with_those_that_there_are(self) -> None:
        for name in ("Waal", "", "slot_heat", "wal,lsm", "\u017fwim"):
            with self.assertRaises(ValueError) as raised:
                Filter.of(["raft", name])
            self.assertIn(repr(name), str(raised.exception))
            self.assertIn("Wal, Compaction, Lsm, Raft, Swim, Shard, Cache, SlotHeat", str(raised.exception))

    def test_a_node_is_the_subject_and_not_the_publisher(self) -> None:
        by = Filter.of(nodes=[7])
        for name in ("Wal.Fsync", "Compaction.Start", "Lsm.L0Stall", "Swim.Suspect", "SlotHeat"):
            self.assertEqual(
                passed(by, made(name, publisher=1, node=7), made(name, publisher=7, node=1)), [True, False]
            )

    def test_a_vote_is_about_the_voter(self) -> None:
        for name in ("Raft.VoteReq", "Raft.VoteGranted"):
            events = made(name, publisher=1, **{"from": 7}), made(name, publisher=7, **{"from": 1})
            self.assertEqual(passed(Filter.of(nodes=[7]), *events), [True, False])

    def test_an_election_matches_the_leader_and_the_publishing_node(self) -> None:
        election = made("Raft.LeaderElected", publisher=1, node=7)
        self.assertEqual([passed(Filter.of(nodes=[node]), election) for node in (1, 7, 2)], [[True], [True], [False]])

    def test_an_event_without_a_subject_is_its_publishers(self) -> None:
        for name in ("Raft.StepDown", "Shard.Plan", "Cache"):
            self.assertEqual(
                passed(Filter.of(nodes=[7]), made(name, publisher=7), made(name, publisher=1)), [True, False]
            )

    def test_a_shard_is_the_events_own_or_its_owner(self) -> None:
        by = Filter.of(shards=[3])
        for name in ("Raft.StepDown", "Raft.VoteReq", "Shard.Cutover"):
            self.assertEqual(passed(by, made(name, shard=3), made(name, shard=4)), [True, False])
        for name in ("Wal.Fsync", "Compaction.Start", "Lsm.L0Stall", "SlotHeat"):
            self.assertEqual(passed(by, made(name, owner=3), made(name, owner=4)), [True, False])

    def test_an_event_without_a_shard_passes(self) -> None:
        events = [made(name) for name in ("Wal.Fsync", "Swim.Alive", "Cache", "SlotHeat")]
        self.assertEqual(passed(Filter.of(shards=[3]), *events), [True] * 4)

    def test_shard_0_and_node_0_are_ids_like_others(self) -> None:
        events = [made("Raft.VoteReq", shard=shard, **{"from": node}) for shard, node in ((0, 5), (5, 0), (0, 0))]
        self.assertEqual(passed(Filter.of(shards=[0]), *events), [True, False, True])
        self.assertEqual(passed(Filter.of(nodes=[0]), *events), [False, True, True])

    def test_every_axis_must_let_an_event_pass(self) -> None:
        by = Filter.of(["Wal"], [1], [2])
        events = [
            made("Wal.Fsync", node=1, owner=2),
            made("Lsm.L0Stall", node=1, owner=2),
            made("Wal.Fsync", node=2, owner=2),
            made("Wal.Fsync", node=1, owner=3),
        ]
        self.assertEqual(passed(by, *events), [True, False, False, False])

    def test_ten_thousand_ids_are_a_filter(self) -> None:
        by = Filter.of(nodes=range(0, 20_000, 2), shards=range(10_000))
        events = [made("Wal.Fsync", node=node, owner=9_999) for node in (19_998, 19_999)]
        self.assertEqual(passed(by, *events), [True, False])

    def test_equal_filters_are_one_object_whatever_the_order_and_the_repeats(self) -> None:
        by = Filter.of(["raft", "heat"], [1, 2], [3])
        self.assertIs(by, Filter.of(["SlotHeat", "Raft", "raft"], [2, 1, 1], [3, 3]))
        self.assertIsNot(by, Filter.of(["raft"], [1, 2], [3]))

    def test_a_filter_that_nobody_uses_is_forgotten(self) -> None:
        gc.collect()
        before = sum(isinstance(each, Filter) for each in gc.get_objects())
        for node in range(1_000):
            Filter.of(nodes=[node, 77_777])
        gc.collect()
        self.assertLessEqual(sum(isinstance(each, Filter) for each in gc.get_objects()), before)

    def test_what_a_filter_remembers_is_bounded(self) -> None:
        by = Filter.of(nodes=[1])
        facets = [made("Wal.Fsync", node=node)[0] for node in range(40)]
        self.patch(type(by.verdicts), "MAX_KEPT", 8)
        for _ in range(2):
            self.assertEqual([by.verdicts[facet] for facet in facets], [node == 1 for node in range(40)])
            self.assertLessEqual(len(by.verdicts), 8)

    def test_a_filter_tells_its_limits(self) -> None:
        self.assertEqual(Filter().described(), {})
        told = Filter.of(["swim", "heat", "wal"], [3, 1]).described()
        self.assertEqual(told, {"types": ["Wal", "Swim", "SlotHeat"], "nodes": [1, 3]})

    @settings(deadline=None)
    @given(EVENTS, LIMITS)
    def test_it_lets_pass_what_the_contract_says_event_by_event(
        self, events: list[Any], limits: dict[str, Any]
    ) -> None:
        seen, by = window(events), Filter.of(**limits)
        right = expected(events, **limits)
        part = select(seen, by)
        self.assertEqual([] if part is None else list(part.fragments), right)
        if right:
            self.assertTrue(by.wants(seen), "a window with an event for it must be looked at")
            names = [json.loads(text)["event"]["type"] for text in right]
            counts = [names.count(name) for name in _TYPE_NAMES]
            self.assertEqual((list(part.counts), part.size_bytes), (counts, sum(map(len, right))))


_TYPE_NAMES = ("Wal", "Compaction", "Lsm", "Raft", "Swim", "Shard", "Cache", "SlotHeat")


class IdsFromTextTests(SynchronousTestCase):
    """Ids in a query."""

    def test_ids_stand_with_commas_between(self) -> None:
        self.assertEqual(ids_from_text("nodes", "1,2,3"), [1, 2, 3])
        self.assertEqual(ids_from_text("nodes", " 1 , 02,"), [1, 2])
        self.assertEqual(ids_from_text("nodes", f"0,{MAX_ID}"), [0, MAX_ID])

    def test_an_empty_text_holds_none(self) -> None:
        self.assertEqual([ids_from_text("nodes", text) for text in ("", " ", ",", " , ")], [[]] * 4)

    def test_what_is_no_id_is_named(self) -> None:
        wrong = ("x", "-1", "1.0", "1;2", "\u0661", "²", "0x1", "1e3", "+1", str(MAX_ID + 1), "9" * 5_000)
        for text in (*wrong, "000000000004294967296", "0" * 5_000 + "1" * 11):
            with self.assertRaises(ValueError) as raised:
                ids_from_text("shards", f"1,{text},2")
            self.assertTrue(str(raised.exception).startswith(f"shards: {text[:40]!r} is no id"), str(raised.exception))

    @settings(deadline=None)
    @given(st.text())
    def test_any_text_is_ids_or_an_error_that_names_the_parameter(self, text: str) -> None:
        try:
            ids = ids_from_text("nodes", text)
        except ValueError as why:
            self.assertTrue(str(why).startswith("nodes: "))
        else:
            self.assertTrue(all(0 <= each <= MAX_ID for each in ids))
