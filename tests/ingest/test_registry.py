"""Who owns a node id, and what becomes of each seq: wire contract, section 1."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from twisted.trial.unittest import TestCase

from vizd.ingest import registry as registry_module
from vizd.ingest.registry import MAX_NAME_BYTES, Fault, Intake, Registry, Stream
from vizd.log.window import Mark, Publisher

ONE = Publisher(1, "one", 0xA)
U64_MAX = 2**64 - 1


class Faults(list[Fault]):
    """Hears why a stream was ended."""

    @property
    def codes(self) -> list[str]:
        return [fault.code for fault in self]


class RegistryTests(TestCase):
    def setUp(self) -> None:
        self.registry = Registry()
        self.ended: dict[Publisher, Faults] = {}

    def connect(self, publisher: Publisher = ONE, next_seq: int = 1, acked_through: int = 0) -> Stream:
        return self.connect_and_mark(publisher, next_seq, acked_through)[0]

    def connect_and_mark(
        self, publisher: Publisher = ONE, next_seq: int = 1, acked_through: int = 0
    ) -> tuple[Stream, list[Mark]]:
        ended = self.ended.setdefault(publisher, Faults())
        return self.registry.connect(publisher, next_seq, acked_through, ended.append)

    def take(self, stream: Stream, first_seq: int, count: int, dropped: int = 0) -> Intake:
        return self.registry.take(stream, first_seq, count, dropped)

    def store(self, stream: Stream) -> list[Stream]:
        """The log has all that came."""
        known = stream.known
        return self.registry.stored([Mark(known.publisher, 1, known.received_through)])

    def assertFault(self, code: str, words: str, call: Callable[..., object], *arguments: object) -> None:
        with self.assertRaises(Fault) as raised:
            call(*arguments)
        self.assertEqual(raised.exception.code, code)
        self.assertIn(words, raised.exception.details)


class Order(RegistryTests):
    def test_events_in_order_are_neither_duplicates_nor_lost(self) -> None:
        stream = self.connect()
        self.assertEqual(self.take(stream, 1, 10), Intake(0, 0))
        self.assertEqual(self.take(stream, 11, 5), Intake(0, 0))
        self.assertEqual(stream.known.received_through, 15)

    def test_a_heartbeat_names_the_next_seq_and_changes_nothing(self) -> None:
        stream = self.connect()
        self.assertEqual(self.take(stream, 1, 0), Intake(0, 0))
        self.take(stream, 1, 10)
        self.assertEqual([self.take(stream, 11, 0) for _ in range(3)], [Intake(0, 0)] * 3)
        self.assertEqual(self.take(stream, 11, 1), Intake(0, 0))

    def test_a_jump_over_seqs_counts_them_as_lost_once(self) -> None:
        stream = self.connect()
        self.take(stream, 1, 10)
        self.assertEqual(self.take(stream, 14, 2), Intake(0, 3))
        self.assertEqual(self.take(stream, 16, 1), Intake(0, 0))
        self.assertEqual(stream.known.lost, 3)

    def test_a_jump_in_a_heartbeat_counts_and_what_follows_it_does_not_count_it_again(self) -> None:
        stream = self.connect()
        self.assertEqual(self.take(stream, 5, 0), Intake(0, 4))
        self.assertEqual(self.take(stream, 5, 0), Intake(0, 0))
        self.assertEqual(self.take(stream, 5, 2), Intake(0, 0))

    def test_what_hello_can_no_longer_send_is_lost(self) -> None:
        stream, [mark] = self.connect_and_mark(next_seq=8)
        self.assertEqual((stream.known.lost, mark.lost), (7, 7))
        self.assertEqual(self.take(stream, 8, 3), Intake(0, 0))

    def test_what_was_stored_or_acked_before_is_not_lost_at_hello(self) -> None:
        self.assertEqual(self.connect(next_seq=8, acked_through=7).known.lost, 0)
        self.assertEqual(self.connect(Publisher(2, "two", 1), next_seq=8, acked_through=5).known.lost, 2)

    def test_a_next_seq_below_what_was_acked_is_no_loss(self) -> None:
        self.assertEqual(self.connect(next_seq=3, acked_through=7).known.lost, 0)
        self.assertEqual(self.connect(Publisher(2, "two", 1), next_seq=0).known.lost, 0)

    def test_what_a_reconnect_can_no_longer_send_is_lost_beyond_what_was_received(self) -> None:
        first = self.connect()
        self.take(first, 1, 10)
        self.registry.disconnect(first)
        second, [mark] = self.connect_and_mark(next_seq=14, acked_through=4)
        self.assertEqual((second.known.lost, mark.lost), (3, 3))

    def test_a_loss_that_hello_showed_is_not_counted_at_the_next_hello_or_message(self) -> None:
        first = self.connect()
        self.take(first, 1, 10)
        self.registry.disconnect(first)
        second = self.connect(next_seq=14)
        self.registry.disconnect(second)
        third, [mark] = self.connect_and_mark(next_seq=14)
        self.assertEqual(mark.lost, 0)
        self.assertEqual(self.take(third, 14, 1), Intake(0, 0))
        self.assertEqual(third.known.lost, 3)

    def test_what_the_node_gave_up_counts_as_it_grows(self) -> None:
        stream = self.connect()
        self.assertEqual(self.take(stream, 1, 1, dropped=5), Intake(0, 5))
        self.assertEqual(self.take(stream, 2, 0, dropped=5), Intake(0, 0))
        self.assertEqual(self.take(stream, 2, 1, dropped=7), Intake(0, 2))
        self.assertEqual(self.take(stream, 3, 1, dropped=0), Intake(0, 0))
        self.assertEqual(self.take(stream, 4, 1, dropped=7), Intake(0, 0))

    def test_what_the_node_gave_up_is_remembered_over_a_reconnect(self) -> None:
        first = self.connect()
        self.take(first, 1, 1, dropped=5)
        self.registry.disconnect(first)
        self.assertEqual(self.take(self.connect(next_seq=2, acked_through=1), 2, 1, dropped=6), Intake(0, 1))

    def test_a_jump_and_a_growth_of_dropped_add_up(self) -> None:
        stream = self.connect()
        self.assertEqual(self.take(stream, 4, 1, dropped=2), Intake(0, 5))
        self.assertEqual((stream.known.lost, self.registry.totals.lost), (5, 5))

    def test_what_is_sent_again_after_a_reconnect_is_a_duplicate_though_it_is_not_stored_yet(self) -> None:
        first = self.connect()
        self.take(first, 1, 10)
        self.registry.disconnect(first)
        second = self.connect()
        self.assertEqual(second.known.stored_through, 0)
        self.assertEqual(self.take(second, 1, 10), Intake(10, 0))
        self.assertEqual(self.take(second, 11, 5), Intake(0, 0))
        self.assertEqual((second.known.duplicates, self.registry.totals.duplicates), (10, 10))

    def test_a_message_that_is_a_duplicate_in_part_is_taken_from_where_it_is_new(self) -> None:
        first = self.connect()
        self.take(first, 1, 10)
        self.registry.disconnect(first)
        self.assertEqual(self.take(self.connect(), 8, 10), Intake(3, 0))

    def test_seqs_that_were_jumped_over_are_duplicates_when_they_come_after_a_reconnect(self) -> None:
        first = self.connect()
        self.take(first, 5, 5)
        self.registry.disconnect(first)
        self.assertEqual(self.take(self.connect(), 1, 9), Intake(9, 0), "they are counted as lost already")

    def test_an_incarnation_that_is_not_known_is_believed_what_it_was_acked(self) -> None:
        stream, [mark] = self.connect_and_mark(next_seq=101, acked_through=100)
        self.assertEqual((stream.known.stored_through, stream.known.received_through), (100, 100))
        self.assertEqual((mark.first_seq, mark.last_seq, mark.lost), (101, 100, 0))
        self.assertEqual(self.take(stream, 99, 4), Intake(2, 0))

    def test_an_incarnation_that_is_known_is_told_what_is_stored_here(self) -> None:
        first = self.connect()
        self.take(first, 1, 10)
        self.store(first)
        self.registry.disconnect(first)
        self.assertEqual(self.connect(acked_through=4, next_seq=5).known.stored_through, 10)

    def test_seq_0_is_a_fault(self) -> None:
        self.assertFault("INVALID_ARGUMENT", "first_seq is 0", self.take, self.connect(), 0, 1)
        self.assertFault("INVALID_ARGUMENT", "first_seq is 0", self.take, self.connect(), 0, 0)

    def test_a_seq_that_goes_back_within_a_stream_is_a_fault(self) -> None:
        stream = self.connect()
        self.take(stream, 1, 10)
        self.assertFault("INVALID_ARGUMENT", "went back to 10: this stream has come to 11", self.take, stream, 10, 1)
        self.assertFault("INVALID_ARGUMENT", "went back", self.take, stream, 10, 0)
        self.assertEqual(self.take(stream, 11, 1), Intake(0, 0))

    def test_seqs_end_at_64_bits(self) -> None:
        stream = self.connect(next_seq=U64_MAX, acked_through=U64_MAX - 1)
        self.assertFault("INVALID_ARGUMENT", "no room for 2 seqs", self.take, stream, U64_MAX, 2)
        self.assertEqual(self.take(stream, U64_MAX, 1), Intake(0, 0))
        self.assertEqual(stream.known.received_through, U64_MAX)

    def test_forged_losses_stay_within_64_bits(self) -> None:
        for incarnation in range(3):
            stream = self.connect(Publisher(1, "one", incarnation))
            self.take(stream, U64_MAX, 1, dropped=U64_MAX)
            self.assertLessEqual(stream.known.lost, U64_MAX)
        self.assertEqual(self.registry.totals.lost, U64_MAX)

    def test_a_fault_leaves_everything_as_it_was(self) -> None:
        stream = self.connect()
        self.take(stream, 1, 10, dropped=3)
        before = repr((stream.known, stream.next_seq, self.registry.totals))
        for first_seq, count in ((0, 1), (5, 1), (U64_MAX, 9)):
            with self.assertRaises(Fault):
                self.take(stream, first_seq, count, dropped=9)
        self.assertEqual(repr((stream.known, stream.next_seq, self.registry.totals)), before)


class Acks(RegistryTests):
    def test_nothing_is_stored_before_the_log_says_so(self) -> None:
        stream = self.connect()
        self.take(stream, 1, 10)
        self.assertEqual(stream.known.stored_through, 0)
        self.assertEqual(self.store(stream), [stream])
        self.assertEqual(stream.known.stored_through, 10)

    def test_each_stream_is_named_once_however_many_marks_it_has(self) -> None:
        one, two = self.connect(), self.connect(Publisher(2, "two", 1))
        marks = [Mark(each.known.publisher, seq, seq) for seq in (1, 2) for each in (one, two)]
        self.assertEqual(self.registry.stored(marks), [one, two])

    def test_what_is_stored_never_goes_back(self) -> None:
        stream = self.connect()
        self.registry.stored([Mark(ONE, 1, 9)])
        self.registry.stored([Mark(ONE, 1, 4)])
        self.assertEqual(stream.known.stored_through, 9)

    def test_a_publisher_that_has_gone_has_no_stream_to_tell_but_it_is_remembered(self) -> None:
        stream = self.connect()
        self.take(stream, 1, 10)
        self.registry.disconnect(stream)
        self.assertEqual(self.store(stream), [])
        self.assertEqual(self.connect().known.stored_through, 10)

    def test_a_publisher_that_was_never_here_is_nobody(self) -> None:
        self.assertEqual(self.registry.stored([Mark(Publisher(9, "nine", 9), 1, 5)]), [])

    def test_counts_are_kept_by_publisher_and_in_total(self) -> None:
        one, two = self.connect(), self.connect(Publisher(2, "two", 1))
        self.registry.count(one.known, 5, 1, 2)
        self.registry.count(two.known, 3, 0, 1)
        self.assertEqual((one.known.received, one.known.invalid, one.known.unknown), (5, 1, 2))
        totals = self.registry.totals
        self.assertEqual((totals.received, totals.invalid, totals.unknown), (8, 1, 3))


class Ownership(RegistryTests):
    def test_a_name_is_required(self) -> None:
        self.assertFault("INVALID_ARGUMENT", "node_name is empty", self.connect, Publisher(1, "", 1))

    def test_a_name_is_bounded_in_bytes(self) -> None:
        self.connect(Publisher(1, "ü" * (MAX_NAME_BYTES // 2), 1))
        self.assertFault("INVALID_ARGUMENT", "over 256 bytes", self.connect, Publisher(2, "ü" * 129, 1))

    def test_connecting_and_disconnecting_are_marked(self) -> None:
        stream, [connected] = self.connect_and_mark()
        self.assertEqual((connected.publisher, connected.connected), (ONE, True))
        self.assertEqual((connected.first_seq, connected.last_seq, connected.events), (1, 0, 0))
        self.take(stream, 1, 10)
        [gone] = self.registry.disconnect(stream)
        self.assertEqual((gone.publisher, gone.connected, gone.first_seq, gone.last_seq), (ONE, False, 11, 10))
        self.assertEqual(self.registry.streams, {})

    def test_a_stream_disconnects_once(self) -> None:
        stream = self.connect()
        self.registry.disconnect(stream)
        self.assertEqual(self.registry.disconnect(stream), [])

    def test_the_same_process_takes_over_at_once_and_its_old_stream_is_aborted(self) -> None:
        old = self.connect()
        new, marks = self.connect_and_mark()
        self.assertEqual(self.ended[ONE].codes, ["ABORTED"])
        self.assertEqual([mark.connected for mark in marks], [True])
        self.assertIs(new.known, old.known)
        self.assertIs(self.registry.streams[1], new)

    def test_an_old_stream_that_ends_after_the_takeover_disconnects_nobody(self) -> None:
        old = self.connect()
        new = self.connect()
        self.assertEqual(self.registry.disconnect(old), [])
        self.assertIs(self.registry.streams[1], new)

    def test_a_stream_that_took_over_may_begin_anew(self) -> None:
        self.take(self.connect(), 1, 10)
        self.assertEqual(self.take(self.connect(), 1, 12), Intake(10, 0))

    def test_a_new_incarnation_takes_over_and_the_old_one_is_marked_as_gone_first(self) -> None:
        self.connect()
        reborn = Publisher(1, "one", 0xB)
        stream, marks = self.connect_and_mark(reborn)
        self.assertEqual(self.ended[ONE].codes, ["ABORTED"])
        self.assertEqual([(mark.publisher, mark.connected) for mark in marks], [(ONE, False), (reborn, True)])
        self.assertEqual((stream.known.stored_through, stream.known.received_through), (0, 0))

    def test_a_new_incarnation_fences_the_old_one_whose_hello_is_then_refused(self) -> None:
        self.connect()
        stream = self.connect(Publisher(1, "one", 0xB))
        self.assertFault("FAILED_PRECONDITION", "two processes have one identity", self.connect)
        self.assertIs(self.registry.streams[1], stream, "the refused one has changed nothing")
        self.assertEqual(self.ended[stream.known.publisher], [])

    def test_a_new_incarnation_fences_an_old_one_that_was_not_connected(self) -> None:
        self.registry.disconnect(self.connect())
        self.registry.disconnect(self.connect(Publisher(1, "one", 0xB)))
        self.assertFault("FAILED_PRECONDITION", "0x000000000000000a", self.connect)
        self.connect(Publisher(1, "one", 0xB))

    def test_each_new_incarnation_fences_all_before_it(self) -> None:
        for incarnation in range(5):
            self.connect(Publisher(1, "one", incarnation))
        for incarnation in range(4):
            self.assertFault("FAILED_PRECONDITION", "replaced", self.connect, Publisher(1, "one", incarnation))
        self.connect(Publisher(1, "one", 4))

    def test_what_the_fenced_one_sent_before_is_still_stored(self) -> None:
        old = self.connect()
        self.take(old, 1, 10)
        self.connect(Publisher(1, "one", 0xB))
        self.assertEqual(self.store(old), [])
        self.assertEqual(old.known.stored_through, 10)

    def test_another_name_for_a_connected_id_is_refused(self) -> None:
        stream = self.connect()
        other = Publisher(1, "other", 0xC)
        self.assertFault("ALREADY_EXISTS", "node 1 is connected as 'one', so 'other' can't be it", self.connect, other)
        self.assertIs(self.registry.streams[1], stream)
        self.assertEqual(self.ended[ONE], [])

    def test_another_name_may_have_an_id_that_nobody_is_connected_with(self) -> None:
        self.registry.disconnect(self.connect())
        self.connect(Publisher(1, "other", 0xC))
        self.assertFault("ALREADY_EXISTS", "as 'other'", self.connect)

    def test_one_name_may_stand_for_two_ids(self) -> None:
        self.connect(Publisher(1, "one", 0xA))
        self.connect(Publisher(2, "one", 0xA))
        self.assertEqual(sorted(self.registry.streams), [1, 2])

    def test_a_silent_owner_counts_as_disconnected_until_it_speaks(self) -> None:
        stream = self.connect()
        self.assertEqual([mark.connected for mark in self.registry.silence(stream)], [False])
        self.assertEqual(self.registry.silence(stream), [])
        self.assertEqual([mark.connected for mark in self.registry.speak(stream)], [True])
        self.assertEqual(self.registry.speak(stream), [])

    def test_a_silent_owner_that_goes_was_marked_as_gone_already(self) -> None:
        stream = self.connect()
        self.registry.silence(stream)
        self.assertEqual(self.registry.disconnect(stream), [])

    def test_a_silent_owner_can_be_replaced_by_another_name(self) -> None:
        stream = self.connect()
        self.registry.silence(stream)
        other = Publisher(1, "other", 0xC)
        _stream, marks = self.connect_and_mark(other)
        self.assertEqual([(mark.publisher, mark.connected) for mark in marks], [(other, True)])
        self.assertEqual(self.ended[ONE].codes, ["ABORTED"])

    def test_a_silent_owner_that_takes_itself_over_is_connected_again(self) -> None:
        self.registry.silence(self.connect())
        stream, marks = self.connect_and_mark()
        self.assertEqual(([mark.connected for mark in marks], stream.silent), ([True], False))

    def test_a_stream_that_was_taken_over_can_not_fall_silent(self) -> None:
        old = self.connect()
        self.connect()
        self.assertEqual(self.registry.silence(old), [])


class Bounds(RegistryTests):
    def setUp(self) -> None:
        super().setUp()
        self.patch(registry_module, "MAX_KNOWN", 5)

    def test_the_one_that_was_connected_longest_ago_is_forgotten_and_believed_when_it_returns(self) -> None:
        for node in range(1, 8):
            stream = self.connect(Publisher(node, "n", 1))
            self.take(stream, 1, 10)
            self.registry.disconnect(stream)
        self.assertEqual(self.connect(Publisher(1, "n", 1), 31, acked_through=30).known.received_through, 30)
        self.assertEqual(self.connect(Publisher(7, "n", 1), 31, acked_through=30).known.received_through, 10)

    def test_coming_back_keeps_it_from_being_forgotten(self) -> None:
        for node in (1, 2, 3, 4, 5, 1, 6):
            stream = self.connect(Publisher(node, "n", 1), acked_through=7)
            self.registry.disconnect(stream)
        self.assertEqual(self.connect(Publisher(1, "n", 1), acked_through=9).known.received_through, 7)
        self.assertEqual(self.connect(Publisher(2, "n", 1), acked_through=9).known.received_through, 9)

    def test_what_is_kept_stays_bounded_whoever_comes(self) -> None:
        for number in range(100):
            stream = self.connect(Publisher(number % 7, f"n{number % 3}", number))
            self.registry.disconnect(stream)
            self.assertLessEqual(len(self.registry._known), 5)
            self.assertLessEqual(len(self.registry._latest), 5)

    def test_nobody_who_is_connected_is_forgotten(self) -> None:
        streams = [self.connect(Publisher(node, "n", 1)) for node in range(1, 9)]
        for stream in streams:
            self.take(stream, 1, 3)
            self.assertEqual(self.store(stream), [stream])
            self.assertEqual(self.connect(stream.known.publisher).known.stored_through, 3)


@dataclass
class Life:
    """What one life of the daemon has in its log of one incarnation."""

    registry: Registry = field(default_factory=Registry)
    inbox: list[tuple[Mark, list[int]]] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    base: int | None = None


class NodeMachine(RuleBasedStateMachine):
    """An honest node with a bounded buffer, a network that cuts streams, and a daemon that may start anew.

    The model is the node's own: ``made`` seqs so far, those of them that it still can send, and how much
    of them this stream has been sent.
    """

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self.stream: Stream | None = None
        self.made = 0
        self.oldest_kept = 1
        self.sent_through = 0
        self.acked_through = 0
        self.arrived_through = 0
        self.gave_up = 0

    @rule(events=st.integers(1, 20))
    def happen(self, events: int) -> None:
        self.made += events

    @rule(events=st.integers(1, 30))
    def overflow(self, events: int) -> None:
        """The oldest of the buffer are given up after they got their seqs."""
        self.oldest_kept = min(self.oldest_kept + events, self.made + 1)

    @rule(events=st.integers(1, 5))
    def give_up_before_a_seq(self, events: int) -> None:
        self.gave_up += events

    @precondition(lambda self: self.stream is None)
    @rule()
    def connect(self) -> None:
        oldest = max(self.oldest_kept, self.acked_through + 1)
        if self.life.base is None:
            self.life.base = self.acked_through
        stream, marks = self.life.registry.connect(ONE, oldest, self.acked_through, lambda _fault: None)
        self.stream = stream
        self.put(marks)
        self.sent_through = max(stream.known.stored_through, oldest - 1)

    @precondition(lambda self: self.stream is not None)
    @rule(events=st.integers(0, 15), arrives=st.booleans())
    def send(self, events: int, arrives: bool) -> None:
        """A message, or a heartbeat; what does not arrive is cut off with its stream."""
        assert self.stream is not None
        first_seq = max(self.sent_through + 1, self.oldest_kept)
        last_seq = min(first_seq + events - 1, self.made)
        self.sent_through = last_seq
        if not arrives:
            self.cut()
            return
        self.arrived_through = max(self.arrived_through, last_seq)
        count = last_seq - first_seq + 1
        intake = self.life.registry.take(self.stream, first_seq, count, self.gave_up)
        new = list(range(first_seq + intake.duplicates, last_seq + 1))
        known = self.stream.known
        self.life.inbox.append((Mark(ONE, first_seq, known.received_through), new))

    @rule(messages=st.integers(1, 3))
    def store(self, messages: int) -> None:
        for mark, seqs in self.life.inbox[:messages]:
            self.life.stored += seqs
            told = self.life.registry.stored([mark])
            if self.stream is not None:
                assert told == [self.stream]
        del self.life.inbox[:messages]

    @precondition(lambda self: self.stream is not None)
    @rule()
    def acknowledge(self) -> None:
        assert self.stream is not None
        self.acked_through = max(self.acked_through, self.stream.known.stored_through)

    @precondition(lambda self: self.stream is not None)
    @rule()
    def cut(self) -> None:
        assert self.stream is not None
        self.put(self.life.registry.disconnect(self.stream))
        self.stream = None

    @rule()
    def start_the_daemon_anew(self) -> None:
        """What was in its inbox is gone, and was never acked."""
        self.life = Life()
        self.stream = None

    def put(self, marks: list[Mark]) -> None:
        self.life.inbox += [(mark, []) for mark in marks]

    @invariant()
    def every_seq_is_stored_once_or_counted_lost(self) -> None:
        if self.stream is None:
            return
        known = self.stream.known
        held = self.life.stored + [seq for _mark, seqs in self.life.inbox for seq in seqs]
        assert held == sorted(set(held)), "in order, each once"
        assert self.life.base is not None
        jumped = known.lost - known.given_up
        assert known.accounted_through - self.life.base == len(held) + jumped
        assert all(self.life.base < seq <= known.received_through for seq in held)

    @invariant()
    def only_what_is_stored_is_acked(self) -> None:
        if self.stream is not None:
            pending = [seq for _mark, seqs in self.life.inbox for seq in seqs]
            assert not pending or self.stream.known.stored_through < pending[0]
            assert self.stream.known.stored_through <= self.stream.known.received_through

    @invariant()
    def nothing_is_lost_that_the_node_can_still_send(self) -> None:
        if self.stream is not None:
            gone_or_here = max(self.arrived_through, self.oldest_kept - 1, self.acked_through)
            assert self.stream.known.accounted_through <= gone_or_here


class AnyNode(TestCase):
    def test_every_seq_of_an_honest_node_is_stored_once_or_counted_lost(self) -> None:
        run_state_machine_as_test(
            NodeMachine, settings=settings(deadline=None, max_examples=150, stateful_step_count=40)
        )

    @settings(deadline=None, max_examples=200)
    @given(
        st.lists(
            st.one_of(
                st.tuples(st.just("take"), st.integers(0, 40) | st.integers(2**64 - 9, 2**64 - 1), st.integers(0, 12)),
                st.tuples(
                    st.just("connect"), st.integers(0, 40) | st.just(U64_MAX), st.integers(0, 40) | st.just(U64_MAX)
                ),
                st.tuples(st.just("disconnect"), st.just(0), st.just(0)),
                st.tuples(st.just("silence"), st.just(0), st.just(0)),
            ),
            max_size=30,
        )
    )
    def test_whatever_a_node_claims_no_seq_is_taken_twice(self, steps: list[tuple[str, int, int]]) -> None:
        registry = Registry()
        stream, _marks = registry.connect(ONE, 1, 0, lambda _fault: None)
        taken: list[int] = []
        for verb, first, second in steps:
            if verb == "take":
                try:
                    intake = registry.take(stream, first, second, 0)
                except Fault:
                    continue
                self.assertLessEqual(0, intake.duplicates)
                self.assertLessEqual(intake.duplicates, second)
                self.assertGreaterEqual(intake.lost, 0)
                taken += range(first + intake.duplicates, first + second)
            elif verb == "connect":
                stream, _marks = registry.connect(ONE, first, second, lambda _fault: None)
            elif verb == "disconnect":
                registry.disconnect(stream)
            else:
                registry.silence(stream)
                registry.speak(stream)
            known = stream.known
            self.assertEqual(taken, sorted(set(taken)))
            self.assertLessEqual(max(known.accounted_through, known.lost, known.received_through), U64_MAX)
