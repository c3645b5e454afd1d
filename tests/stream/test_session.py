"""Tests of ``vizd.stream.session``: sentences of the contract, and a machine that tries what comes to its mind."""

import json
from dataclasses import dataclass, field
from typing import Any

import msgpack
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from tests.stream.made import draft, fsyncs, made, memory_log
from tests.stream.reference import passes
from vizd.log.memory import MemoryLog
from vizd.log.window import Page
from vizd.stream import session as session_module
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.frames import Frames
from vizd.stream.history import ReadSlots, Wanted
from vizd.stream.session import Session


def now(coroutine: Any) -> Any:
    """The result of a coroutine that has nothing to wait for, as those of the log in memory."""
    try:
        coroutine.send(None)
    except StopIteration as stopped:
        return stopped.value
    raise AssertionError("it waits")


class Conversation:
    """A session, and a client that understands it."""

    def __init__(
        self, log: MemoryLog, encoder: Any = JSON, slots: ReadSlots | None = None, by: Filter | None = None
    ) -> None:
        self.log = log
        self.session = Session(log, Frames(), slots or ReadSlots(), encoder, by or Filter.of())
        self.now_ms = 0.0
        self._loads = json.loads if encoder is JSON else msgpack.unpackb

    def tell(self, **fields: Any) -> None:
        self.session.receive(json.dumps(fields).encode(), False, 1_234)

    def hear(self) -> dict[str, Any] | None:
        """One message."""
        frame = self.session.pull(self.now_ms)
        return None if frame is None else self._loads(frame.payload)

    def feed(self) -> bool:
        """One page of the past, if it wants one."""
        wanted = self.session.wants()
        if wanted is None:
            return False
        self.session.feed(self.read(wanted))
        return True

    def read(self, wanted: Wanted) -> Page:
        return now(self.log.read(wanted.position, wanted.stop_seq, wanted.wanted))

    def hear_all(self) -> list[dict[str, Any]]:
        """All that comes now, the past with it."""
        heard = []
        while True:
            message = self.hear()
            if message is not None:
                heard.append(message)
            elif self.session.due(self.now_ms) != 0 and not self.feed():
                return heard


def numbers(heard: list[dict[str, Any]]) -> list[int]:
    """The ``ms`` of all Fsyncs in live batches."""
    return [
        event["event"]["data"]["kind"]["ms"]
        for each in heard
        if each["type"] == "batch" and "history" not in each
        for event in each["data"]["events"]
    ]


def append(log: MemoryLog, first: int, count: int = 1, node: int = 1) -> None:
    """A window with ``count`` Fsyncs, numbered from ``first``."""
    at_ms = (log.head.end_ms or 1_000) if log.head.seq else 1_000
    log.append(draft(at_ms, fsyncs(count, node, first)))


