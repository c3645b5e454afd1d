"""Tests of ``vizd.stream.conflated``."""

import json
from itertools import pairwise
from typing import Any

from tests.log.test_memory import seal_early
from tests.stream.conversation import Conversation
from tests.stream.made import fsyncs, made
from tests.stream.thin_line import StreamCase, batches, events_of, heats, slots_of, swims
from vizd.stream import conflated as conflated_module
from vizd.stream import streams as streams_module
from vizd.stream.conflated import KEPT_FRAMES, worth_bytes
from vizd.stream.encoding import MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame
from vizd.stream.snapshot import StateWish


def frames_of(client: Conversation) -> list[Frame]:
    """As the socket would get them."""
    frames = []
    while frame := client.session.pull(client.now_ms):
        frames.append(frame)
    return frames


class BatchTests(StreamCase):
    """What is said, and when."""

    def test_a_batch_says_what_it_holds_and_what_has_happened(self) -> None:
        client = self.client()
        self.window(*fsyncs(30), *swims(2), made("Raft.VoteReq"))
        [batch] = client.hear_all()
        self.assertEqual(list(batch), ["type", "data", "position", "sent", "of"])
        self.assertEqual((batch["sent"], batch["of"]), (4, 33))
        summary = batch["data"]["summary"]
        self.assertEqual((summary["wal_count"], summary["swim_count"], summary["raft_count"]), (30, 2, 1))
        self.assertEqual([each["event"]["type"] for each in batch["data"]["events"]], ["Swim", "Swim", "Wal", "Raft"])

    def test_transitions_go_at_once_whatever_the_line(self) -> None:
        for kbps in (1, 20, 10_000):
            client = self.client(kbps)
            for turn in range(50):
                self.window(*swims(3, turn))
                self.assertEqual(len(events_of(client.hear_all())), 3, (kbps, turn))

    def test_a_line_that_has_room_gets_all_there_is_of_each_window_at_once(self) -> None:
        client = self.client(10_000)
        for turn in range(40):
            self.window(*heats(range(5), ts=turn + 1))
            [batch] = client.hear_all()
            self.assertEqual((batch["sent"], batch["of"], batch["data"]["events"][0]["ts"]), (5, 5, turn + 1))

    def test_what_surrounds_a_batch_is_not_wasted_on_little(self) -> None:
        client = self.client(20)
        heard = []
        for turn in range(200):
            self.window(*heats(range(60), ts=turn + 1))
            heard += client.hear_all()
        sizes = [len(json.dumps(each)) for each in batches(heard)]
        self.assertGreater(min(sizes), 0.7 * worth_bytes(20))
        self.assertGreater(len(sizes), 7, "10 seconds")

    def test_counts_add_up_to_what_has_happened(self) -> None:
        client = self.client(20)
        heard = []
        for turn in range(200):
            self.window(*fsyncs(turn % 7), *heats(range(turn % 90)), *swims(turn % 11 == 0))
            heard += client.hear_all()
        self.window(*swims(1))
        heard += client.hear_all()
        self.assertEqual(sum(each["of"] for each in batches(heard)), self.log.head.total_events)
        for each in batches(heard):
            self.assertEqual(each["of"], sum(each["data"]["summary"].values()))
            self.assertEqual(each["sent"], len(each["data"]["events"]))

    def test_its_bounds_are_the_hull_of_the_windows_that_it_counts(self) -> None:
        client = self.client(20)
        self.window(*heats(range(200)))
        client.hear_all()
        starts = []
        for _ in range(6):
            starts.append(1_000_000 + int(self.now_ms))
            self.window(*heats(range(200)))
        self.window(*swims(1))
        [*_, batch] = batches(client.hear_all())
        self.assertEqual(
            (batch["data"]["window_start"], batch["data"]["window_end"]), (starts[0], 1_000_000 + self.now_ms)
        )

    def test_a_batch_of_nothing_but_what_has_waited_counts_nothing_and_ends_where_it_begins(self) -> None:
        client = self.client(20)
        self.window(*heats(range(200)))
        client.hear_all()
        [heard] = self.silence(1, client)
        [batch] = heard
        self.assertGreater(batch["sent"], 5)
        self.assertEqual((batch["of"], sum(batch["data"]["summary"].values())), (0, 0))
        self.assertEqual((batch["data"]["window_start"], batch["data"]["window_end"]), (1_001_050, 1_001_050))

    def test_it_is_the_same_in_messagepack(self) -> None:
        clients = self.client(20), self.client(20, MESSAGEPACK)
        self.window(*swims(3), *heats(range(3)), made("Cache", name="blocks", hit_ratio=0.5))
        ours, theirs = (client.hear_all() for client in clients)
        self.assertEqual(theirs, ours)
        self.assertEqual(theirs[0]["sent"], 7)

    def test_a_filter_that_lets_nothing_pass_costs_nothing(self) -> None:
        client = self.client(20, by=Filter.of(["Cache"]))
        for _ in range(20):
            self.window(*fsyncs(100), *swims(3))
            self.assertEqual(client.hear_all(), [])

    def test_a_message_ends_at_the_window_that_fills_it(self) -> None:
        client = self.client(20)
        for turn in range(3):
            self.window(*swims(9_000, 9_000 * turn))
        sizes = [each["sent"] for each in batches(client.hear_all())]
        self.assertEqual(sizes, [18_000, 9_000])


