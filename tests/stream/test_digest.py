"""Tests of ``vizd.stream.digest``."""

import json
from collections import Counter
from typing import Any

from hypothesis import given, settings
from twisted.trial.unittest import SynchronousTestCase

from tests.stream.made import Made, draft, fsyncs, made, window
from tests.stream.reference import EVENTS, LIMITS, passes
from vizd.events.catalogue import TYPES, EventClass
from vizd.log.window import Window
from vizd.state.keys import Keys
from vizd.stream.digest import Digest, digest
from vizd.stream.filter import Filter


def found(events: list[Made], **limits: Any) -> Digest:
    """The digest of a window of these."""
    return digest(window(events), Filter.of(**limits).verdicts, Keys())


def texts(placed: Any) -> list[bytes]:
    """Events without their places."""
    return [text for _, text in placed]


class DigestTests(SynchronousTestCase):
    """What a window brings."""

    def test_transitions_and_logs_are_all_there_in_order_of_arrival(self) -> None:
        events = [made("Swim.Suspect", node=1, ts=1), made("Raft.VoteReq", shard=1, ts=2),
                  made("Swim.Alive", node=1, ts=3), made("Raft.VoteReq", shard=1, ts=4)]  # fmt: skip
        digested = found(events)
        self.assertEqual(digested.transitions, [events[0][1], events[2][1]])
        self.assertEqual(digested.logs, [(1, events[1][1]), (3, events[3][1])])

    def test_of_a_key_only_the_newest_gauge_and_phase_is_there(self) -> None:
        events = [*fsyncs(5, node=1), *fsyncs(5, node=2), made("Compaction.Progress", node=1, pct=5, ts=1),
                  made("Compaction.Progress", node=1, pct=6, ts=2)]  # fmt: skip
        digested = found(events)
        self.assertEqual(texts(digested.gauges.values()), [events[4][1], events[9][1]])
        self.assertEqual(texts(digested.phases.values()), [events[11][1]])

    def test_kinds_that_share_a_life_replace_each_other_whichever_comes_last(self) -> None:
        start, finish = made("Compaction.Start", node=1, level=2), made("Compaction.Finish", node=1, level=2)
        self.assertEqual(texts(found([start, finish]).phases.values()), [finish[1]])
        self.assertEqual(texts(found([finish, start]).phases.values()), [start[1]])

    def test_what_is_keyed_by_more_than_a_facet_is_looked_into(self) -> None:
        events = [made("SlotHeat", node=1, slot=number % 3, ts=number) for number in range(1, 8)]
        self.assertEqual(texts(found(events).gauges.values()), [event for _, event in events[-3:]])

    def test_all_that_passes_is_counted_whatever_there_is_of_it(self) -> None:
        digested = found([*fsyncs(7), made("Swim.Alive"), made("Raft.VoteReq")])
        self.assertEqual((digested.events, list(digested.counts)), (9, [7, 0, 0, 1, 1, 0, 0, 0]))

    def test_what_the_filter_holds_back_is_not_there_and_not_counted(self) -> None:
        digested = found([*fsyncs(3, node=1), *fsyncs(4, node=2), made("Swim.Alive", node=1)], nodes=[2])
        self.assertEqual((digested.events, digested.transitions, len(digested.gauges)), (4, [], 1))

    def test_an_event_is_placed_by_how_many_of_the_log_come_before_it(self) -> None:
        votes = [made("Raft.VoteReq", ts=1), made("Raft.VoteReq", ts=2)]
        later = Window(7, 2_000, "test", draft(2_000, votes), 1_000)
        self.assertEqual([place for place, _ in digest(later, Filter.of().verdicts, Keys()).logs], [1_000, 1_001])

    def test_it_takes_memory_for_what_is_kept_of_the_window_and_not_for_what_was_in_it(self) -> None:
        self.assertEqual(found(fsyncs(1)).memory_bytes, found(fsyncs(1_000)).memory_bytes)
        of_votes = found([made("Raft.VoteReq")] * 1_000).memory_bytes
        self.assertGreater(of_votes, 100 * found(fsyncs(1)).memory_bytes)

    @settings(deadline=None)
    @given(EVENTS, LIMITS)
    def test_it_is_what_looking_at_the_events_one_by_one_finds(
        self, events: list[Made], limits: dict[str, list[Any]]
    ) -> None:
        digested, keys = found(events, **limits), Keys()
        passing = [(at, *each) for at, each in enumerate(events) if passes(json.loads(each[1]), **limits)]
        counts = Counter(facet.kind.type.index for _, facet, _ in passing)
        of_class: dict[EventClass, list[Any]] = {
            each: [(at, facet, text) for at, facet, text in passing if facet.kind.event_class is each]
            for each in EventClass
        }
        self.assertEqual(digested.counts, [counts[index] for index in range(len(TYPES))])
        self.assertEqual(digested.events, len(passing))
        self.assertEqual(digested.transitions, [text for _, _, text in of_class[EventClass.TRANSITION]])
        self.assertEqual(digested.logs, [(at, text) for at, _, text in of_class[EventClass.LOG]])
        for each, given_ in ((EventClass.PHASE, digested.phases), (EventClass.GAUGE, digested.gauges)):
            newest = {keys.of(facet, text): (at, text) for at, facet, text in of_class[each]}
            self.assertEqual(dict(given_), newest)
            self.assertEqual(list(given_.values()), sorted(given_.values()), "in order of arrival")
