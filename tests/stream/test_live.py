"""Tests of ``vizd.stream.live``, through the session that holds it."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.log.test_memory import seal_early
from tests.stream.conversation import Conversation, append, numbers
from tests.stream.made import draft, made, memory_log
from vizd.log.memory import MemoryLog
from vizd.log.segment import Segment
from vizd.log.window import Position
from vizd.stream import live as live_module
from vizd.stream.encoding import MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.position import position_from_text, position_to_text


def kinds(heard: list[dict[str, Any]]) -> list[str]:
    return [each["type"] for each in heard]


def gaps(heard: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in heard if each["type"] == "gap"]


def lag(conversation: Conversation) -> tuple[int, int]:
    said = conversation.session.described()
    return said["lag_windows"], said["lag_ms"]


class LiveTests(SynchronousTestCase):
    """At the head."""

    def test_it_begins_at_the_head(self) -> None:
        log = memory_log()
        append(log, 0)
        conversation = Conversation(log)
        self.assertEqual((conversation.session.due(0), conversation.hear()), (None, None))
        append(log, 1)
        self.assertEqual(conversation.session.due(0), 0)
        self.assertEqual(numbers(conversation.hear_all()), [1])

    def test_what_has_come_since_the_last_time_is_one_batch_with_the_hull_of_its_windows(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        for number in range(3):
            append(log, number)
        append(log, 0, count=0)
        [batch] = conversation.hear_all()
        self.assertEqual(numbers([batch]), [0, 1, 2])
        self.assertEqual((batch["data"]["window_start"], batch["data"]["window_end"]), (1_000, 1_150))
        self.assertEqual(list(batch), ["type", "data", "position"])

    def test_windows_without_a_matching_event_are_not_sent(self) -> None:
        log = memory_log()
        conversation = Conversation(log, by=Filter.of(nodes=[7]))
        for number in range(4):
            append(log, number, node=1 if number % 2 else 7)
        log.append(draft(9_000))
        [batch] = conversation.hear_all()
        self.assertEqual(numbers([batch]), [0, 2])
        self.assertEqual((batch["data"]["window_start"], batch["data"]["window_end"]), (1_000, 1_150))
        self.assertIsNone(conversation.session.due(0))

    def test_a_message_ends_at_the_window_that_brings_it_to_ten_thousand_events(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        for number in range(4):
            append(log, 5_000 * number, 5_000)
        heard = conversation.hear_all()
        self.assertEqual([len(each["data"]["events"]) for each in heard], [10_000, 10_000])
        self.assertEqual(numbers(heard), list(range(20_000)))

    def test_a_message_ends_at_the_window_that_brings_it_to_a_mebibyte(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        event = made("Cache", name="x" * 250)
        for number in range(5):
            log.append(draft(1_000 + number, [event] * 2_000))
        sizes = [len(each["data"]["events"]) * len(event[1]) for each in conversation.hear_all()]
        self.assertEqual(len(sizes), 3)
        self.assertTrue(1 << 20 <= sizes[0] < (1 << 20) + 2_000 * len(event[1]), sizes)

    def test_batches_events_and_bytes_are_counted(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        append(log, 0, 3)
        conversation.hear_all()
        append(log, 3, 2)
        conversation.tell(type="history", from_ms=0, to_ms=1_050)
        conversation.tell(type="ping")
        before = conversation.session.sent.size_bytes
        conversation.hear_all()
        self.assertEqual((conversation.session.sent.batches, conversation.session.sent.events), (3, 8))
        self.assertGreater(conversation.session.sent.size_bytes - before, 5 * 90)


class PositionTests(SynchronousTestCase):
    """Where a client stands, and that it is told."""

    def place(self, log: MemoryLog, message: dict[str, Any]) -> Position:
        return position_from_text(log.epoch, message["position"])

    def test_connected_and_every_batch_say_where_the_client_stands(self) -> None:
        log = memory_log()
        append(log, 0, 3)
        conversation = Conversation(log)
        self.assertEqual(self.place(log, conversation.connected), Position(1, 3, 1_050))
        append(log, 3, 2)
        append(log, 0, count=0)
        [batch] = conversation.hear_all()
        self.assertEqual(self.place(log, batch), Position(3, 5, 1_150), "behind the window without events, too")

    def test_equal_clients_get_one_frame_and_others_that_stand_elsewhere_do_not(self) -> None:
        log = memory_log()
        conversations = [Conversation(log) for _ in range(2)]
        append(log, 0)
        self.assertEqual(*(each.hear_all() for each in conversations))
        held = conversations[0]
        held.tell(type="pause")
        append(log, 1)
        conversations[1].hear_all()
        append(log, 0, count=0)
        conversations[1].hear_all()
        held.tell(type="resume", catch_up=True)
        [batch] = held.hear_all()
        self.assertEqual(self.place(log, batch), log.head)

    def test_a_client_whose_filter_matches_nothing_is_told_its_position_every_five_seconds(self) -> None:
        log = memory_log()
        conversation = Conversation(log, by=Filter.of(["swim"]))
        told = []
        for number in range(301):
            append(log, number)
            conversation.now_ms = 50 * (number + 1)
            told += [(conversation.now_ms, each) for each in conversation.hear_all()]
        self.assertEqual([at_ms for at_ms, _ in told], [5_000, 10_000, 15_000])
        for at_ms, message in told:
            self.assertEqual(set(message), {"type", "position"})
            self.assertEqual(self.place(log, message).seq, at_ms / 50)

    def test_whoever_gets_batches_or_is_held_or_has_not_moved_is_not(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        append(log, 0)
        conversation.now_ms = 7_000
        self.assertEqual(kinds(conversation.hear_all()), ["batch"])
        conversation.now_ms = 20_000
        self.assertEqual(conversation.hear_all(), [])
        conversation.tell(type="pause")
        append(log, 1)
        self.assertEqual(conversation.hear_all(), [])


class ResumeTests(SynchronousTestCase):
    """A client that comes back with its position."""

    def setUp(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 1_000)
        self.log = memory_log(max_age_ms=20_000)
        self.first = Conversation(self.log)
        append(self.log, 0)
        [batch] = self.first.hear_all()
        self.position = batch["position"]

    def fill(self, first: int, stop: int) -> None:
        for number in range(first, stop):
            append(self.log, number)

    def test_it_goes_on_behind_it_without_a_seam_from_the_past_into_live(self) -> None:
        self.fill(1, 300)
        self.assertGreater(self.log.tail.seq, 250)
        for encoder in (None, MESSAGEPACK):
            again = Conversation(self.log, *([encoder] if encoder else []), position=self.position)
            self.assertEqual(again.connected["position"], self.position)
            heard = again.hear_all()
            self.assertEqual(numbers(heard), list(range(1, 300)))
            self.assertEqual(set(kinds(heard)), {"batch"})
            self.assertTrue(all("history" not in each for each in heard))
        self.fill(300, 310)
        self.assertEqual(numbers(again.hear_all()), list(range(300, 310)))

    def test_it_comes_in_few_messages(self) -> None:
        self.fill(1, 300)
        heard = Conversation(self.log, position=self.position).hear_all()
        self.assertLess(len(heard), 5)

    def test_from_the_head_it_goes_on_at_once(self) -> None:
        again = Conversation(self.log, position=self.position)
        self.assertEqual((again.connected["position"], again.hear_all()), (self.position, []))

    def test_from_the_beginning_of_the_log_it_gets_everything(self) -> None:
        begins = position_to_text(self.log.epoch, Position(0, 0, None))
        self.fill(1, 30)
        self.assertEqual(numbers(Conversation(self.log, position=begins).hear_all()), list(range(30)))

    def test_one_that_was_trimmed_is_one_gap_and_then_what_is_left(self) -> None:
        self.fill(1, 1_000)
        again = Conversation(self.log, position=self.position)
        self.assertNotIn("position", again.connected)
        oldest = self.log.oldest
        gap, *rest = again.hear_all()
        self.assertEqual(
            gap,
            {"type": "gap", "from_ms": 1_050, "to_ms": self.log.oldest_start_ms, "windows": oldest.seq - 1,
             "events": oldest.seq - 1, "reason": "trimmed",
             "position": position_to_text(self.log.epoch, oldest)},
        )  # fmt: skip
        self.assertEqual(numbers(rest), list(range(oldest.seq, 1_000)))
        self.assertEqual(gaps(rest), [])

    def test_one_of_another_life_malformed_or_of_the_future_is_a_restart_and_it_goes_on_at_the_head(self) -> None:
        head = self.log.head
        future = position_to_text(self.log.epoch, Position(head.seq + 1_000, head.total_events, head.end_ms))
        other_life = position_to_text(b"another!", head)
        for number, wrong in enumerate((other_life, future, "", "x", "x" * 500, self.position[:-1]), 100):
            again = Conversation(self.log, position=wrong)
            self.assertNotIn("position", again.connected)
            [gap] = again.hear_all()
            self.assertEqual(
                gap,
                {"type": "gap", "from_ms": None, "to_ms": self.log.head.end_ms, "windows": None, "events": None,
                 "reason": "restart", "position": position_to_text(self.log.epoch, self.log.head)},
            )  # fmt: skip
            append(self.log, number)
            self.assertEqual(numbers(again.hear_all()), [number])
            self.assertEqual(again.session.described()["gaps"], {"restart": 1})

    def test_it_may_be_as_far_behind_as_it_takes_until_it_was_at_the_head_once(self) -> None:
        self.patch(live_module, "CATCH_UP_WINDOWS", 10)
        self.fill(1, 300)
        again = Conversation(self.log, position=self.position, max_lag_ms=100)
        heard = []
        for number in range(300, 330):
            heard += [each for each in (again.hear(),) if each]
            again.feed()
            append(self.log, number)
        heard += again.hear_all()
        self.assertEqual((numbers(heard), gaps(heard)), (list(range(1, 330)), []))
        self.fill(330, 340)
        self.assertEqual([each["reason"] for each in gaps(again.hear_all())], ["slow"])

    def test_the_past_is_read_in_pages_and_other_filters_hold_in_the_middle(self) -> None:
        self.patch(live_module, "CATCH_UP_WINDOWS", 10)
        for number in range(1, 101):
            append(self.log, number, node=1 + number % 2)
        again = Conversation(self.log, position=self.position)
        self.assertIsNone(again.hear())
        again.feed()
        again.tell(type="filter", nodes=[2])
        self.assertEqual(numbers(again.hear_all()), list(range(1, 101, 2)), "the page under the old one is forgotten")

    def test_what_is_trimmed_while_it_catches_up_is_a_gap(self) -> None:
        self.patch(live_module, "CATCH_UP_WINDOWS", 10)
        self.fill(1, 100)
        again = Conversation(self.log, position=self.position)
        again.feed()
        heard = [again.hear()]
        wanted = again.session.wants()
        self.fill(100, 1_000)
        again.session.feed(wanted, again.read(wanted))
        heard += again.hear_all()
        [gap] = gaps(heard)
        missed = self.log.oldest.seq - 11
        self.assertEqual((gap["reason"], gap["windows"], gap["events"]), ("trimmed", missed, missed))
        self.assertEqual(numbers(heard), [*range(1, 11), *range(self.log.oldest.seq, 1_000)])


class SlowTests(SynchronousTestCase):
    """A client that takes too little."""

    def test_lag_is_the_age_of_the_next_window_by_the_logs_time(self) -> None:
        seal_early(self.patch)
        log = memory_log()
        conversation = Conversation(log)
        self.assertEqual(lag(conversation), (0, 0))
        append(log, 0)
        self.assertEqual(lag(conversation), (1, 0))
        append(log, 1)
        self.assertEqual(lag(conversation), (2, 50))
        for number in range(2, 100):
            append(log, number)
        self.assertEqual(lag(conversation), (100, 4_950 + 50), "from the end of the last one, where that is sealed")
        conversation.hear_all()
        self.assertEqual(lag(conversation), (0, 0))

    def test_beyond_the_bound_it_goes_on_at_the_head_behind_a_gap_that_counts_the_whole_log(self) -> None:
        log = memory_log()
        conversation = Conversation(log, by=Filter.of(nodes=[99]))
        for number in range(202):
            append(log, number)
        head = log.head
        [gap] = conversation.hear_all()
        self.assertEqual(
            gap,
            {"type": "gap", "from_ms": None, "to_ms": head.end_ms, "windows": 202, "events": 202, "reason": "slow",
             "position": position_to_text(log.epoch, head)},
        )  # fmt: skip
        append(log, 1, node=99)
        self.assertEqual(kinds(conversation.hear_all()), ["batch"])
        self.assertEqual(conversation.session.described()["gaps"], {"slow": 1})

    def test_up_to_the_bound_it_gets_all_of_it(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        for number in range(201):
            append(log, number)
        self.assertEqual(numbers(conversation.hear_all()), list(range(201)))

    def test_the_bound_is_the_clients_choice_and_zero_is_none(self) -> None:
        for max_lag_ms, count, right in ((1_000, 22, ["gap"]), (1_000, 21, ["batch"]), (0, 1_000, ["batch"] * 2)):
            log = memory_log()
            conversation = Conversation(log, max_lag_ms=max_lag_ms)
            for number in range(count):
                append(log, number)
            heard = kinds(conversation.hear_all())
            self.assertEqual(heard[:2], right[:2], (max_lag_ms, count))

    def test_one_whose_next_window_is_trimmed_goes_on_at_the_oldest_behind_a_gap(self) -> None:
        log = memory_log(max_age_ms=1_000)
        conversation = Conversation(log, max_lag_ms=0)
        for number in range(40):
            append(log, number)
        oldest = log.oldest.seq
        gap, *rest = conversation.hear_all()
        self.assertEqual((gap["reason"], gap["windows"], gap["events"]), ("trimmed", oldest, oldest))
        self.assertEqual(numbers(rest), list(range(oldest, 40)))

    def test_a_clock_that_jumps_ahead_makes_nobody_slow_who_is_at_the_head(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        append(log, 0)
        conversation.hear_all()
        log.append(draft(10**9, [made("Swim.Alive")]))
        self.assertEqual(kinds(conversation.hear_all()), ["batch"])


class PauseTests(SynchronousTestCase):
    """pause, resume, catch_up."""

    def setUp(self) -> None:
        self.log = memory_log(max_age_ms=5_000)
        self.conversation = Conversation(self.log)
        append(self.log, 0)
        self.conversation.hear_all()
        self.conversation.tell(type="pause")

    def test_a_paused_client_gets_no_live_batch_however_far_it_is_behind(self) -> None:
        for number in range(1, 300):
            append(self.log, number)
        self.assertEqual((self.conversation.hear(), self.conversation.session.due(0)), (None, None))
        self.assertIsNone(self.conversation.session.wants())
        self.assertEqual(self.conversation.session.described()["paused"], True)

    def test_it_still_gets_answers_and_histories(self) -> None:
        append(self.log, 1)
        self.conversation.tell(type="ping")
        self.conversation.tell(type="history", from_ms=0, to_ms=10_000)
        self.assertEqual(
            [each["type"] for each in self.conversation.hear_all()], ["pong", "batch", "batch", "history_end"]
        )

    def test_resume_goes_on_live_behind_a_gap_that_counts_the_whole_log(self) -> None:
        self.conversation.tell(type="filter", nodes=[99])
        for number in range(1, 4):
            append(self.log, number, 2)
        head_ms, position = self.log.head.end_ms, position_to_text(self.log.epoch, self.log.head)
        self.conversation.tell(type="resume")
        append(self.log, 9, node=99)
        gap, batch = self.conversation.hear_all()
        self.assertEqual(
            gap,
            {"type": "gap", "from_ms": 1_050, "to_ms": head_ms, "windows": 3, "events": 6, "reason": "paused",
             "position": position},
        )  # fmt: skip
        self.assertEqual(numbers([batch]), [9])

    def test_resume_with_nothing_missed_needs_no_gap(self) -> None:
        self.log.append(draft(2_000))
        self.conversation.tell(type="resume")
        append(self.log, 1)
        self.assertEqual([each["type"] for each in self.conversation.hear_all()], ["batch"])

    def test_catch_up_goes_on_where_it_was_held(self) -> None:
        for number in range(1, 4):
            append(self.log, number)
        self.conversation.tell(type="resume", catch_up=True)
        self.assertEqual(numbers(self.conversation.hear_all()), [1, 2, 3])

    def test_one_that_catches_up_may_be_behind_until_it_was_at_the_head_once(self) -> None:
        conversation = Conversation(self.log, max_lag_ms=100)
        conversation.tell(type="pause")
        for number in range(1, 5):
            append(self.log, number, 10_000)
        conversation.tell(type="resume", catch_up=True)
        self.assertEqual(kinds(conversation.hear_all()), ["batch"] * 4)
        for number in range(5, 9):
            append(self.log, number)
        self.assertEqual(kinds(conversation.hear_all()), ["gap"])

    def test_a_held_cursor_that_is_trimmed_away_gets_its_gap_at_resume(self) -> None:
        for number in range(1, 200):
            append(self.log, number)
        self.conversation.tell(type="resume", catch_up=True)
        gap, *heard = self.conversation.hear_all()
        oldest = self.log.oldest
        self.assertEqual(
            gap,
            {"type": "gap", "from_ms": 1_050, "to_ms": self.log.oldest_start_ms, "windows": oldest.seq - 1,
             "events": oldest.seq - 1, "reason": "paused", "position": position_to_text(self.log.epoch, oldest)},
        )  # fmt: skip
        self.assertEqual(numbers(heard), list(range(oldest.seq, 200)))

    def test_resume_without_pause_changes_nothing(self) -> None:
        self.conversation.tell(type="resume")
        append(self.log, 1)
        for catch_up in (True, False):
            self.conversation.tell(type="resume", catch_up=catch_up)
        self.assertEqual([each["type"] for each in self.conversation.hear_all()], ["batch"])

    def test_pause_twice_is_pause(self) -> None:
        append(self.log, 1)
        self.conversation.tell(type="pause")
        self.conversation.tell(type="resume", catch_up=True)
        self.assertEqual(numbers(self.conversation.hear_all()), [1])
