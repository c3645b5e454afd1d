"""A publisher over many streams: nothing is lost that need not be, and what is lost is counted."""

import asyncio
import logging
import socket
import threading
import time
from random import Random
from typing import Any

import grpc

from tests.client.peer import PATIENCE_S, Conversation, PeerTestCase, ScriptedPeer, store_all
from tests.client.test_stream import QUICK, alive, reading
from vizd.client.backoff import Backoff
from vizd.client.encode import event_class_of
from vizd.client.publisher import Publisher
from vizd.client.stats import PublisherStats
from vizd.client.thread import PublisherThread
from vizd.events.catalogue import EventClass


def aborting(code: grpc.StatusCode, after_batches: int = 0, store: bool = False) -> Any:
    """A script: read so many batches, store them or not, ack nothing, and end the stream with ``code``."""

    async def script(talk: Conversation) -> None:
        if after_batches:
            await talk.welcome()
        for _ in range(after_batches):
            batch = await talk.read_batch()
            if store:
                talk.store(batch)
        await talk.abort(code)

    return script


async def hang(talk: Conversation) -> None:
    """A script: welcome, and never read or say anything again."""
    await talk.welcome()
    await asyncio.Event().wait()


class Signal(logging.Handler):
    """A log that a test can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = threading.Event()
        self.logger = logging.Logger("test")  # Not in the tree: nothing is printed.
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.set()


class PublisherTests(PeerTestCase):
    def publish_to(self, target: str, **options: Any) -> Publisher:
        """Node 1, started; closed when the test is over."""
        options = {"timing": QUICK, "backoff": Backoff(0.01, 0.05, Random(1)), "log": Signal().logger} | options
        publisher = Publisher(target, 1, "node-1", **options)
        publisher.start()
        self.addCleanup(publisher.close, 0)
        return publisher

    def assert_accounts(self, stats: PublisherStats) -> None:
        events = stats.events
        self.assertEqual(events.emitted, events.acked + events.in_flight + events.waiting + events.dropped_total)

    def assert_delivers_all_in_spite_of(self, *scripts: Any) -> ScriptedPeer:
        """Whatever the first streams do, in the end a daemon has everything, once, in order."""
        peer = self.converse(*scripts, store_all)
        publisher = self.publish_to(peer.target)
        for number in range(1, 200):
            publisher.emit_all([alive(number)] * 20)
        self.assertTrue(publisher.flush(PATIENCE_S))
        self.assertEqual([event.ts_ms for event in peer.stored], [n for n in range(1, 200) for _ in range(20)])
        self.assertEqual(len({talk.hello.incarnation for talk in peer.conversations}), 1)
        self.assertEqual(len(peer.conversations), len(scripts) + 1)
        self.assert_accounts(publisher.stats)
        return peer

    def test_a_stream_that_breaks_in_the_middle_loses_nothing(self) -> None:
        self.assert_delivers_all_in_spite_of(
            aborting(grpc.StatusCode.UNAVAILABLE, after_batches=1),
            aborting(grpc.StatusCode.ABORTED, after_batches=1),
        )

    def test_what_was_stored_but_never_acked_is_not_sent_again(self) -> None:
        peer = self.assert_delivers_all_in_spite_of(
            aborting(grpc.StatusCode.UNAVAILABLE, after_batches=1, store=True),
        )
        self.assertEqual(peer.duplicates, 0)

    def test_a_refusal_that_passes_delays_and_loses_nothing(self) -> None:
        self.assert_delivers_all_in_spite_of(
            aborting(grpc.StatusCode.ALREADY_EXISTS), aborting(grpc.StatusCode.UNAUTHENTICATED)
        )

    def test_the_next_hello_says_what_is_left(self) -> None:
        async def stores_two(talk: Conversation) -> None:
            await talk.welcome()
            batch = await talk.read_batch()
            batch = type(batch)(first_seq=1, events=batch.events[:2])
            talk.store(batch)
            await talk.ack(2)
            await talk.read()  # A heartbeat: the ack has had its time.
            while publisher.stats.events.acked < 2:
                await talk.read()
            await talk.abort(grpc.StatusCode.UNAVAILABLE)

        peer = self.converse(stores_two, store_all)
        publisher = Publisher(peer.target, 1, "node-1", timing=QUICK, log=Signal().logger)
        self.addCleanup(publisher.close, 0)
        publisher.emit_all([alive(1), alive(2), alive(3)])
        publisher.start()
        self.assertTrue(publisher.flush(PATIENCE_S))
        hello = peer.conversations[1].hello
        self.assertEqual((hello.next_seq, hello.acked_through), (3, 2))
        self.assertEqual(peer.conversations[1].messages[0].first_seq, 3)
        self.assertEqual(publisher.stats.reconnects, 1)

    def test_a_fenced_publisher_stops_for_good_and_says_so(self) -> None:
        peer = self.converse(aborting(grpc.StatusCode.FAILED_PRECONDITION), store_all)
        signal = Signal()
        publisher = Publisher(peer.target, 1, "node-1", log=signal.logger)
        publisher.emit(alive(1))
        publisher.start()
        self.assertTrue(signal.seen.wait(PATIENCE_S))
        self.assertFalse(publisher.flush(PATIENCE_S))
        publisher.emit(alive(2))
        stats = publisher.stats
        self.assertTrue(stats.fenced)
        self.assertEqual(stats.last_error, "FAILED_PRECONDITION: as the script says")
        self.assertEqual((stats.events.waiting, stats.events.dropped[EventClass.TRANSITION]), (1, 1))
        self.assertFalse(publisher.close(PATIENCE_S))
        self.assertEqual(len(peer.conversations), 1)

    def test_a_refusal_that_someone_has_to_put_right_is_tried_slowly(self) -> None:
        peer = self.converse(aborting(grpc.StatusCode.INVALID_ARGUMENT), store_all)
        began_s = time.monotonic()
        publisher = self.publish_to(peer.target, backoff=Backoff(0.001, 0.4, Random(1)))
        peer.until(lambda: len(peer.conversations) == 2)
        self.assertGreaterEqual(time.monotonic() - began_s, 0.2)
        self.assertEqual(publisher.stats.last_error, "INVALID_ARGUMENT: as the script says")

    def test_a_daemon_that_comes_later_gets_what_was_emitted_before(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        signal = Signal()
        publisher = self.publish_to(f"127.0.0.1:{port}", log=signal.logger)
        publisher.emit_all([alive(1), alive(2)])
        self.assertTrue(signal.seen.wait(PATIENCE_S))
        self.assertRegex(publisher.stats.last_error or "", "^UNAVAILABLE: ")
        peer = self.converse(port=port)
        self.assertTrue(publisher.flush(PATIENCE_S))
        self.assertEqual(peer.stored, [alive(1), alive(2)])

    def test_a_daemon_that_is_replaced_by_another_leaves_no_gap(self) -> None:
        first = self.converse()
        publisher = self.publish_to(first.target)
        publisher.emit(alive(1))
        self.assertTrue(publisher.flush(PATIENCE_S))
        port = int(first.target.rpartition(":")[2])
        first.stop()
        publisher.emit(alive(2))

        async def knows_nothing(talk: Conversation) -> None:
            await talk.welcome(stored_through=talk.hello.acked_through)
            await talk.read_batch()
            await talk.ack(2)
            await talk.read()

        second = self.converse(knows_nothing, port=port)
        self.assertTrue(publisher.flush(PATIENCE_S))
        self.assertEqual(second.conversations[0].events, [(2, alive(2))])

    def test_without_a_daemon_the_gauges_go_and_the_transitions_stay(self) -> None:
        signal = Signal()
        publisher = self.publish_to("127.0.0.1:1", max_buffered_events=100, log=signal.logger)
        for number in range(50):
            publisher.emit(alive(number))
            publisher.emit_all([reading(number)] * 20)
        events = publisher.stats.events
        self.assertEqual((events.emitted, events.waiting), (1_050, 100))
        self.assertEqual(events.dropped, {each: 950 * (each is EventClass.GAUGE) for each in EventClass})
        self.assert_accounts(publisher.stats)

    def test_events_that_are_encoded_already_arrive_like_others(self) -> None:
        peer = self.converse()
        publisher = self.publish_to(peer.target)
        events = [alive(1), reading(2), alive(3)]
        publisher.emit_encoded((event.SerializeToString(), event_class_of(event)) for event in events)
        self.assertTrue(publisher.flush(PATIENCE_S))
        self.assertEqual(peer.stored, events)

    def test_events_of_many_threads_all_arrive_and_those_of_each_in_order(self) -> None:
        peer = self.converse()
        publisher = self.publish_to(peer.target)

        def emit(thread: int) -> None:
            for number in range(500):
                publisher.emit(alive(thread * 1_000 + number))

        threads = [threading.Thread(target=emit, args=(each,)) for each in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(PATIENCE_S)
        self.assertTrue(publisher.flush(PATIENCE_S))
        for thread in range(8):
            mine = [event.ts_ms for event in peer.stored if event.ts_ms // 1_000 == thread]
            self.assertEqual(mine, [thread * 1_000 + number for number in range(500)])

    def test_flush_gives_up_when_its_time_is_over(self) -> None:
        publisher = self.publish_to(self.converse(hang).target)
        publisher.emit(alive(1))
        self.assertFalse(publisher.flush(0.05))

    def test_flush_of_nothing_is_done_at_once_even_without_a_daemon(self) -> None:
        self.assertTrue(self.publish_to("127.0.0.1:1").flush(PATIENCE_S))

    def test_flush_does_not_wait_for_what_is_emitted_after_it(self) -> None:
        async def acks_one(talk: Conversation) -> None:
            await talk.welcome()
            await talk.read_batch()
            publisher.emit(alive(2))
            await talk.ack(1)
            await asyncio.Event().wait()

        publisher = self.publish_to(self.converse(acks_one).target)
        publisher.emit(alive(1))
        self.assertTrue(publisher.flush(PATIENCE_S))

    def test_close_delivers_ends_the_stream_and_takes_nothing_more(self) -> None:
        peer = self.converse()
        publisher = self.publish_to(peer.target)
        publisher.emit_all([alive(1), alive(2)])
        self.assertTrue(publisher.close(PATIENCE_S))
        peer.until(lambda: peer.ended_cleanly)
        publisher.emit(alive(3))
        events = publisher.stats.events
        self.assertEqual((events.emitted, events.acked, events.dropped_total), (3, 2, 1))
        self.assertFalse(publisher.stats.connected)

    def test_close_is_not_held_up_by_a_daemon_that_hangs(self) -> None:
        publisher = self.publish_to(self.converse(hang).target)
        publisher.emit_all(reading(number) for number in range(40_000))
        began_s = time.monotonic()
        self.assertFalse(publisher.close(0.1))
        self.assertLess(time.monotonic() - began_s, 5)
        self.assert_accounts(publisher.stats)

    def test_close_without_a_daemon_returns_after_its_time(self) -> None:
        publisher = self.publish_to("127.0.0.1:1")
        publisher.emit(alive(1))
        self.assertFalse(publisher.close(0.05))
        self.assertEqual(publisher.stats.events.waiting, 1)

    def test_closing_again_or_what_never_started_is_nothing(self) -> None:
        publisher = Publisher("127.0.0.1:1", 1, "node-1")
        publisher.emit(alive(1))
        self.assertFalse(publisher.close(PATIENCE_S))
        self.assertFalse(publisher.close(PATIENCE_S))

    def test_many_publishers_share_one_thread(self) -> None:
        peer = self.converse()
        thread = PublisherThread()
        self.addCleanup(thread.stop)
        publishers = [Publisher(peer.target, n, f"node-{n}", thread=thread) for n in range(1, 101)]
        for publisher in publishers:
            publisher.start()
            publisher.emit_all([alive(1), alive(2)])
        self.assertTrue(all(publisher.close(PATIENCE_S) for publisher in publishers))
        self.assertEqual({node: len(log) for node, log in peer.logs.items()}, dict.fromkeys(range(1, 101), 2))

    def test_a_name_is_needed_and_a_number_that_fits(self) -> None:
        with self.assertRaisesRegex(ValueError, "node_name is empty"):
            Publisher("127.0.0.1:1", 1, "")
        with self.assertRaisesRegex(ValueError, "node 4294967296: an unsigned 32 bit number"):
            Publisher("127.0.0.1:1", 2**32, "node")
