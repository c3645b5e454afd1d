"""Tests of ``vizd.stream.thin``, through the session that it is part of."""

from typing import Any

from tests.log.test_memory import seal_early
from tests.stream.conversation import Conversation
from tests.stream.made import made, memory_log
from tests.stream.thin_line import StreamCase, batches, events_of, heats, slots_of, swims
from vizd.log.segment import Segment
from vizd.stream import conflated as conflated_module
from vizd.stream import passing as passing_module
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.position import position_to_text
from vizd.stream.snapshot import StateWish


def times(heard: list[dict[str, Any]]) -> list[int]:
    """The ``ts`` of the transitions in these, snapshots apart."""
    live = [each for each in heard if "snapshot" not in each]
    return [each["ts"] for each in events_of(live) if each["event"]["type"] == "Swim"]


def counted(heard: list[dict[str, Any]]) -> int:
    return sum(each.get("of", 0) for each in heard)


class ThinCase(StreamCase):
    """A log that lets go of what is old, where a test wants that."""

    def short_log(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 300)
        self.use(memory_log(max_age_ms=2_000))

    def sealing_log(self) -> None:
        seal_early(self.patch)
        self.use(memory_log())

    def text(self) -> str:
        return position_to_text(self.log.epoch, self.log.head)

    def come_back(self, position: str | None, kbps: int = 20, **wish: Any) -> Conversation:
        client = Conversation(
            self.log, wish.pop("encoder", JSON), projection=self.projection, max_kbps=kbps, streams=self.streams,
            now_ms=self.now_ms, position=position, **wish,
        )  # fmt: skip
        self.clients.append(client)
        return client


class BeginTests(ThinCase):
    """How a connection begins."""

    def test_without_a_position_and_state_it_begins_at_the_head(self) -> None:
        self.window(*swims(3))
        client = self.come_back(None)
        self.assertEqual(client.connected["position"], self.text())
        self.assertEqual(client.hear_all(), [])

    def test_the_state_comes_first_and_has_the_position(self) -> None:
        self.window(*swims(1), *heats(range(2)))
        client = self.come_back(None, state=StateWish.NEWEST)
        self.assertNotIn("position", client.connected)
        [state] = client.hear_all()
        self.assertEqual((state["snapshot"], state["position"]), (True, self.text()))
        self.assertEqual(len(state["data"]["events"]), 3)

    def test_what_of_the_state_has_no_room_comes_beside_the_stream(self) -> None:
        self.window(*heats(range(100)))
        client = self.client(50, state=StateWish.NEWEST)
        heard: list[dict[str, Any]] = []
        for turn in range(400):
            self.window(*swims(1, turn))
            heard += client.hear_all()
            self.assertEqual(times(heard), list(range(1, turn + 2)), "live transitions do not wait for it")
        state = [each for each in heard if "snapshot" in each]
        self.assertTrue(all("position" not in each and "truncated" not in each for each in state))
        self.assertGreater(len(state), 3)
        self.assertEqual(len(set(slots_of(heard))), len(slots_of(heard)))

    def test_on_a_line_too_thin_for_that_it_is_truncated_and_no_more_comes(self) -> None:
        self.window(*swims(1), *heats(range(100)))
        client = self.come_back(None, 8, state=StateWish.NEWEST)
        [state] = client.hear_all()
        self.assertTrue(state["truncated"])
        self.assertEqual(batches(self.silence(60, client)[0]), [])

    def test_who_brings_a_position_gets_the_transitions_since_and_then_the_state(self) -> None:
        position = self.text()
        for turn in range(10):
            self.window(*swims(2, 2 * turn), *heats(range(5), ts=turn + 1))
        client = self.come_back(position, state=StateWish.NEWEST)
        self.assertEqual(client.connected["position"], position)
        since, state, *_ = client.hear_all()
        self.assertEqual((times([since]), since["sent"], since["of"]), (list(range(1, 21)), 20, 70))
        self.assertTrue(state["snapshot"])

    def test_who_wants_no_state_gets_only_the_transitions_and_the_counts(self) -> None:
        position = self.text()
        for turn in range(10):
            self.window(*swims(2, 2 * turn), *heats(range(5)))
        [since] = self.come_back(position).hear_all()
        self.assertEqual((since["sent"], since["of"]), (20, 70))

    def test_where_nothing_but_gauges_has_happened_it_is_counted_at_the_head(self) -> None:
        position = self.text()
        for _ in range(10):
            self.window(*heats(range(5)))
        [since] = self.come_back(position).hear_all()
        self.assertEqual((since["sent"], since["of"], since["position"]), (0, 50, self.text()))

    def test_a_position_of_another_life_is_a_gap_and_the_state(self) -> None:
        self.window(*swims(1))
        client = self.come_back("nonsense", state=StateWish.NEWEST)
        self.assertNotIn("position", client.connected)
        gap, state = client.hear_all()
        self.assertEqual((gap["reason"], gap["windows"], gap["position"]), ("restart", None, self.text()))
        self.assertTrue(state["snapshot"])


