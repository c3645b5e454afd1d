"""The conversation of a node with the daemon, over real gRPC: wire contract, section 1."""

import contextlib
import socket

from grpc import StatusCode

from tests.ingest.harness import NOW_MS, PATIENCE_S, Node, RawNode, ServerTests, fsync, said
from vizd import __version__
from vizd.ingest import publish
from vizd.log.window import Publisher
from vizd.wire.vizd_pb2 import Events, Hello, PublishRequest, VizEvent

BAD = VizEvent(compaction={"level": 256, "start": {}})
UNKNOWN = VizEvent(swim={"node": 1, "kind": 99})


class Greeting(ServerTests):
    def test_hello_is_answered_with_what_is_stored_and_what_may_be_sent(self) -> None:
        welcome = self.node().hello()
        self.assertEqual(welcome.stored_through, 0)
        self.assertEqual((welcome.max_in_flight, welcome.max_message_bytes), (50_000, 1 << 20))
        self.assertEqual(welcome.daemon_version, __version__)

    def test_an_incarnation_that_is_not_known_is_believed_what_it_was_acked(self) -> None:
        node = self.node()
        self.assertEqual(node.hello(next_seq=41, acked_through=40).stored_through, 40)
        node.send(2)
        node.stored_through(42)
        self.assertEqual([mark.lost for mark in self.daemon.marks], [0, 0])

    def test_a_connect_is_marked_before_anything_that_the_node_sends(self) -> None:
        node = self.connected(next_seq=4)
        node.stored_through(node.send(2, first_seq=4))
        first, second = self.daemon.marks
        self.assertEqual((first.connected, first.lost, first.events), (True, 3, 0))
        self.assertEqual((second.connected, second.events, second.first_seq, second.last_seq), (None, 2, 4, 5))

    def test_a_stream_must_begin_with_hello(self) -> None:
        for first in (PublishRequest(events=Events(first_seq=1)), PublishRequest()):
            node = self.node()
            node.say(first)
            self.assertEqual(
                node.ended(), (StatusCode.INVALID_ARGUMENT, "the first message of a stream must be a Hello")
            )

    def test_a_stream_that_says_nothing_and_ends_is_told_what_was_missing(self) -> None:
        node = self.node()
        node.no_more()
        self.assertEqual(node.ended(), (StatusCode.INVALID_ARGUMENT, "the first message of a stream must be a Hello"))

    def test_a_stream_that_says_nothing_for_long_is_ended(self) -> None:
        self.patch(publish, "HELLO_TIMEOUT_S", 0.2)
        self.assertEqual(self.node().ended(), (StatusCode.INVALID_ARGUMENT, "no Hello came within 0.2 s"))

    def test_a_node_needs_a_name(self) -> None:
        node = self.node()
        node.say_hello(node_name="")
        code, details = node.ended()
        self.assertEqual(code, StatusCode.INVALID_ARGUMENT)
        self.assertIn("node_name is empty", details)

    def test_a_second_hello_on_a_stream_is_a_fault(self) -> None:
        node = self.connected()
        node.say_hello()
        code, details = node.ended()
        self.assertEqual(code, StatusCode.INVALID_ARGUMENT)
        self.assertIn("a second Hello", details)