class FairnessTests(StreamCase):
    """Who goes when there is not room for all."""

    def test_each_of_1000_keys_is_sent_within_one_round_though_some_change_in_every_window(self) -> None:
        client = self.client(200)
        turns: dict[int, list[int]] = {}
        for turn in range(200):
            changed = set(range(50)) | {(turn * 37 + each) % 1_000 for each in range(100)}
            self.window(*heats(sorted(changed) if turn else range(1_000), ts=turn + 1))
            for slot in slots_of(client.hear_all()):
                turns.setdefault(slot, []).append(turn)
        self.assertEqual(sorted(turns), list(range(1_000)))
        often = [turns[slot] for slot in range(50)]
        for at in often:
            # 25,000 bytes a second, 95 for each: a round takes four to five seconds.
            self.assertLess(max(later - earlier for earlier, later in pairwise(at)), 130, "windows")

    def test_phases_and_logs_are_not_delayed_by_a_flood_of_gauges(self) -> None:
        client = self.client(50)
        since: dict[int, int] = {}
        for turn in range(200):
            rare = [made("Lsm.L0Stall", node=turn, ts=10_000 + turn), made("Raft.VoteReq", ts=20_000 + turn)]
            self.window(*heats(range(300), ts=turn + 1), *(rare if turn % 10 == 0 else []))
            if turn % 10 == 0:
                since |= {10_000 + turn: turn, 20_000 + turn: turn}
            for event in events_of(client.hear_all()):
                if event["ts"] in since:
                    self.assertLess(turn - since.pop(event["ts"]), 40, "two seconds")
        self.assertLess(len(since), 10)

    def test_an_event_larger_than_a_batch_may_be_is_left_out_and_blocks_nothing(self) -> None:
        self.patch(conflated_module, "WORTH_BYTES", 500)
        client = self.client(20)
        self.window(made("Cache", name="x" * 250), *heats(range(4)))
        heard = client.hear_all() + self.silence(10, client)[0]
        self.assertEqual([each["event"]["type"] for each in events_of(heard)], ["SlotHeat"] * 4)
        self.assertEqual(sum(each["of"] for each in batches(heard)), 5, "it is counted all the same")


