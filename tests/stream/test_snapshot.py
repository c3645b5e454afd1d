"""Tests of ``vizd.stream.snapshot``: the state first, through the session that sends it."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.conversation import Conversation
from tests.stream.made import Made, draft, followed, made, memory_log
from vizd.stream import snapshot as snapshot_module
from vizd.stream import walk as walk_module
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.frames import Frames
from vizd.stream.position import position_to_text
from vizd.stream.snapshot import StateWish


def heat(slot: int, value: float = 0.5, node: int = 1) -> Made:
    return made("SlotHeat", node=node, slot=slot, heat=value)


def events_of(heard: list[dict[str, Any]]) -> list[Any]:
    return [event for each in heard if each["type"] == "batch" for event in each["data"]["events"]]


class StateFirstTests(SynchronousTestCase):
    """What a client gets that brings no position."""

    def setUp(self) -> None:
        self.log = memory_log()
        self.projection = followed(self.log)

    def append(self, *events: Made) -> None:
        self.log.append(draft(self.log.head.end_ms or 1_000, events))

    def connect(
        self, state: StateWish = StateWish.NEWEST, encoder: Any = JSON, by: Filter | None = None
    ) -> Conversation:
        return Conversation(self.log, encoder, by=by, state=state, projection=self.projection)

    @property
    def head(self) -> str:
        return position_to_text(self.log.epoch, self.log.head)

    def test_the_newest_event_of_each_key_comes_as_a_batch_of_its_own_kind(self) -> None:
        self.append(heat(1, 0.1), heat(2, 0.2), made("Swim.Alive", node=3, ts=77))
        self.append(heat(1, 0.9), made("Lsm.FlushTriggered"))
        conversation = self.connect()
        self.assertNotIn("position", conversation.connected)
        [batch] = conversation.hear_all()
        self.assertEqual(
            {name: value for name, value in batch.items() if name != "data"},
            {"type": "batch", "snapshot": True, "position": self.head},
        )
        data = batch["data"]
        self.assertEqual((data["window_start"], data["window_end"]), (1_100, 1_100), "as of then, both")
        self.assertEqual(
            [json.loads(each[1]) for each in (made("Swim.Alive", node=3, ts=77), heat(1, 0.9), heat(2, 0.2))],
            data["events"],
        )
        self.assertEqual(
            {name: count for name, count in data["summary"].items() if count}, {"swim_count": 1, "heat_count": 2}
        )

    def test_then_it_is_live_with_no_seam(self) -> None:
        self.append(heat(1))
        conversation = self.connect()
        self.append(heat(2))
        state, live = conversation.hear_all()
        self.assertEqual(("snapshot" in state, "snapshot" in live), (True, False))
        self.assertEqual([each["event"]["data"]["slot"] for each in events_of([state, live])], [1, 2])

    def test_of_an_empty_state_it_is_told_its_position(self) -> None:
        self.append(made("Lsm.FlushTriggered"))
        for by in (None, Filter.of(["raft"])):
            conversation = self.connect(by=by)
            self.assertNotIn("position", conversation.connected)
            self.assertEqual(conversation.hear_all(), [{"type": "position", "position": self.head}])

    def test_whoever_wants_no_state_or_brings_a_position_gets_none(self) -> None:
        self.append(heat(1))
        without = self.connect(StateWish.NONE)
        resumed = Conversation(self.log, position=self.head, state=StateWish.ALL, projection=self.projection)
        for conversation in (without, resumed):
            self.assertEqual((conversation.connected["position"], conversation.hear_all()), (self.head, []))

    def test_the_filter_is_asked_after_the_newest_was_taken(self) -> None:
        self.append(made("Raft.LeaderElected", publisher=1, shard=4, term=2, node=1))
        self.append(made("Raft.StepDown", publisher=1, shard=4, term=3))
        by = Filter.of(["raft"])
        [batch] = self.connect(by=by).hear_all()
        self.assertEqual([each["event"]["data"]["kind"]["kind"] for each in events_of([batch])], ["StepDown"])
        self.append(made("Raft.LeaderElected", publisher=2, shard=4, term=4, node=2))
        self.assertEqual(events_of(self.connect(by=Filter.of(["raft"], [1])).hear_all()), [])

    def test_a_batch_holds_a_thousand_events_and_only_the_last_has_the_position(self) -> None:
        for first in range(0, 2_500, 500):
            self.append(*[heat(slot) for slot in range(first, first + 500)])
        for encoder in (JSON, MESSAGEPACK):
            heard = self.connect(encoder=encoder).hear_all()
            self.assertEqual([len(each["data"]["events"]) for each in heard], [1_000, 1_000, 500])
            self.assertEqual(["position" in each for each in heard], [False, False, True])
            self.assertFalse(any("truncated" in each for each in heard))
            self.assertEqual(sorted(each["event"]["data"]["slot"] for each in events_of(heard)), list(range(2_500)))

    def test_a_thousand_are_one_batch(self) -> None:
        self.append(*[heat(slot) for slot in range(1_000)])
        [batch] = self.connect().hear_all()
        self.assertEqual((len(batch["data"]["events"]), batch["position"]), (1_000, self.head))

    def test_five_thousand_come_of_themselves_transitions_then_phases_then_the_newest_gauges(self) -> None:
        for first in range(0, 7_000, 1_000):
            self.append(*[heat(slot) for slot in range(first, first + 1_000)])
        self.append(made("Swim.Alive", node=3), made("Compaction.Start", node=1, level=2))
        heard = self.connect().hear_all()
        events = events_of(heard)
        self.assertEqual(len(events), 5_000)
        self.assertEqual([each["event"]["type"] for each in events[:3]], ["Swim", "Compaction", "SlotHeat"])
        slots = sorted(each["event"]["data"]["slot"] for each in events[2:])
        self.assertEqual(slots, list(range(7_000 - 4_998, 7_000)))
        self.assertEqual([each.get("truncated") for each in heard], [None] * 4 + [True])
        everything = self.connect(StateWish.ALL).hear_all()
        self.assertEqual((len(events_of(everything)), "truncated" in everything[-1]), (7_002, False))

    def test_exactly_five_thousand_are_all_there_are(self) -> None:
        for first in range(0, 5_000, 1_000):
            self.append(*[heat(slot) for slot in range(first, first + 1_000)])
        heard = self.connect().hear_all()
        self.assertEqual((len(events_of(heard)), "truncated" in heard[-1]), (5_000, False))

    def test_what_the_bounds_of_the_state_drove_out_is_said(self) -> None:
        self.projection._max_keys = 10
        self.append(*[heat(slot) for slot in range(20)])
        [batch] = self.connect().hear_all()
        self.assertEqual((len(events_of([batch])), batch["truncated"]), (10, True))

    def test_a_large_one_is_looked_at_in_turns_and_stays_as_of_its_place(self) -> None:
        self.patch(walk_module, "LOOKED_AT_PER_TURN", 512)
        for first in range(0, 20_000, 1_000):
            self.append(*[heat(slot, node=slot % 2) for slot in range(first, first + 1_000)])
        as_of = self.head
        conversation = self.connect(StateWish.ALL, by=Filter.of(nodes=[1]))
        turns = 0
        heard: list[Any] = []
        while not heard or "position" not in heard[-1]:
            message = conversation.hear()
            if message:
                heard.append(message)
            else:
                self.assertTrue(conversation.feed())
                turns += 1
                self.append(heat(turns % 20_000, value=0.9, node=1))
        self.assertGreaterEqual(turns, 20_000 // 512)
        self.assertEqual((len(events_of(heard)), heard[-1]["position"]), (10_000, as_of))
        self.assertEqual({each["event"]["data"]["heat"] for each in events_of(heard)}, {0.5})
        live = conversation.hear_all()
        self.assertEqual(len(events_of(live)), turns, "and all that came meanwhile")

    def test_equal_clients_share_its_frames(self) -> None:
        self.append(heat(1))
        frames = Frames(self.log.epoch)
        shared = []
        for by in (Filter.of(), Filter.of(), Filter.of(["heat"])):
            conversation = Conversation(self.log, by=by, state=StateWish.ALL, projection=self.projection, frames=frames)
            conversation.feed()
            shared.append(conversation.session.pull(0))
        self.assertIs(shared[0], shared[1])
        self.assertIsNot(shared[0], shared[2])


class FilterWithStateTests(SynchronousTestCase):
    """``filter`` with ``"state":true``, and filters that come in the middle."""

    def setUp(self) -> None:
        self.log = memory_log()
        self.projection = followed(self.log)
        self.log.append(draft(1_000, [heat(1, node=1), heat(2, node=2)]))

    def slots(self, heard: list[dict[str, Any]]) -> list[int]:
        return [each["event"]["data"]["slot"] for each in events_of(heard)]

    def test_the_state_under_the_new_filter_comes_first(self) -> None:
        for state in (StateWish.NONE, StateWish.NEWEST):
            conversation = Conversation(self.log, state=state, projection=self.projection)
            conversation.hear_all()
            conversation.tell(type="filter", nodes=[2], state=True)
            [batch] = conversation.hear_all()
            self.assertEqual((self.slots([batch]), batch["snapshot"]), ([2], True))
            conversation.tell(type="filter", nodes=[1])
            self.assertEqual(conversation.hear_all(), [])

    def test_one_that_comes_before_the_state_has_gone_out_holds_for_that_too(self) -> None:
        conversation = Conversation(self.log, state=StateWish.NEWEST, projection=self.projection)
        conversation.tell(type="filter", nodes=[2])
        self.log.append(draft(1_100, [heat(3, node=2), heat(4, node=1)]))
        heard = conversation.hear_all()
        self.assertEqual(self.slots(heard), [2, 3])
        self.assertEqual(["snapshot" in each for each in heard], [True, False])

    def test_a_paused_client_is_told_the_state_and_stays_paused(self) -> None:
        conversation = Conversation(self.log, state=StateWish.NONE, projection=self.projection)
        conversation.tell(type="pause")
        conversation.tell(type="filter", state=True)
        self.log.append(draft(1_100, [heat(3)]))
        heard = conversation.hear_all()
        self.assertEqual((sorted(self.slots(heard)), len(heard)), ([1, 2], 1))
        conversation.tell(type="resume", catch_up=True)
        self.assertEqual(self.slots(conversation.hear_all()), [3])


class AfterAGapTests(SynchronousTestCase):
    """Whoever missed something gets the state again."""

    def setUp(self) -> None:
        self.log = memory_log()
        self.projection = followed(self.log)

    def fill(self, count: int) -> None:
        for number in range(count):
            self.log.append(draft(self.log.head.end_ms or 1_000, [heat(number)]))

    def test_as_of_the_gaps_position(self) -> None:
        for state in StateWish:
            conversation = Conversation(self.log, state=state, projection=self.projection, max_lag_ms=100)
            conversation.hear_all()
            self.fill(10)
            gap, *rest = conversation.hear_all()
            self.assertEqual(
                (gap["reason"], gap["position"]), ("slow", position_to_text(self.log.epoch, self.log.head))
            )
            if state is StateWish.NONE:
                self.assertEqual(rest, [])
            else:
                [batch] = rest
                self.assertEqual((batch["snapshot"], batch["position"]), (True, gap["position"]))
                self.assertEqual(len(events_of(rest)), 10)

    def test_a_state_that_takes_long_comes_to_no_other_gap(self) -> None:
        self.patch(snapshot_module, "BATCH_EVENTS", 2)
        self.fill(20)
        conversation = Conversation(self.log, state=StateWish.ALL, projection=self.projection, max_lag_ms=100)
        heard = []
        for _ in range(100):
            message = conversation.hear()
            heard += [message] if message else []
            conversation.feed()
            self.fill(1)
        self.assertEqual({each["type"] for each in heard}, {"batch"})

    def test_where_the_state_cannot_be_had_any_more_it_goes_on_at_the_head_behind_a_gap(self) -> None:
        self.fill(3)
        begins = Conversation(self.log).connected["position"]
        self.fill(300)
        conversation = Conversation(self.log, position=begins, state=StateWish.NEWEST, projection=self.projection)
        conversation.tell(type="filter", state=True)
        wanted = conversation.session.wants()
        conversation.session.feed(wanted, None)
        gap, batch = conversation.hear_all()
        self.assertEqual((gap["type"], gap["reason"], gap["windows"]), ("gap", "trimmed", 300))
        self.assertEqual((batch["snapshot"], batch["position"]), (True, gap["position"]))


class HistoryWithStateTests(SynchronousTestCase):
    """A history that begins with the state at its beginning."""

    def test_the_state_comes_first_and_is_not_counted(self) -> None:
        log = memory_log()
        projection = followed(log)
        for number in range(10):
            log.append(draft(1_000 + 50 * number, [heat(number % 3, value=number / 10)]))
        for encoder in (JSON, MESSAGEPACK):
            conversation = Conversation(log, encoder, state=StateWish.NONE, projection=projection)
            conversation.tell(type="history", from_ms=1_200, to_ms=1_350, state=True)
            state, *batches, end = conversation.hear_all()
            self.assertEqual((state["history"], state["snapshot"], "position" in state), (True, True, False))
            self.assertEqual((state["data"]["window_start"], state["data"]["window_end"]), (1_200, 1_200))
            self.assertEqual([each["event"]["data"]["heat"] for each in events_of([state])], [0.3, 0.2, 0.1])
            self.assertEqual([each["data"]["window_start"] for each in batches], [1_200, 1_250, 1_300])
            self.assertEqual((end["batches"], end["events"]), (3, 3))

    def test_of_an_empty_state_nothing_is_said(self) -> None:
        log = memory_log()
        log.append(draft(1_000, [heat(1)]))
        conversation = Conversation(log, projection=followed(log))
        conversation.tell(type="history", from_ms=0, to_ms=2_000, state=True)
        self.assertEqual(["snapshot" in each for each in conversation.hear_all()], [False, False])