class BehindTests(ThinCase):
    """Further away than a second."""

    def test_transitions_come_page_by_page_each_once_and_all_is_counted(self) -> None:
        self.sealing_log()
        for encoder in (JSON, MESSAGEPACK):
            position, first = self.text(), self.log.head.total_events
            for turn in range(150):
                self.window(*swims(2, 2 * turn), *heats(range(3)))
            client = self.come_back(position, encoder=encoder)
            self.assertIsNotNone(client.session.wants())
            heard = client.hear_all()
            self.assertEqual(times(heard), list(range(1, 301)))
            self.assertEqual(counted(heard), self.log.head.total_events - first)
            self.assertEqual(client.session.described()["lag_windows"], 0)

    def test_a_message_ends_at_the_window_that_fills_it(self) -> None:
        self.patch(passing_module, "MAX_EVENTS", 25)
        position = self.text()
        for turn in range(15):
            self.window(*swims(10, 10 * turn), *heats(range(1)))
        heard = self.come_back(position).hear_all()
        self.assertEqual([(each["sent"], each["of"]) for each in heard], [(30, 33)] * 5)
        self.assertEqual(times(heard), list(range(1, 151)))

    def test_only_what_the_filter_lets_pass_is_sent_and_counted(self) -> None:
        position = self.text()
        for turn in range(10):
            self.window(*swims(1, turn), made("Raft.LeaderElected", shard=turn, node=1, term=1), *heats(range(9)))
        [since] = self.come_back(position, by=Filter.of(["raft", "heat"])).hear_all()
        self.assertEqual((since["sent"], since["of"], since["data"]["summary"]["swim_count"]), (10, 100, 0))

    def test_what_the_log_has_let_go_of_is_a_gap_and_then_comes_the_rest_and_the_state(self) -> None:
        self.short_log()
        self.window(*swims(1))
        position = self.text()
        for turn in range(300):
            self.window(*swims(1, turn + 1))
        client = self.come_back(position, state=StateWish.NEWEST)
        heard = client.hear_all()
        gap = heard[0]
        self.assertEqual((gap["type"], gap["reason"]), ("gap", "budget"))
        self.assertEqual(gap["windows"], gap["events"])
        self.assertEqual(times(heard), list(range(gap["windows"] + 2, 302)))
        self.assertTrue(any("snapshot" in each for each in heard))
        self.assertEqual(client.session.described()["gaps"], {"budget": 1})

    def test_what_is_let_go_of_while_it_stalls_is_a_gap_too(self) -> None:
        self.short_log()
        ours = self.client(20)
        for turn in range(300):
            self.window(*swims(1, turn))
        heard = ours.hear_all()
        self.assertEqual((heard[0]["reason"], heard[0]["windows"] + len(times(heard))), ("budget", 300))


