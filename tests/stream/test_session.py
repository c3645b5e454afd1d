"""Tests of ``vizd.stream.session``: what a client may say, and what it is answered."""

import msgpack
from twisted.trial.unittest import SynchronousTestCase

from tests.log.test_memory import seal_early
from tests.stream.conversation import Conversation, append, numbers
from tests.stream.made import memory_log
from vizd.log.window import PageLimits
from vizd.stream import history as history_module
from vizd.stream import live as live_module
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.history import ReadSlots


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
        conversation.session.feed(wanted, conversation.read(wanted))
        self.assertEqual((slots.taken, conversation.hear(), conversation.session.wants()), (0, None, None))

    def test_what_is_wrong_with_one_is_said_and_the_one_before_goes_on(self) -> None:
        log = memory_log()
        append(log, 0)
        conversation = Conversation(log)
        conversation.tell(type="history", from_ms=0, to_ms=10_000)
        conversation.tell(type="history", from_ms=2, to_ms=1)
        self.assertEqual([each["type"] for each in conversation.hear_all()], ["error", "batch", "history_end"])

    def test_it_and_a_live_stream_that_catches_up_are_read_in_turns(self) -> None:
        seal_early(self.patch)
        self.patch(live_module, "CATCH_UP_WINDOWS", 5)
        self.patch(history_module, "PAGE", PageLimits(windows=5))
        log = memory_log()
        position = Conversation(log).connected["position"]
        for number in range(60):
            append(log, number)
        conversation = Conversation(log, position=position)
        conversation.tell(type="history", from_ms=0, to_ms=10_000)
        order = []
        while (message := conversation.hear()) or conversation.feed():
            if message and message["type"] == "batch":
                order.append("past" if message.get("history") else "live")
        self.assertEqual(order[:12], ["live", *["past"] * 5] * 2)
        self.assertEqual(order.count("past"), 60)


class DescribedTests(SynchronousTestCase):
    """What ``/api/stats`` says of a client."""

    def test_it_says_what_the_client_asked_for_and_where_it_stands(self) -> None:
        log = memory_log()
        conversation = Conversation(log, MESSAGEPACK, by=Filter.of(["raft"], [3]))
        for number in range(3):
            append(log, number, node=3)
        said = conversation.session.described()
        self.assertGreater(said.pop("bytes_sent"), 50)
        self.assertEqual(
            said,
            {"encoding": "messagepack", "filter": {"types": ["Raft"], "nodes": [3]}, "paused": False,
             "lag_windows": 3, "lag_ms": 100, "gaps": {}, "batches_sent": 0, "events_sent": 0},
        )  # fmt: skip
        conversation.tell(type="pause")
        conversation.tell(type="resume")
        self.assertEqual(conversation.session.described()["gaps"], {"paused": 1})