class LiveTests(SynchronousTestCase):
    """The live stream."""

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
        self.assertEqual(set(batch), {"type", "data"})

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

    def test_skipping_is_done_in_bounded_steps(self) -> None:
        log = memory_log()
        conversation = Conversation(log, by=Filter.of(["swim"]))
        for number in range(5_000):
            append(log, number)
        log.append(draft(10**6, [made("Swim.Alive", node=3)]))
        steps = 0
        while (heard := conversation.hear()) is None:
            self.assertEqual(conversation.session.due(0), 0, "there is more to look at")
            steps += 1
        self.assertEqual((steps, heard["data"]["summary"]["swim_count"]), (2, 1))

    def test_batches_and_events_are_counted(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        append(log, 0, 3)
        conversation.hear_all()
        append(log, 3, 2)
        conversation.tell(type="history", from_ms=0, to_ms=1_050)
        conversation.tell(type="ping")
        conversation.hear_all()
        self.assertEqual((conversation.session.batches_sent, conversation.session.events_sent), (3, 8))

    def test_one_whose_next_window_is_trimmed_is_overrun_and_silent(self) -> None:
        log = memory_log(max_age_ms=1_000)
        conversation = Conversation(log)
        for number in range(40):
            append(log, number)
        self.assertIsNone(conversation.hear())
        self.assertTrue(conversation.session.overrun)
        append(log, 40)
        self.assertEqual((conversation.hear(), conversation.session.due(0)), (None, None))

    def test_lag_is_the_age_of_the_oldest_window_not_given(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        append(log, 0)
        self.assertEqual(conversation.session.lag_ms(), 50)
        append(log, 1)
        self.assertEqual(conversation.session.lag_ms(), 100)
        conversation.hear_all()
        self.assertEqual(conversation.session.lag_ms(), 0)


class FilterMessageTests(SynchronousTestCase):
    """Changing one's mind."""

    def test_a_filter_holds_from_the_next_batch_on(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        append(log, 0, node=1)
        conversation.tell(type="filter", nodes=[2])
        append(log, 1, node=2)
        append(log, 2, node=1)
        self.assertEqual(numbers(conversation.hear_all()), [1])
        conversation.tell(type="filter")
        append(log, 3, node=1)
        self.assertEqual(numbers(conversation.hear_all()), [3])

    def test_an_unknown_type_or_a_malformed_list_is_an_error_and_the_old_filter_stays(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        conversation.tell(type="filter", nodes=[2])
        for wrong in ({"types": ["Raft", "Waal"]}, {"types": "Raft"}, {"nodes": [-1]}, {"shards": ["1"]}):
            conversation.tell(type="filter", **wrong)
            error = conversation.hear()
            self.assertEqual((error["type"], error["code"]), ("error", "invalid"))
            self.assertIn(next(iter(wrong)), error["message"])
        append(log, 0, node=1)
        append(log, 1, node=2)
        self.assertEqual(numbers(conversation.hear_all()), [1])


class ReplyTests(SynchronousTestCase):
    """Answers."""

    def test_a_ping_is_answered_with_the_time(self) -> None:
        for encoder in (JSON, MESSAGEPACK):
            conversation = Conversation(memory_log(), encoder)
            conversation.session.receive(b'{"type":"ping"}', False, 77)
            conversation.session.receive(msgpack.packb({"type": "ping"}), True, 78)
            self.assertEqual(
                conversation.hear_all(), [{"type": "pong", "timestamp_ms": 77}, {"type": "pong", "timestamp_ms": 78}]
            )

    def test_answers_come_in_order_and_in_front_of_batches(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        append(log, 0)
        conversation.tell(type="ping")
        conversation.tell(type="nonsense")
        self.assertEqual([each["type"] for each in conversation.hear_all()], ["pong", "error", "batch"])

    def test_malformed_input_is_an_error_and_changes_nothing(self) -> None:
        log = memory_log()
        conversation = Conversation(log)
        for payload, is_binary in ((b"{", False), (b"\xc1", True), (b"[]", False), (b"\xff", False)):
            conversation.session.receive(payload, is_binary, 0)
            error = conversation.hear()
            self.assertEqual((list(error), error["code"]), (["type", "message", "code"], "malformed"))
        append(log, 0)
        self.assertEqual(numbers(conversation.hear_all()), [0])


class PauseTests(SynchronousTestCase):
    """pause, resume, catch_up."""

    def setUp(self) -> None:
        self.log = memory_log(max_age_ms=5_000)
        self.conversation = Conversation(self.log)
        append(self.log, 0)
        self.conversation.hear_all()
        self.conversation.tell(type="pause")

    def test_a_paused_client_gets_no_live_batch_and_has_no_lag(self) -> None:
        append(self.log, 1)
        self.assertEqual((self.conversation.hear(), self.conversation.session.due(0)), (None, None))
        self.assertEqual(self.conversation.session.lag_ms(), 0)

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
        head_ms = self.log.head.end_ms
        self.conversation.tell(type="resume")
        append(self.log, 9, node=99)
        gap, batch = self.conversation.hear_all()
        self.assertEqual(
            gap, {"type": "gap", "from_ms": 1_050, "to_ms": head_ms, "windows": 3, "events": 6, "reason": "paused"}
        )
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

    def test_one_that_catches_up_has_no_lag_until_it_was_at_the_head_once(self) -> None:
        for number in range(1, 4):
            append(self.log, number, 10_000)
        self.conversation.tell(type="resume", catch_up=True)
        self.assertEqual(self.conversation.session.lag_ms(), 0)
        self.conversation.hear()
        self.assertEqual(self.conversation.session.lag_ms(), 0)
        self.conversation.hear_all()
        append(self.log, 4)
        self.assertEqual(self.conversation.session.lag_ms(), 50)

    def test_a_held_cursor_that_is_trimmed_away_gets_its_gap_at_resume(self) -> None:
        for number in range(1, 200):
            append(self.log, number)
        self.conversation.tell(type="resume", catch_up=True)
        gap, *heard = self.conversation.hear_all()
        oldest = self.log.after(self.log.oldest)
        self.assertEqual(
            gap,
            {"type": "gap", "from_ms": 1_050, "to_ms": oldest.start_ms, "windows": oldest.seq - 2,
             "events": oldest.seq - 2, "reason": "paused"},
        )  # fmt: skip
        self.assertEqual(numbers(heard), list(range(oldest.seq - 1, 200)))
        self.assertFalse(self.conversation.session.overrun)

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


class HistoryMessageTests(SynchronousTestCase):
    """The second cursor."""

    def test_live_batches_keep_coming_between(self) -> None:
        log = memory_log()
        for number in range(3):
            append(log, number)
        conversation = Conversation(log)
        conversation.tell(type="history", from_ms=0, to_ms=10_000)
        self.assertIsNone(conversation.hear())
        conversation.feed()
        kinds = []
        for number in range(3, 6):
            kinds.append(conversation.hear().get("history"))
            append(log, number)
            kinds.append(conversation.hear().get("history"))
        self.assertEqual(kinds, [True, None] * 3)
        self.assertEqual(conversation.hear()["type"], "history_end")

    def test_its_filter_is_the_one_of_the_request(self) -> None:
        log = memory_log()
        append(log, 0, node=1)
        append(log, 1, node=2)
        conversation = Conversation(log, by=Filter.of(nodes=[1]))
        conversation.tell(type="history", from_ms=0, to_ms=10_000)
        conversation.tell(type="filter", nodes=[2])
        heard = conversation.hear_all()
        self.assertEqual([each["data"]["window_start"] for each in heard[:-1]], [1_000])

    def test_a_new_request_cancels_the_one_before(self) -> None:
        log = memory_log()
        append(log, 0)
        slots = ReadSlots()
        conversation = Conversation(log, slots=slots)
        conversation.tell(type="history", from_ms=0, to_ms=1)
        conversation.tell(type="history", from_ms=0, to_ms=10_000)
        cancelled, batch, end = conversation.hear_all()
        self.assertEqual((cancelled["cancelled"], cancelled["to_ms"], cancelled["batches"]), (True, 1, 0))
        self.assertEqual((batch["history"], end["cancelled"], end["to_ms"]), (True, False, 10_000))
        self.assertEqual(slots.taken, 0)

    def test_one_is_cancelled_on_request_and_nothing_is_where_there_is_none(self) -> None:
        log = memory_log()
        append(log, 0)
        conversation = Conversation(log)
        conversation.tell(type="history_cancel")
        self.assertEqual(conversation.hear_all(), [])
        conversation.tell(type="history", from_ms=0, to_ms=10_000, speed=1)
        conversation.tell(type="history_cancel")
        [end] = conversation.hear_all()
        self.assertEqual((end["type"], end["cancelled"]), ("history_end", True))

    def test_beyond_eight_at_once_it_is_busy(self) -> None:
        slots = ReadSlots()
        log = memory_log()
        append(log, 0)
        readers = [Conversation(log, slots=slots) for _ in range(9)]
        for reader in readers:
            reader.tell(type="history", from_ms=0, to_ms=10_000)
        error = readers[8].hear()
        self.assertEqual((error["type"], error["code"]), ("error", "busy"))
        readers[0].session.close()
        readers[8].tell(type="history", from_ms=0, to_ms=10_000)
        self.assertEqual([each["type"] for each in readers[8].hear_all()], ["batch", "history_end"])

    def test_a_client_that_goes_gives_its_slot_back_and_is_silent(self) -> None:
        slots = ReadSlots()
        log = memory_log()
        append(log, 0)
        conversation = Conversation(log, slots=slots)
        conversation.tell(type="history", from_ms=0, to_ms=10_000)
        wanted = conversation.session.wants()
        conversation.session.close()
        conversation.session.feed(conversation.read(wanted))
        self.assertEqual((slots.taken, conversation.hear(), conversation.session.wants()), (0, None, None))

    def test_what_is_wrong_with_one_is_said_and_the_one_before_goes_on(self) -> None:
        log = memory_log()
        append(log, 0)
        conversation = Conversation(log)
        conversation.tell(type="history", from_ms=0, to_ms=10_000)
        conversation.tell(type="history", from_ms=2, to_ms=1)
        self.assertEqual([each["type"] for each in conversation.hear_all()], ["error", "batch", "history_end"])


@dataclass
class Past:
    """What the machine knows of a history that is under way."""

    from_ms: int
    to_ms: int
    speed: float | None
    limits: dict[str, Any]
    wanted: list[int]
    """Seqs of the windows with events for it, as the log stood."""
    read_through: int
    stop: int
    ready: list[Any] = field(default_factory=list)
    """What it was fed and has not said: gaps, and seqs."""
    began: tuple[int, float] | None = None
    batches: int = 0
    events: int = 0
    accounted: list[int] = field(default_factory=list)


class Client(RuleBasedStateMachine):
    """A client that does anything, against a plain model of what it is owed.

    The law: every window that the filter in force matches is delivered once and in order, or declared in a gap,
    or the session is overrun.
    """

    EVENTS, SCANNED = 5, 7
    """In a live batch; windows looked at in a step. Small, so that both are met."""

    def __init__(self) -> None:
        super().__init__()
        self.log = memory_log(max_age_ms=1_500)
        self.windows: list[Any] = []
        self.log.listen(self.windows.append)
        self.slots = ReadSlots()
        self.others = 0
        self.position = 0
        self.limits: dict[str, Any] = {"types": [], "nodes": [], "shards": []}
        self.held = self.overrun = False
        self.past: Past | None = None
        self.replies: list[Any] = []
        self.covered: list[int] = []
        self.made = 0

    @initialize(is_binary=st.booleans())
    def begin(self, is_binary: bool) -> None:
        self.is_binary = is_binary
        self.client = Conversation(self.log, MESSAGEPACK if is_binary else JSON, self.slots)

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.hear_everything()
            # What was delivered, passed over and declared is the log from its beginning, once and in order.
            if not self.overrun and not self.held:
                assert self.covered == list(range(1, len(self.windows) + 1)), self.covered
            self.client.session.close()
            assert self.slots.taken == self.others

    # What happens to the log.

    @rule(counts=st.lists(st.integers(0, 3), max_size=4), step_ms=st.sampled_from([50, 50, 50, 400]))
    def append(self, counts: list[int], step_ms: int) -> None:
        events = []
        for node, count in enumerate(counts, 1):
            for _ in range(count):
                self.made += 1
                if self.made % 5 == 0:
                    events.append(made("Raft.StepDown", publisher=node, shard=self.made % 3, ts=self.made))
                else:
                    events.append(made("Wal.Fsync", publisher=1, node=node, ms=self.made, ts=self.made))
        self.log.append(draft(1_000 + len(self.windows) * step_ms, events))

    @rule(count=st.integers(5, 40))
    def append_many(self, count: int) -> None:
        for number in range(count):
            self.append([number % 2], 50)

    # What the client says.

    def tell(self, **fields: Any) -> None:
        if self.is_binary:
            self.client.session.receive(msgpack.packb(fields), True, 5)
        else:
            self.client.tell(**fields)

    @rule(
        nodes=st.lists(st.integers(1, 4), max_size=2),
        types=st.lists(st.sampled_from(["wal", "Raft", "heat"]), max_size=1),
        shards=st.lists(st.integers(0, 3), max_size=2),
    )
    def filter(self, nodes: list[int], types: list[str], shards: list[int]) -> None:
        self.limits = {"types": types, "nodes": nodes, "shards": shards}
        self.tell(type="filter", **self.limits)

    @rule()
    def ping(self) -> None:
        self.tell(type="ping")
        self.replies.append({"type": "pong", "timestamp_ms": 1_234 if not self.is_binary else 5})

    @rule()
    def nonsense(self) -> None:
        self.tell(type="filter", nodes=[-1])
        self.replies.append("error")

    @rule()
    def pause(self) -> None:
        self.tell(type="pause")
        self.held = True

    @rule(catch_up=st.booleans())
    def resume(self, catch_up: bool) -> None:
        self.tell(type="resume", catch_up=catch_up)
        if not self.held:
            return
        self.held = False
        entered = max(self.position, self.log.oldest.seq) if catch_up else len(self.windows)
        skipped = self.windows[self.position : entered]
        if any(window.fragments for window in skipped):
            self.replies.append(self.gap(self.position, entered, "paused"))
        self.covered += [window.seq for window in skipped]
        self.position = entered

    def gap(self, left: int, entered: int, reason: str) -> dict[str, Any]:
        """What should be said of the windows behind ``left``, through ``entered``."""
        skipped = self.windows[left:entered]
        return {
            "type": "gap",
            "from_ms": self.windows[left - 1].end_ms if left else None,
            "to_ms": self.windows[entered].start_ms if entered < len(self.windows) else self.windows[-1].end_ms,
            "windows": len(skipped),
            "events": sum(len(window.fragments) for window in skipped),
            "reason": reason,
        }

    @rule(back=st.integers(0, 60), length=st.integers(0, 60), speed=st.sampled_from([None, None, 0.5, 10.0]))
    def history(self, back: int, length: int, speed: float | None) -> None:
        newest_ms = self.windows[-1].start_ms if self.windows else 1_000
        from_ms = max(0, newest_ms - 50 * back)
        to_ms = from_ms + 50 * length
        self.tell(type="history", from_ms=from_ms, to_ms=to_ms, **({} if speed is None else {"speed": speed}))
        self.cancel()
        if self.others == ReadSlots.MAX:
            self.replies.append("error")
            return
        kept = self.windows[self.log.oldest.seq :]
        wanted = [
            window.seq
            for window in kept
            if from_ms <= window.start_ms < to_ms and self.matching(window, self.limits)
        ]  # fmt: skip
        begin, stop = (sum(window.start_ms < at_ms for window in self.windows) for at_ms in (from_ms, to_ms))
        self.past = Past(from_ms, to_ms, speed, self.limits, wanted, max(begin, self.log.oldest.seq), stop)

    @rule()
    def history_cancel(self) -> None:
        self.tell(type="history_cancel")
        self.cancel()

    def cancel(self) -> None:
        if self.past:
            self.replies.append(self.history_end(cancelled=True))
            self.past = None

    def history_end(self, *, cancelled: bool) -> dict[str, Any]:
        past = self.past
        assert past is not None
        return {"type": "history_end", "from_ms": past.from_ms, "to_ms": past.to_ms,
                "batches": past.batches, "events": past.events, "cancelled": cancelled}  # fmt: skip

    # Others.

    @precondition(lambda self: self.others < ReadSlots.MAX)
    @rule()
    def somebody_reads(self) -> None:
        if self.slots.take():
            self.others += 1

    @precondition(lambda self: self.others)
    @rule()
    def somebody_has_read(self) -> None:
        self.slots.give_back()
        self.others -= 1

    @rule(ms=st.integers(1, 3_000))
    def time_passes(self, ms: int) -> None:
        self.client.now_ms += ms

    # What the client hears.

    @rule()
    def hear_one(self) -> None:
        self.hear()

    def hear(self) -> bool:
        """One message, or none: exactly the one that it is owed."""
        heard, right = self.client.hear(), self.owed()
        if right == "error":
            assert heard["type"] == "error", heard
        else:
            assert heard == right, (heard, right)
        assert self.client.session.overrun == self.overrun
        return heard is not None

    @rule()
    def hear_everything(self) -> None:
        while True:
            while self.hear() or self.client.session.due(self.client.now_ms) == 0:
                pass
            if not self.feed():
                break
        if not self.held and not self.overrun:
            assert self.position == len(self.windows)
            assert self.client.session.lag_ms() == 0

    @rule()
    def feed_one(self) -> None:
        self.feed()

    def feed(self) -> bool:
        """One page, with a gap in front where the log has been trimmed."""
        session = self.client.session
        wanted = session.wants()
        assert self.slots.taken - self.others in (0, 1)
        if wanted is None:
            return False
        past = self.past
        assert past is not None and not past.ready
        left, oldest = wanted.position.seq, self.log.oldest.seq
        assert left == past.read_through
        page = self.client.read(wanted)
        session.feed(page)
        if left < oldest:
            past.ready.append(self.gap(left, oldest, "trimmed") | {"history": True})
            past.accounted += [seq for seq in past.wanted if left < seq <= oldest]
        # A page may hold a window none of whose events matches: that is looked at, not sent, and not waited for.
        past.ready += [window.seq for window in page.windows if self.matching(window, past.limits)]
        past.read_through = page.position.seq
        return True

    def matching(self, window: Any, limits: dict[str, Any]) -> list[Any]:
        events = [json.loads(text) for text in window.fragments]
        return [event for event in events if passes(event, **limits)]

    def owed(self) -> Any:
        if self.replies:
            return self.replies.pop(0)
        return self.owed_live() or self.owed_past()

    def owed_live(self) -> Any:
        if self.held or self.overrun:
            return None
        parts: list[tuple[Any, list[Any]]] = []
        for _ in range(self.SCANNED):
            if self.position == len(self.windows):
                break
            if self.position < self.log.oldest.seq:
                self.overrun = True
                break
            window = self.windows[self.position]
            self.position += 1
            self.covered.append(window.seq)
            events = self.matching(window, self.limits)
            if events:
                parts.append((window, events))
            if sum(len(events) for _, events in parts) >= self.EVENTS:
                break
        return self.batch(parts) if parts else None

    def batch(self, parts: list[tuple[Any, list[Any]]]) -> dict[str, Any]:
        events = [event for _, events in parts for event in events]
        names = [event["event"]["type"] for event in events]
        summary = dict.fromkeys(
            ("wal_count", "compaction_count", "lsm_count", "raft_count", "swim_count", "shard_count", "cache_count",
             "heat_count"), 0)  # fmt: skip
        summary |= {"wal_count": names.count("Wal"), "raft_count": names.count("Raft")}
        data = {
            "window_start": parts[0][0].start_ms,
            "window_end": parts[-1][0].end_ms,
            "events": events,
            "summary": summary,
        }
        return {"type": "batch", "data": data}

    def owed_past(self) -> Any:
        past = self.past
        if past is None:
            return None
        if past.ready:
            if isinstance(past.ready[0], dict):
                return past.ready.pop(0)
            window = self.windows[past.ready[0] - 1]
            if past.began is not None and past.speed is not None:
                due_ms = past.began[1] + (window.start_ms - past.began[0]) / past.speed
                if self.client.now_ms < due_ms:
                    return None
            past.ready.pop(0)
            events = self.matching(window, past.limits)
            past.began = past.began or (window.start_ms, self.client.now_ms)
            past.accounted.append(window.seq)
            assert past.accounted == past.wanted[: len(past.accounted)], "in order, each once, none left out"
            past.batches += 1
            past.events += len(events)
            return self.batch([(window, events)]) | {"history": True}
        if past.read_through < past.stop:
            return None
        assert past.accounted == past.wanted, "whatever was not delivered stands in a gap"
        end, self.past = self.history_end(cancelled=False), None
        return end


class SessionMachineTests(SynchronousTestCase):
    """The law, whatever a client does."""

    def test_delivered_windows_and_declared_gaps_are_the_whole_log(self) -> None:
        self.patch(session_module, "MAX_MERGED_EVENTS", Client.EVENTS)
        self.patch(session_module, "MAX_SCANNED_PER_PULL", Client.SCANNED)
        run_state_machine_as_test(Client, settings=settings(deadline=None, max_examples=150, stateful_step_count=40))