class Storing(ServerTests):
    def test_events_are_in_the_log_in_order_when_they_are_acked(self) -> None:
        node = self.connected()
        node.stored_through(node.send([fsync(ms) for ms in range(100)]))
        self.assertEqual(self.daemon.fragments, [said(ms) for ms in range(100)])

    def test_nothing_is_acked_before_the_log_has_it(self) -> None:
        node = self.connected()
        node.stored_through(node.send(1))
        self.daemon.hold()
        for _ in range(5):
            node.send(10)
        self.daemon.until(lambda: self.daemon.inbox.events == 50, "all has arrived")
        self.assertFalse(node.has_answer)
        self.daemon.release()
        ack = node.ack()
        self.assertEqual((ack.stored_through, ack.received_through), (51, 51))

    def test_an_ack_tells_what_was_received_beyond_what_is_stored(self) -> None:
        node = self.connected()
        node.stored_through(node.send(10))
        ack = node.acks[-1]
        self.assertGreaterEqual(ack.received_through, ack.stored_through)
        self.assertEqual(ack.received_through, 10)

    def test_a_node_that_has_no_more_to_say_is_acked_all_and_its_stream_ends_well(self) -> None:
        node = self.connected()
        last_seq = node.send(100)
        node.no_more()
        self.assertEqual(node.ended(), (StatusCode.OK, ""))
        self.assertEqual(node.acks[-1].stored_through, last_seq)
        self.daemon.until(lambda: self.daemon.comings_and_goings() == [True, False], "it is marked as gone")

    def test_an_event_without_ts_gets_the_daemons_clock(self) -> None:
        node = self.connected()
        node.stored_through(node.send([VizEvent(raft={"step_down": {}})]))
        self.assertTrue(self.daemon.fragments[0].startswith(b'{"ts":%d,' % NOW_MS))

    def test_bad_events_take_their_seqs_and_the_first_16_are_named(self) -> None:
        node = self.connected()
        node.stored_through(node.send([fsync(1), *[BAD] * 20, fsync(2)]))
        named = [each for ack in node.acks for each in ack.rejected]
        self.assertEqual([each.seq for each in named], list(range(2, 18)))
        self.assertEqual({(each.field, each.reason) for each in named}, {("compaction.level", named[0].reason)})
        self.assertEqual(sum(ack.rejected_count for ack in node.acks), 20)
        self.assertEqual(self.daemon.fragments, [said(1), said(2)])
        mark = self.daemon.marks[-1]
        self.assertEqual((mark.events, mark.invalid, mark.unknown, mark.first_seq, mark.last_seq), (2, 20, 0, 1, 22))

    def test_a_rejection_is_named_in_one_ack_only(self) -> None:
        node = self.connected()
        for _ in range(3):
            node.stored_through(node.send([BAD, fsync(1)]))
        self.assertEqual([each.seq for ack in node.acks for each in ack.rejected], [1, 3, 5])
        self.assertTrue(all(ack.rejected_count == len(ack.rejected) for ack in node.acks))

    def test_a_message_of_bad_events_alone_is_acked(self) -> None:
        node = self.connected()
        node.stored_through(node.send([VizEvent(), BAD]))
        self.assertEqual([each.field for ack in node.acks for each in ack.rejected], ["event", "compaction.level"])
        self.assertEqual(self.daemon.registry.totals.invalid, 2)

    def test_events_of_a_newer_node_are_counted_unknown_and_not_rejected(self) -> None:
        node = self.connected()
        node.stored_through(node.send([UNKNOWN, fsync(1), UNKNOWN]))
        self.assertEqual(sum(ack.rejected_count for ack in node.acks), 0)
        self.assertEqual(self.daemon.fragments, [said(1)])
        self.assertEqual(self.daemon.marks[-1].unknown, 2)

    def test_a_message_that_is_neither_hello_nor_events_is_passed_over(self) -> None:
        node = self.connected()
        node.say(PublishRequest())
        node.say(b"\x7a\x03new")  # Field 15, of a newer node.
        node.stored_through(node.send(1))

    def test_losses_are_marked_where_they_show(self) -> None:
        node = self.connected()
        node.stored_through(node.send(2))
        node.stored_through(node.send(1, first_seq=6))
        node.stored_through(node.send(1, dropped=4))
        self.assertEqual([mark.lost for mark in self.daemon.marks], [0, 0, 3, 4])
        self.assertEqual(self.daemon.registry.totals.lost, 7)

    def test_a_heartbeat_that_shows_a_loss_is_marked_and_another_is_not(self) -> None:
        node = self.connected()
        node.heartbeat(first_seq=5)
        node.heartbeat(first_seq=5)
        node.stored_through(node.send(1))
        self.assertEqual([(mark.lost, mark.first_seq, mark.last_seq) for mark in self.daemon.marks[1:]],
                         [(4, 1, 0), (0, 5, 5)])  # fmt: skip

    def test_restated_events_are_marked_so(self) -> None:
        node = self.connected()
        node.send(2, restated=True)
        node.stored_through(node.send(1))
        self.assertEqual([(mark.events, mark.restated) for mark in self.daemon.marks[1:]], [(2, True), (1, False)])