class BudgetTests(StreamCase):
    """What it comes to."""

    def went(self, client: Conversation, seconds: int, events: Any) -> list[tuple[float, int]]:
        """When how many bytes, if each window brings ``events(turn)``."""
        found = []
        for turn in range(seconds * 20):
            self.window(*events(turn))
            found += [(self.now_ms, len(frame.payload)) for frame in frames_of(client)]
        return found

    def test_it_is_kept_over_any_two_seconds_and_most_of_it_is_used(self) -> None:
        for kbps in (20, 500):
            client = self.client(kbps)
            found = self.went(client, 8, lambda turn: heats(range(turn % 3, 300, 3), ts=turn + 1))
            for now_ms, _ in found:
                span = [size for then_ms, size in found if 0 <= now_ms - then_ms <= 2_000]
                self.assertLessEqual(sum(span), kbps * 250, kbps)
            self.assertGreater(sum(size for _, size in found), 0.7 * 8 * kbps * 125, kbps)

    def test_a_burst_of_transitions_comes_at_once_and_the_rest_when_it_is_paid_for(self) -> None:
        client = self.client(20)
        self.window(*heats(range(50)))
        client.hear_all()
        burst = swims(5_000)
        self.window(*burst)
        [batch] = client.hear_all()
        transitions = [json.loads(text) for _, text in burst]
        self.assertEqual(batch["data"]["events"], transitions, "all of them, in order, each once")
        owed_s = int(len(json.dumps(batch, separators=(",", ":"))) / 2_500)
        self.assertGreater(owed_s, 100)
        self.window(*heats(range(50), ts=9))
        for _ in range(owed_s - 2):
            self.window(length_ms=1_000)
            self.assertEqual([each["type"] for each in client.hear_all() if each["type"] != "position"], [])
        [heard] = self.silence(owed_s // 4 + 30, client)
        newest = {each["event"]["data"]["slot"]: each for each in events_of(heard)}
        self.assertEqual({each["ts"] for each in newest.values()}, {9})
        self.assertEqual(sorted(newest), list(range(50)))
        self.assertEqual(len(slots_of(heard)), 50, "each once")

    def test_transitions_go_on_coming_while_the_line_owes(self) -> None:
        client = self.client(20)
        self.window(*swims(2_000))
        client.hear_all()
        for turn in range(20):
            self.window(*swims(1, turn), *heats(range(5)))
            [batch] = client.hear_all()
            self.assertEqual((batch["sent"], batch["of"]), (1, 6))

    def test_a_tiny_budget_gets_transitions_and_counts_and_nothing_breaks(self) -> None:
        client = self.client(1)
        heard = []
        for turn in range(100):
            rare = swims(1, turn) if turn % 20 == 0 else []
            self.window(*heats(range(50)), *fsyncs(20), made("Lsm.L0Stall"), made("Raft.VoteReq"), *rare)
            heard += client.hear_all()
        heard += self.silence(100, client)[0]
        self.assertEqual([each["event"]["type"] for each in events_of(heard)], ["Swim"] * 5)
        self.assertEqual(sum(each["of"] for each in batches(heard)), 81 * 72 + 5)

    def test_what_waits_on_a_silent_cluster_comes_with_a_window_a_second(self) -> None:
        client = self.client(20)
        self.window(*heats(range(150)), made("Lsm.L0Stall"), *[made("Raft.VoteReq")] * 10)
        heard = client.hear_all()
        [silent] = self.silence(15, client)
        self.assertEqual(sorted(slots_of(heard + silent)), list(range(150)))
        self.assertEqual(len(events_of(heard + silent)), 161)
        self.assertFalse(self.streams.are_waiting)

    def test_it_comes_as_soon_as_there_is_room_though_the_log_does_not_grow(self) -> None:
        client = self.client(1_000)
        self.window(*heats(range(3_000)))
        heard = client.hear_all()
        for _ in range(40):
            self.assertTrue(self.streams.are_waiting or len(slots_of(heard)) == 3_000)
            self.pass_time(100)
            heard += client.hear_all()
        self.assertEqual(sorted(slots_of(heard)), list(range(3_000)))

    def test_a_batch_is_worth_its_surroundings_on_any_line(self) -> None:
        sizes = [worth_bytes(kbps) for kbps in (1, 8, 20, 150, 10_000)]
        self.assertEqual(sizes, sorted(sizes))
        self.assertEqual((sizes[-1], sizes[0] < 125), (2_000, True))


class SharingTests(StreamCase):
    """Clients with the same filter, encoding and budget."""

    def test_they_get_the_same_frame(self) -> None:
        ours, theirs = self.client(20), self.client(20)
        for turn in range(100):
            self.window(*heats(range(100), ts=turn + 1), *swims(turn % 5 == 0))
            for one, other in zip(frames_of(ours), frames_of(theirs), strict=True):
                self.assertIs(one, other)
        self.assertEqual(len(self.streams), 1)

    def test_another_budget_filter_or_encoding_is_another_stream(self) -> None:
        for wish in ({}, {"kbps": 21}, {"by": Filter.of(["wal"])}, {"encoder": MESSAGEPACK}, {}):
            self.client(**wish)
        self.assertEqual(len(self.streams), 4)

    def test_a_stream_is_gone_with_its_last_reader(self) -> None:
        ours, theirs = self.client(20), self.client(20)
        ours.session.close()
        self.assertEqual(len(self.streams), 1)
        theirs.session.close()
        self.assertEqual((len(self.streams), self.streams.are_waiting), (0, False))

    def test_one_that_comes_between_two_batches_counts_only_what_came_after_it(self) -> None:
        early = self.client(20)
        self.window(*heats(range(200)))
        early.hear_all()
        self.window(*heats(range(100, 200)), *fsyncs(50))
        early.hear_all()
        late = self.client(20)
        joined_ms = 1_000_000 + int(self.now_ms)
        self.window(*fsyncs(7), *swims(1))
        [before], [after] = early.hear_all(), late.hear_all()
        self.assertEqual((before["of"], after["of"]), (158, 8))
        self.assertEqual(after["data"]["summary"]["wal_count"], 7)
        self.assertEqual(after["data"]["window_start"], joined_ms)
        self.assertEqual(after["data"]["events"], before["data"]["events"])
        self.window(*swims(1))
        [ours], [theirs] = frames_of(early), frames_of(late)
        self.assertIs(ours, theirs, "from the next batch on")

    def test_200_budgets_look_at_a_window_once(self) -> None:
        clients = [self.client(10 + number) for number in range(200)]
        self.window(*heats(range(100)), *swims(1))
        window = self.log.after(self.clients[0].cursor.position)
        found = [(client.hear_all(), self.source.digest(window, Filter.of()))[1] for client in clients]
        self.assertEqual((len(self.streams), len(set(map(id, found)))), (200, 1))

    def test_where_nothing_passes_that_is_remembered_too(self) -> None:
        self.window(*fsyncs(3))
        window = self.log.after(self.log.oldest)
        for by in (Filter.of(["raft"]), Filter.of(["wal"], [7])):
            self.assertEqual([self.source.digest(window, by) for _ in range(2)], [None, None])

    def test_keys_that_wait_are_bounded_over_all_streams(self) -> None:
        self.assertEqual(self.streams.max_waiting_keys, 500_000)
        for number in range(4):
            self.client(20 + number)
        self.assertEqual(self.streams.max_waiting_keys, 125_000)
        self.patch(streams_module, "MAX_WAITING_KEYS", 400)
        self.assertEqual(self.streams.max_waiting_keys, 500)
        self.window(*heats(range(2_000)))
        for client in self.clients:
            client.hear_all()
        [heard, *_] = self.silence(60, *self.clients)
        self.assertLessEqual(len(slots_of(heard)), 500)


class StallTests(StreamCase):
    """A reader that takes nothing for a while."""

    def test_up_to_some_frames_it_takes_what_the_others_took(self) -> None:
        ours, theirs = self.client(20), self.client(20)
        taken = []
        for turn in range(KEPT_FRAMES):
            self.window(*swims(1, turn))
            taken += frames_of(ours)
        late = frames_of(theirs)
        self.assertEqual(len(late), KEPT_FRAMES)
        for one, other in zip(taken, late, strict=True):
            self.assertIs(one, other)

    def test_further_behind_it_leaves_and_comes_back_with_all_transitions_and_counts(self) -> None:
        ours, theirs = self.client(20), self.client(20)
        heard = []
        for turn in range(KEPT_FRAMES * 2):
            self.window(*swims(1, turn), *fsyncs(4))
            heard += ours.hear_all()
        late = theirs.hear_all()
        for each in (heard, late):
            transitions = [event["ts"] for event in events_of(each) if event["event"]["type"] == "Swim"]
            self.assertEqual(transitions, list(range(1, KEPT_FRAMES * 2 + 1)))
            self.assertEqual(sum(batch["of"] for batch in batches(each)), KEPT_FRAMES * 2 * 5)
        self.assertLess(len(late), 5)
        self.window(*swims(1))
        [one], [other] = frames_of(ours), frames_of(theirs)
        self.assertIs(one, other, "it has joined again")

    def test_it_gets_the_state_that_has_changed_meanwhile(self) -> None:
        ours = self.client(50, state=StateWish.NEWEST)
        self.client(50, state=StateWish.NEWEST)
        self.window(*heats(range(10)))
        self.silence(5, *self.clients)
        for turn in range(KEPT_FRAMES + 5):
            self.window(*swims(1, turn), *heats(range(5), ts=turn + 2))
            self.clients[1].hear_all()
        [heard] = self.silence(10, ours)
        newest = {each["event"]["data"]["slot"]: each["ts"] for each in events_of(heard) if "slot" in str(each)}
        self.assertEqual({slot: newest[slot] for slot in range(5)}, dict.fromkeys(range(5), KEPT_FRAMES + 6))

    def test_it_delays_nobody(self) -> None:
        ours, _ = self.client(20), self.client(20)
        for turn in range(KEPT_FRAMES * 3):
            self.window(*swims(1, turn))
            self.assertEqual(len(events_of(ours.hear_all())), 1)

    def test_kept_frames_are_bounded_in_bytes_too(self) -> None:
        self.patch(conflated_module, "KEPT_BYTES", 10_000)
        ours, theirs = self.client(20), self.client(20)
        for turn in range(5):
            self.window(*swims(50, 50 * turn))
            ours.hear_all()
        [batch] = batches(theirs.hear_all())
        self.assertEqual((batch["sent"], batch["of"]), (250, 250), "it had to leave, and is told once of all")

    def test_if_nobody_has_looked_for_long_all_come_back(self) -> None:
        seal_early(self.patch)
        clients = [self.client(20), self.client(20)]
        for turn in range(60):
            self.window(*swims(1, turn), *fsyncs(2))
        for client in clients:
            heard = client.hear_all()
            self.assertEqual([event["ts"] for event in events_of(heard)], list(range(1, 61)))
            self.assertEqual(sum(each["of"] for each in batches(heard)), 180)
        self.assertEqual(len(self.streams), 1)