class ClientWordTests(ThinCase):
    """What a client may say."""

    def test_a_filter_holds_from_the_next_batch_on(self) -> None:
        client = self.client(20)
        client.tell(type="filter", types=["swim"])
        self.window(*swims(1), *heats(range(3)))
        [batch] = client.hear_all()
        self.assertEqual((batch["sent"], batch["of"]), (1, 1))
        client.tell(type="filter")
        self.window(*swims(1), *heats(range(3)))
        self.assertEqual(counted(client.hear_all()), 4)
        self.assertEqual(len(self.streams), 1, "it has left the other one")

    def test_the_state_comes_under_the_new_filter_if_it_is_asked_for(self) -> None:
        client = self.client(50, state=StateWish.NONE)
        self.window(*swims(1), *heats(range(3)))
        client.hear_all()
        client.tell(type="filter", types=["swim"], state=True)
        [state] = client.hear_all()
        self.assertEqual((state["snapshot"], len(state["data"]["events"])), (True, 1))

    def test_a_wrong_filter_changes_nothing(self) -> None:
        client = self.client(20)
        client.tell(type="filter", types=["waal"])
        self.window(*swims(1), *heats(range(2)))
        error, batch = client.hear_all()
        self.assertEqual((error["type"], batch["of"]), ("error", 3))

    def test_who_pauses_hears_nothing_and_on_resume_what_was_passed_over(self) -> None:
        client = self.client(20)
        client.tell(type="pause")
        for turn in range(5):
            self.window(*swims(2, turn))
        self.assertEqual(client.hear_all(), [])
        self.assertTrue(client.session.described()["paused"])
        self.assertEqual(len(self.streams), 0, "it reads nothing meanwhile")
        client.tell(type="resume")
        [gap] = client.hear_all()
        self.assertEqual((gap["reason"], gap["windows"], gap["events"]), ("paused", 5, 10))
        self.window(*swims(1))
        self.assertEqual(counted(client.hear_all()), 1)

    def test_or_with_catch_up_the_transitions_and_no_gap(self) -> None:
        client = self.client(20)
        client.tell(type="pause")
        for turn in range(5):
            self.window(*swims(2, 2 * turn), *heats(range(3)))
        client.tell(type="resume", catch_up=True)
        heard = client.hear_all()
        self.assertEqual((times(heard), counted(heard)), (list(range(1, 11)), 25))
        self.assertEqual({each["type"] for each in heard}, {"batch"})

    def test_a_resume_without_a_pause_is_nothing(self) -> None:
        client = self.client(20)
        client.tell(type="resume")
        self.assertEqual(client.hear_all(), [])

    def test_a_history_comes_whole_and_live_batches_between(self) -> None:
        for turn in range(5):
            self.window(*heats(range(100)), *swims(1, turn))
        client = self.client(20)
        client.tell(type="history", from_ms=0, to_ms=10**10)
        client.feed()
        self.window(*swims(1, 99))
        heard = client.hear_all()
        past = [each for each in heard if each.get("history")]
        self.assertEqual(len(events_of(past)), 505)
        self.assertEqual(times([each for each in batches(heard) if "history" not in each]), [100])
        self.assertEqual(heard[-1]["type"], "history_end")


class PlaceTests(ThinCase):
    """What it says of where it stands."""

    def test_a_position_comes_every_5_s_if_nothing_else_does(self) -> None:
        client = self.client(20, by=Filter.of(["cache"]))
        [heard] = self.silence(11, client)
        self.assertEqual([each["type"] for each in heard], ["position"] * 2)
        self.assertEqual(self.come_back(heard[-1]["position"]).connected["position"], heard[-1]["position"])

    def test_none_comes_that_would_hide_what_is_still_to_be_counted(self) -> None:
        client = self.client(1)
        self.window(*heats(range(5)))
        [heard] = self.silence(20, client)
        self.assertEqual(heard, [])
        self.window(*swims(1))
        self.assertEqual(counted(client.hear_all()), 6)

    def test_who_has_taken_all_there_was_to_say_does_not_lag(self) -> None:
        client = self.client(20)
        self.window(*heats(range(500)))
        client.hear_all()
        self.window(*heats(range(500)))
        client.hear_all()
        described = client.session.described()
        self.assertEqual((described["max_kbps"], described["lag_windows"], described["lag_ms"]), (20, 0, 0))

    def test_who_has_not_does(self) -> None:
        ours, theirs = self.client(20), self.client(20)
        for turn in range(3):
            self.window(*swims(1, turn))
            theirs.hear_all()
        described = ours.session.described()
        self.assertEqual((described["lag_windows"], described["lag_ms"]), (3, 1_000_150))
        ours.hear()
        self.assertEqual(ours.session.described()["lag_ms"], 100)

    def test_the_stream_has_the_whole_budget_again_once_the_state_has_come(self) -> None:
        self.window(*heats(range(60)))
        client = self.client(100, state=StateWish.NEWEST)
        stream = self.streams.of(Filter.of(), JSON, 100, self.now_ms)
        self.assertEqual(stream.catching_up, 1)
        self.silence(20, client)
        self.assertEqual(stream.catching_up, 0)

    def test_one_that_goes_while_the_state_still_comes_leaves_nothing_behind(self) -> None:
        self.patch(conflated_module, "WORTH_BYTES", 500)
        self.window(*heats(range(900)))
        ours, theirs = self.client(100, state=StateWish.NEWEST), self.client(100)
        stream = self.streams.of(Filter.of(), JSON, 100, self.now_ms)
        ours.session.close()
        theirs.session.close()
        self.assertEqual((stream.catching_up, stream.readers, len(self.streams)), (0, 0, 0))