class Clocks(ServerTests):
    def skews(self) -> list[int | None]:
        return [mark.skew_ms for mark in self.daemon.marks[1:]]

    def test_the_skew_of_a_nodes_clock_is_marked_once_and_again_when_it_has_moved(self) -> None:
        node = self.connected()
        for skew_ms in (5_000, 5_000, 5_249, 4_751, 5_250, 5_300, -1_000):
            node.heartbeat(sent_ms=NOW_MS + skew_ms)
        node.stored_through(node.send(1))
        self.assertEqual(self.skews(), [5_000, 5_250, -1_000, None])

    def test_a_node_that_does_not_say_its_time_has_no_skew(self) -> None:
        node = self.connected()
        node.heartbeat()
        node.stored_through(node.send(1))
        self.assertEqual(self.skews(), [None])

    def test_a_heartbeat_whose_clock_moved_accounts_for_no_seq(self) -> None:
        node = self.connected()
        node.send(10)
        node.heartbeat(sent_ms=NOW_MS + 9_000)
        node.stored_through(node.send(1))
        self.assertEqual(
            [(mark.first_seq, mark.last_seq, mark.events) for mark in self.daemon.marks[1:]],
            [(1, 10, 10), (11, 10, 0), (11, 11, 1)],
        )

    def test_duplicates_whose_clock_moved_account_for_no_seq(self) -> None:
        node = self.connected()
        node.stored_through(node.send(10))
        again = self.connected()
        again.send(4, first_seq=1, sent_ms=NOW_MS + 9_000)
        again.stored_through(again.send(2, first_seq=11))
        marks = [mark for mark in self.daemon.marks if mark.connected is None]
        self.assertEqual(
            [(mark.first_seq, mark.last_seq, mark.events, mark.skew_ms) for mark in marks],
            [(1, 10, 10, None), (11, 10, 0, 9_000), (11, 12, 2, None)],
        )


class Reconnecting(ServerTests):
    def test_what_is_sent_again_is_stored_once(self) -> None:
        first = self.connected()
        first.stored_through(first.send([fsync(ms) for ms in range(10)]))
        first.cut()
        second = self.node()
        self.assertEqual(second.hello(next_seq=1, acked_through=4).stored_through, 10)
        second.stored_through(second.send([fsync(ms) for ms in range(5, 15)], first_seq=6))
        self.assertEqual(self.daemon.fragments, [said(ms) for ms in range(15)])
        self.assertEqual(self.daemon.registry.totals.duplicates, 5)

    def test_what_was_received_and_is_not_stored_yet_is_a_duplicate_too(self) -> None:
        first = self.connected()
        self.daemon.until(lambda: not self.daemon.inbox.events, "the connect is stored")
        self.daemon.hold()
        first.send(10)
        self.daemon.until(lambda: self.daemon.inbox.events == 10, "it has arrived")
        second = self.node()
        self.assertEqual(second.hello().stored_through, 0)
        second.send(12)
        self.daemon.until(lambda: self.daemon.registry.totals.received == 12, "the rest has arrived")
        self.daemon.release()
        second.stored_through(12)
        self.assertEqual(len(self.daemon.fragments), 12)

    def test_a_message_that_is_cut_is_as_if_it_was_never_sent(self) -> None:
        hello = PublishRequest(hello=Hello(node=1, node_name="one", incarnation=0xA, next_seq=1))
        first = PublishRequest(events=Events(first_seq=1, events=[fsync(1)] * 10))
        second = PublishRequest(events=Events(first_seq=11, events=[fsync(2)] * 500))
        for end in (RawNode.reset, RawNode.close):
            known = len(self.daemon.fragments)
            raw = RawNode(self.daemon.port)
            self.addCleanup(raw.close)
            raw.say(hello)
            raw.say(first)
            self.daemon.until(lambda: len(self.daemon.fragments) == 10, "the first message is stored")
            raw.say(second, through=0.6)
            end(raw)
            self.daemon.until(lambda: not self.daemon.comings_and_goings()[-1], "the cut is marked")
            self.assertEqual(self.daemon.fragments[known:], [] if known else [said(1)] * 10)
            self.daemon.registry.streams.clear()
        node = self.node()
        self.assertEqual(node.hello().stored_through, 10)
        node.stored_through(node.send([fsync(2)] * 500, first_seq=11))
        self.assertEqual(len(self.daemon.fragments), 510)

    def test_a_node_that_goes_without_a_word_is_marked_as_gone_and_what_it_sent_stays(self) -> None:
        node = self.connected()
        node.stored_through(node.send(10))
        node.cut()
        self.daemon.until(lambda: self.daemon.comings_and_goings() == [True, False], "it is marked as gone")
        self.assertEqual(len(self.daemon.fragments), 10)


