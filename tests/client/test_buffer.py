"""The send buffer against a model that is too simple to be wrong: lists, searched from the front."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import TestCase

from vizd.client.buffer import SendBuffer
from vizd.events.catalogue import EventClass

DROP_ORDER = [EventClass.GAUGE, EventClass.LOG, EventClass.PHASE, EventClass.TRANSITION]


def filled(*classes: EventClass, max_events: int = 100, max_bytes: int = 10_000) -> SendBuffer:
    """A buffer on a stream with much room, to which an event of each class was added: b"0", b"1" .."""
    buffer = SendBuffer(max_events, max_bytes)
    buffer.rewind(0, 1_000)
    for number, event_class in enumerate(classes):
        buffer.add(b"%d" % number, event_class)
    return buffer


class SendBufferTests(TestCase):
    def test_the_first_event_gets_number_one(self) -> None:
        batch = filled(EventClass.LOG).take(10, 1_000)
        self.assertEqual((batch.first_seq, batch.events), (1, [b"0"]))

    def test_events_of_all_classes_keep_the_order_in_which_they_came(self) -> None:
        batch = filled(*DROP_ORDER, *reversed(DROP_ORDER)).take(100, 1_000)
        self.assertEqual(batch.events, [b"%d" % number for number in range(8)])

    def test_what_was_not_stored_is_given_out_again_with_the_same_numbers(self) -> None:
        buffer = filled(*DROP_ORDER)
        buffer.take(3, 1_000)
        buffer.acked(1)
        buffer.rewind(1, 1_000)
        batch = buffer.take(100, 1_000)
        self.assertEqual((batch.first_seq, batch.events), (2, [b"1", b"2", b"3"]))

    def test_what_a_forgetful_daemon_had_acked_is_not_given_out_again(self) -> None:
        buffer = filled(*DROP_ORDER)
        buffer.take(3, 1_000)
        buffer.acked(2)
        buffer.rewind(0, 1_000)
        self.assertEqual(buffer.take(1, 1_000).first_seq, 3)

    def test_an_ack_of_an_earlier_stream_that_comes_late_in_a_welcome_moves_the_next_number_on(self) -> None:
        buffer = filled(*DROP_ORDER)
        buffer.take(3, 1_000)
        buffer.rewind(0, 1_000)
        buffer.acked(3)
        self.assertEqual(buffer.following_seq, 4)
        self.assertEqual(buffer.take(10, 1_000).events, [b"3"])

    def test_an_ack_of_what_was_never_sent_is_refused(self) -> None:
        buffer = filled(*DROP_ORDER)
        buffer.take(3, 1_000)
        with self.assertRaisesRegex(ValueError, "stored_through 4: no event beyond 3 was ever sent"):
            buffer.acked(4)

    def test_no_more_is_in_flight_than_the_daemon_allows_beyond_what_it_received(self) -> None:
        buffer = SendBuffer(100, 1_000)
        for _ in range(10):
            buffer.add(b"x", EventClass.LOG)
        buffer.rewind(0, 4)
        self.assertEqual(len(buffer.take(100, 1_000).events), 4)
        self.assertEqual(buffer.sendable, 0)
        buffer.received(3)
        self.assertEqual(len(buffer.take(100, 1_000).events), 3)

    def test_a_daemon_that_sets_no_bound_gets_all(self) -> None:
        buffer = filled(*DROP_ORDER)
        buffer.rewind(0, 0)
        self.assertEqual(len(buffer.take(100, 1_000).events), 4)

    def test_an_event_larger_than_a_batch_may_be_still_gets_its_turn(self) -> None:
        buffer = SendBuffer(10, 1_000)
        buffer.rewind(0, 10)
        buffer.add(b"x" * 100, EventClass.LOG)
        buffer.add(b"y", EventClass.LOG)
        self.assertEqual(buffer.take(10, 50).events, [b"x" * 100])
        self.assertEqual(buffer.take(10, 50).events, [b"y"])

    def test_gauges_go_first_then_logs_then_phases_and_transitions_last(self) -> None:
        buffer = filled(*reversed(DROP_ORDER), max_events=4)
        gone = []
        for _ in range(4):
            before = dict(buffer.dropped)
            buffer.add(b"x", EventClass.TRANSITION)
            gone += [each for each in DROP_ORDER if buffer.dropped[each] > before[each]]
        self.assertEqual(gone, DROP_ORDER)

    def test_of_one_class_the_oldest_goes_first(self) -> None:
        buffer = filled(EventClass.GAUGE, EventClass.GAUGE, EventClass.GAUGE, max_events=2)
        self.assertEqual(buffer.take(1, 1_000).events, [b"1"])

    def test_a_gauge_gives_way_to_the_transitions_that_came_before_it(self) -> None:
        buffer = filled(EventClass.TRANSITION, EventClass.TRANSITION, EventClass.GAUGE, max_events=2)
        self.assertEqual((buffer.dropped[EventClass.GAUGE], buffer.dropped_total), (1, 1))

    def test_half_of_the_room_is_never_in_flight_so_that_a_transition_finds_a_gauge_to_replace(self) -> None:
        buffer = filled(*[EventClass.GAUGE] * 10, max_events=10)
        self.assertEqual(len(buffer.take(100, 1_000).events), 5)
        self.assertEqual(buffer.sendable, 0)
        buffer.add(b"t", EventClass.TRANSITION)
        self.assertEqual(buffer.dropped[EventClass.TRANSITION], 0)

    def test_an_event_that_alone_is_too_large_is_dropped_and_nothing_else(self) -> None:
        buffer = filled(EventClass.GAUGE, max_bytes=10)
        buffer.add(b"x" * 11, EventClass.TRANSITION)
        self.assertEqual((buffer.dropped[EventClass.TRANSITION], buffer.dropped_total, buffer.waiting), (1, 1, 1))

    def test_bounds_must_be_positive(self) -> None:
        for bounds in ((0, 1), (1, 0)):
            with self.assertRaisesRegex(ValueError, "both must be 1 or more"):
                SendBuffer(*bounds)


class BufferMachine(RuleBasedStateMachine):
    """What the daemon may ever see, and what is kept, in lists."""

    @initialize(max_events=st.integers(1, 12), max_bytes=st.integers(8, 40))
    def begin(self, max_events: int, max_bytes: int) -> None:
        self.max_events, self.max_bytes = max_events, max_bytes
        self.buffer = SendBuffer(max_events, max_bytes)
        self.waiting: list[tuple[EventClass, bytes]] = []
        self.given: list[bytes] = []  # Its index + 1 is its seq.
        self.dropped: list[EventClass] = []
        self.emitted = self.acked = self.sent = self.received = self.max_in_flight = 0

    @rule(event_class=st.sampled_from(EventClass), padding=st.integers(0, 6))
    def add(self, event_class: EventClass, padding: int) -> None:
        self.emitted += 1
        event = b"%d" % self.emitted + b"." * padding
        self.buffer.add(event, event_class)
        self.waiting.append((event_class, event))
        while not self._fits():
            each = min(self.waiting, key=lambda each: DROP_ORDER.index(each[0]))
            self.waiting.remove(each)
            self.dropped.append(each[0])

    def _fits(self) -> bool:
        kept = [event for _, event in self.waiting] + self.given[self.acked :]
        return len(kept) <= self.max_events and sum(map(len, kept)) <= self.max_bytes

    @rule(data=st.data(), max_in_flight=st.integers(0, 10))
    def reconnect(self, data: st.DataObject, max_in_flight: int) -> None:
        stored = data.draw(st.integers(0, len(self.given)))
        self.buffer.rewind(stored, max_in_flight)
        self.acked = self.sent = self.received = max(self.acked, stored)
        self.max_in_flight = max_in_flight or self.max_events

    @rule(max_events=st.integers(0, 10), max_bytes=st.integers(1, 20))
    def take(self, max_events: int, max_bytes: int) -> None:
        room = self.max_in_flight - (self.sent - self.received)
        sendable = self.buffer.sendable
        first_seq = self.sent + 1
        expected: list[bytes] = []
        while len(expected) < min(max_events, room):
            again = self.given[self.sent : self.sent + 1]
            following = again or [event for _, event in self.waiting[:1]]
            if not following or (expected and sum(map(len, [*expected, *following])) > max_bytes):
                break
            if not again and not self._may_give(following[0]):
                break
            if not again:
                self.given.append(self.waiting.pop(0)[1])
            self.sent += 1
            expected += following
        batch = self.buffer.take(max_events, max_bytes)
        assert (batch.first_seq, batch.events) == (first_seq, expected)
        assert len(expected) <= sendable
        assert not max_events or bool(expected) == bool(sendable)

    def _may_give(self, event: bytes) -> bool:
        unacked = self.given[self.acked :]
        few = len(unacked) < max(1, self.max_events // 2)
        return few and (not unacked or sum(map(len, [*unacked, event])) <= self.max_bytes // 2)

    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        stored = data.draw(st.integers(0, len(self.given)))
        self.buffer.acked(stored)
        self.acked = max(self.acked, stored)
        self.sent = max(self.sent, stored)
        self.received = max(self.received, stored)

    @rule(data=st.data())
    def receive(self, data: st.DataObject) -> None:
        received = data.draw(st.integers(0, self.sent))
        self.buffer.received(received)
        self.received = max(self.received, received)

    @precondition(lambda self: hasattr(self, "buffer"))
    @invariant()
    def every_event_is_in_one_place(self) -> None:
        buffer = self.buffer
        assert buffer.emitted == buffer.acked_through + buffer.unacked + buffer.waiting + buffer.dropped_total
        assert (buffer.emitted, buffer.waiting) == (self.emitted, len(self.waiting))
        assert (buffer.last_seq, buffer.acked_through) == (len(self.given), self.acked)
        assert buffer.following_seq == self.sent + 1
        assert buffer.dropped == {each: self.dropped.count(each) for each in EventClass}

    @precondition(lambda self: hasattr(self, "buffer"))
    @invariant()
    def the_oldest_is_the_first_not_acked_and_not_dropped(self) -> None:
        kept = self.given[self.acked :] + [event for _, event in self.waiting]
        assert self.buffer.oldest == (int(kept[0].rstrip(b".")) if kept else self.emitted + 1)


class SendBufferModelTests(TestCase):
    def test_it_agrees_with_the_model_whatever_happens(self) -> None:
        run_state_machine_as_test(
            BufferMachine, settings=settings(max_examples=120, stateful_step_count=40, deadline=None)
        )