class Faults(ServerTests):
    def ends_after_10_good_ones(self, *fault: PublishRequest | bytes) -> tuple[StatusCode, str]:
        """How a stream ends that had sent ten good events before, which stay."""
        node = self.connected()
        node.send(10)
        for each in fault:
            node.say(each)
        ended = node.ended()
        self.daemon.until(lambda: len(self.daemon.fragments) == 10, "what came before is stored")
        self.daemon.until(lambda: self.daemon.comings_and_goings() == [True, False], "it is marked as gone")
        self.last_acks = node.acks
        again = self.node()
        self.assertEqual(again.hello().stored_through, 10)
        again.stored_through(again.send(1))
        return ended

    def test_a_seq_of_0_ends_the_stream(self) -> None:
        code, details = self.ends_after_10_good_ones(PublishRequest(events=Events(first_seq=0, events=[fsync(1)])))
        self.assertEqual(code, StatusCode.INVALID_ARGUMENT)
        self.assertIn("first_seq is 0", details)
        self.assertEqual(self.last_acks[-1].stored_through, 10, "the last ack comes before the end")

    def test_a_seq_that_goes_back_ends_the_stream(self) -> None:
        code, details = self.ends_after_10_good_ones(PublishRequest(events=Events(first_seq=10, events=[fsync(1)])))
        self.assertEqual(code, StatusCode.INVALID_ARGUMENT)
        self.assertIn("went back to 10", details)
        self.assertEqual(self.last_acks[-1].stored_through, 10, "the last ack comes before the end")

    def test_bytes_that_are_no_message_end_the_stream(self) -> None:
        code, details = self.ends_after_10_good_ones(b"\xff" * 40)
        self.assertEqual(code, StatusCode.INVALID_ARGUMENT)
        self.assertIn("40 bytes that are no PublishRequest", details)

    def test_text_that_is_no_utf8_ends_the_stream(self) -> None:
        event = VizEvent(cache={"name": "abcd"})
        message = PublishRequest(events=Events(first_seq=11, events=[event])).SerializeToString()
        code, _details = self.ends_after_10_good_ones(message.replace(b"abcd", b"\xff\xfe\xfd\xfc"))
        self.assertEqual(code, StatusCode.INVALID_ARGUMENT)

    def test_more_than_10000_events_in_a_message_end_the_stream(self) -> None:
        many = PublishRequest(events=Events(first_seq=11, events=[fsync(1)] * 10_001))
        code, details = self.ends_after_10_good_ones(many)
        self.assertEqual((code, details), (StatusCode.RESOURCE_EXHAUSTED, "10001 events in a message: at most 10000"))

    def test_a_message_over_1_mib_ends_the_stream(self) -> None:
        name = "x" * 256
        heavy = PublishRequest(events=Events(first_seq=11, events=[VizEvent(cache={"name": name})] * 4_200))
        self.assertGreater(heavy.ByteSize(), 1 << 20)
        code, _details = self.ends_after_10_good_ones(heavy)
        self.assertEqual(code, StatusCode.RESOURCE_EXHAUSTED)

    def test_10000_events_and_a_message_of_just_1_mib_are_fine(self) -> None:
        node = self.connected()
        node.stored_through(node.send([fsync(1)] * 10_000))
        name = "x" * 256
        heavy = PublishRequest(events=Events(first_seq=10_001, events=[VizEvent(cache={"name": name})] * 3_900))
        self.assertGreater(heavy.ByteSize(), 1_000_000)
        node.say(heavy)
        node.stored_through(13_900)

    def test_a_garbled_hello_ends_the_stream(self) -> None:
        node = self.node()
        node.say(b"\x0a\xff\xff")
        code, details = node.ended()
        self.assertEqual(code, StatusCode.INVALID_ARGUMENT)
        self.assertIn("3 bytes that are no PublishRequest", details)

    def test_random_bytes_at_the_port_trouble_nobody(self) -> None:
        node = self.connected()
        for noise in (b"\0" * 1_000, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", bytes(range(256)) * 40, b"\x16\x03\x01\x02"):
            stranger = socket.create_connection(("127.0.0.1", self.daemon.port), timeout=PATIENCE_S)
            with stranger, contextlib.suppress(OSError):  # The server may have closed it already.
                stranger.sendall(noise)
                stranger.shutdown(socket.SHUT_WR)
                while stranger.recv(4_096):
                    pass
            node.stored_through(node.send(1))


class Ownership(ServerTests):
    def test_the_same_process_takes_over_at_once(self) -> None:
        old = self.connected()
        old.stored_through(old.send(10))
        new = self.node()
        self.assertEqual(new.hello().stored_through, 10)
        code, details = old.ended()
        self.assertEqual(code, StatusCode.ABORTED)
        self.assertIn("another stream of 'one' has taken over node 1", details)
        new.stored_through(new.send(1))
        self.assertEqual(self.daemon.comings_and_goings(), [True, True])

    def test_a_process_takes_over_from_its_own_stream_that_takes_nothing(self) -> None:
        raw = RawNode(self.daemon.port, takes=0)
        self.addCleanup(raw.close)
        raw.say(PublishRequest(hello=Hello(node=1, node_name="one", incarnation=0xA, next_seq=1)))
        self.daemon.until(lambda: self.daemon.comings_and_goings() == [True], "it is connected")
        node = self.connected()
        node.stored_through(node.send(1))

    def test_a_new_incarnation_takes_over_and_fences_the_old_one(self) -> None:
        old = self.connected()
        new = self.connected(incarnation=0xB)
        self.assertEqual(old.ended()[0], StatusCode.ABORTED)
        refused = self.node()
        refused.say_hello()
        code, details = refused.ended()
        self.assertEqual(code, StatusCode.FAILED_PRECONDITION)
        self.assertIn("two processes have one identity", details)
        new.stored_through(new.send(1))
        self.assertEqual(self.daemon.comings_and_goings(), [True, False, True])

    def test_the_log_hears_once_of_a_process_that_is_refused_again_and_again(self) -> None:
        node = self.connected()
        for _ in range(3):
            other = self.node()
            other.say_hello(node_name="other", incarnation=0xC)
            other.ended()
        node.stored_through(node.send(1))
        refused = [mark.publisher for mark in self.daemon.marks if mark.refused]
        self.assertEqual(refused, [Publisher(1, "other", 0xC)])

    def test_another_name_for_a_connected_id_is_refused(self) -> None:
        node = self.connected()
        other = self.node()
        other.say_hello(node_name="other", incarnation=0xC)
        code, details = other.ended()
        self.assertEqual(code, StatusCode.ALREADY_EXISTS)
        self.assertIn("node 1 is connected as 'one'", details)
        node.stored_through(node.send(1))

    def test_another_name_may_have_the_id_when_it_is_free(self) -> None:
        self.connected().cut()
        self.daemon.until(lambda: self.daemon.comings_and_goings() == [True, False], "it is marked as gone")
        other = self.connected(node_name="other", incarnation=0xC)
        other.stored_through(other.send(1))


class Silence(ServerTests):
    def setUp(self) -> None:
        self.patch(publish, "SILENT_AFTER_S", 0.3)
        super().setUp()

    def test_a_silent_node_counts_as_disconnected_until_it_speaks_again(self) -> None:
        node = self.connected()
        self.daemon.until(lambda: self.daemon.comings_and_goings() == [True, False], "it has fallen silent")
        node.heartbeat()
        self.daemon.until(lambda: self.daemon.comings_and_goings()[:3] == [True, False, True], "it has spoken")
        node.stored_through(node.send(1))

    def test_the_id_of_a_silent_node_can_be_had_by_another_name(self) -> None:
        node = self.connected()
        self.daemon.until(lambda: self.daemon.comings_and_goings() == [True, False], "it has fallen silent")
        other = self.connected(node_name="other", incarnation=0xC)
        self.assertEqual(node.ended()[0], StatusCode.ABORTED)
        other.stored_through(other.send(1))


class Pressure(ServerTests):
    def setUp(self) -> None:
        super().setUp()
        self.daemon.inbox.MAX_EVENTS = 100

    def blocked(self, **fields: object) -> Node:
        """A node that has sent an event, and then 1,000 messages of 10 to a daemon that does not tick."""
        node = self.connected(**fields)
        node.stored_through(node.send(1))
        self.daemon.hold()
        for _ in range(1_000):
            node.send(10)
        self.daemon.until(lambda: self.daemon.inbox.is_full, "the inbox is full")
        return node

    def test_the_daemon_stops_reading_while_its_inbox_is_full_and_goes_on_afterwards(self) -> None:
        node = self.blocked()
        for number in range(20):  # Each is served by the thread that would read on.
            other = self.node()
            other.say_hello(node_name="")
            self.assertEqual(other.ended()[0], StatusCode.INVALID_ARGUMENT, number)
        self.assertLess(self.daemon.inbox.events, 110)
        self.assertFalse(node.has_answer, "nothing is acked")
        self.daemon.release()
        node.stored_through(10_001)
        self.assertEqual(len(self.daemon.fragments), 10_001)

    def test_every_stream_that_waits_goes_on(self) -> None:
        nodes = [self.connected(node=number, node_name=f"n{number}") for number in range(1, 6)]
        self.daemon.until(lambda: not self.daemon.inbox.events, "all connects are stored")
        self.daemon.hold()
        for _ in range(100):
            for node in nodes:
                node.send(10)
        self.daemon.until(lambda: self.daemon.inbox.is_full, "the inbox is full")
        self.daemon.release()
        for node in nodes:
            node.stored_through(1_000)
        self.assertEqual(len(self.daemon.fragments), 5_000)

    def test_a_node_is_not_silent_while_it_is_the_daemon_that_does_not_read(self) -> None:
        self.blocked()
        idle = self.node()
        self.daemon.inbox.MAX_EVENTS = 10_000  # There is room for its Hello; the first one waits on.
        idle.hello(node=2, node_name="two")
        streams = self.daemon.registry.streams
        self.patch(publish, "SILENT_AFTER_S", 0.0)
        self.daemon.until(lambda: streams[2].silent, "the idle one counts as silent")
        self.assertFalse(streams[1].silent)
        self.daemon.release()


class ManyNodes(ServerTests):
    def test_200_open_streams_are_all_served_at_once(self) -> None:
        nodes = []
        for number in range(200):
            nodes.append(self.node())
            nodes[-1].say_hello(node=number, node_name=f"node-{number}")
        for node in nodes:
            self.assertEqual(node.answer().WhichOneof("message"), "welcome")
        for _ in range(3):
            for node in nodes:
                node.send(5)
        for node in nodes:
            node.stored_through(15)
        self.assertEqual(len(self.daemon.fragments), 3_000)
