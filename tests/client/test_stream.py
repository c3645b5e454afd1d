"""One stream: what a daemon that follows the wire contract hears, and what it may answer."""

import asyncio
import logging
from random import Random
from typing import Any

import grpc

from tests.client.peer import PATIENCE_S, Conversation, PeerTestCase, ScriptedPeer, store_all
from vizd.client.backoff import Backoff
from vizd.client.publisher import Publisher
from vizd.client.stream import StreamTiming
from vizd.client.thread import PublisherThread
from vizd.wire.vizd_pb2 import (
    SWIM_KIND_ALIVE,
    CacheEvt,
    PublishRequest,
    PublishResponse,
    Rejected,
    SwimEvt,
    VizEvent,
)

QUICK = StreamTiming(linger_s=0.005, heartbeat_s=0.05, welcome_s=0.5)
SILENT = logging.Logger("silent")
SILENT.addHandler(logging.NullHandler())


def alive(number: int) -> VizEvent:
    """A transition."""
    return VizEvent(ts_ms=number, swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE))


def reading(number: int) -> VizEvent:
    """A gauge."""
    return VizEvent(ts_ms=number, cache=CacheEvt(name="block", hit_ratio=0.5))


class StreamTests(PeerTestCase):
    def publish_to(self, peer: ScriptedPeer, **options: Any) -> Publisher:
        """Node 1, not started; closed when the test is over."""
        options = {"timing": QUICK, "backoff": Backoff(0.01, 0.05, Random(1)), "log": SILENT} | options
        publisher = Publisher(peer.target, 1, "node-1", **options)
        publisher.start()
        self.addCleanup(publisher.close, 0)
        return publisher

    def test_hello_says_who_it_is_and_that_nothing_was_sent_yet(self) -> None:
        peer = self.converse()
        self.publish_to(peer, node_version="1.2.3", token="secret")
        peer.until(lambda: peer.conversations and peer.conversations[0].hello)
        talk = peer.conversations[0]
        self.assertEqual((talk.hello.node, talk.hello.node_name, talk.hello.node_version), (1, "node-1", "1.2.3"))
        self.assertEqual((talk.hello.next_seq, talk.hello.acked_through), (1, 0))
        self.assertEqual(talk.metadata["authorization"], "Bearer secret")

    def test_each_publisher_is_an_incarnation_of_its_own(self) -> None:
        peer = self.converse()
        for _ in range(2):
            self.publish_to(peer)
        peer.until(lambda: len([talk for talk in peer.conversations if talk.hello]) == 2)
        self.assertEqual(len({talk.hello.incarnation for talk in peer.conversations}), 2)

    def test_events_arrive_as_they_were_emitted_with_the_clock_of_the_node(self) -> None:
        peer = self.converse()
        publisher = self.publish_to(peer, now_ms=lambda: 1_765_000_000_123)
        events = [alive(1), reading(2), alive(3), VizEvent(ts_ms=4), VizEvent()]
        publisher.emit_all(events)
        self.assertTrue(publisher.flush(PATIENCE_S))
        self.assertEqual(peer.stored, events)
        self.assertEqual({message.sent_ms for message in peer.conversations[0].messages}, {1_765_000_000_123})

    def test_an_event_that_is_changed_after_it_was_emitted_arrives_unchanged(self) -> None:
        peer = self.converse()
        publisher = self.publish_to(peer)
        event = alive(1)
        publisher.emit(event)
        event.ts_ms = 2
        publisher.flush(PATIENCE_S)
        self.assertEqual(peer.stored, [alive(1)])

    def test_a_thousand_events_go_at_once_and_fewer_are_collected(self) -> None:
        peer = self.converse()
        publisher = self.publish_to(peer, timing=StreamTiming(linger_s=60, heartbeat_s=60))
        peer.until(lambda: peer.conversations and peer.conversations[0].hello)
        publisher.emit_all(alive(number) for number in range(400))
        publisher.emit_all(alive(number) for number in range(600))
        self.assertTrue(publisher.flush(PATIENCE_S))
        self.assertEqual([len(message.events) for message in peer.conversations[0].messages], [1_000])

    def test_a_silent_node_sends_heartbeats_with_the_next_number(self) -> None:
        peer = self.converse()
        publisher = self.publish_to(peer)
        publisher.emit_all([alive(1), alive(2)])
        publisher.flush(PATIENCE_S)
        messages = peer.conversations[0].messages
        seen = len(messages)
        peer.until(lambda: len(messages) >= seen + 3)
        self.assertTrue(all(message.first_seq == 3 and not message.events for message in messages[seen:]))

    def test_each_message_waits_until_it_is_cleared_and_is_made_only_then(self) -> None:
        turns = asyncio.Semaphore(2)
        thread = PublisherThread()
        self.addCleanup(thread.stop)
        peer = self.converse()
        publisher = self.publish_to(peer, thread=thread, cleared=turns.acquire)
        peer.until(lambda: peer.conversations and len(peer.conversations[0].messages) == 2)
        (held,) = peer.conversations
        publisher.emit(alive(1))
        self.publish_to(peer)  # Its heartbeats tell how time passes.
        peer.until(lambda: len(peer.conversations) == 2 and len(peer.conversations[1].messages) == 5)
        self.assertEqual((len(held.messages), held.events), (2, []))
        publisher.emit(alive(2))
        thread.call_soon(turns.release)
        peer.until(lambda: held.events == [(1, alive(1)), (2, alive(2))])

    def test_no_more_is_on_its_way_than_the_welcome_allows(self) -> None:
        most = []

        async def slow(talk: Conversation) -> None:
            await talk.welcome(max_in_flight=3)
            received = 0
            while received < 20:
                await talk.read_batch()
                most.append(len(talk.events) - received)
                received += 1
                await talk.ack(0, received_through=received)
            talk.store(PublishRequest(events={"first_seq": 1, "events": [e for _, e in talk.events]}).events)
            await talk.ack(len(peer.stored))
            await talk.read()

        peer = self.converse(slow)
        publisher = self.publish_to(peer)
        publisher.emit_all(alive(number) for number in range(22))
        self.assertTrue(publisher.flush(PATIENCE_S))
        self.assertEqual((len(peer.stored), max(most)), (22, 3))

    def test_no_message_is_larger_than_the_welcome_allows(self) -> None:
        async def small(talk: Conversation) -> None:
            await talk.welcome(max_message_bytes=200)
            while (message := await talk.read()) is not None:
                talk.store(message)
                await talk.ack(len(peer.stored))

        peer = self.converse(small)
        publisher = self.publish_to(peer)
        publisher.emit_all(alive(number) for number in range(500))
        self.assertTrue(publisher.flush(PATIENCE_S))
        sizes = [PublishRequest(events=message).ByteSize() for message in peer.conversations[0].messages]
        self.assertGreater(max(sizes), 120)
        self.assertLessEqual(max(sizes), 200)

    def test_no_message_has_more_than_ten_thousand_events(self) -> None:
        peer = self.converse()
        publisher = self.publish_to(peer)
        publisher.emit_all(alive(number) for number in range(25_000))
        self.assertTrue(publisher.flush(PATIENCE_S))
        self.assertEqual(max(len(message.events) for message in peer.conversations[0].messages), 10_000)

    def test_what_was_given_up_is_told(self) -> None:
        peer = self.converse()
        publisher = Publisher(peer.target, 1, "node-1", timing=QUICK, max_buffered_events=4)
        self.addCleanup(publisher.close, 0)
        publisher.emit_all(reading(number) for number in range(10))
        publisher.start()
        self.assertTrue(publisher.flush(PATIENCE_S))
        self.assertEqual([event.ts_ms for event in peer.stored], [6, 7, 8, 9])
        self.assertEqual(peer.conversations[0].messages[-1].dropped, 6)

    def test_rejected_events_are_counted_and_one_is_named_in_the_log(self) -> None:
        async def strict(talk: Conversation) -> None:
            await talk.welcome()
            for count in (2, 3):
                batch = await talk.read_batch()
                through = batch.first_seq + len(batch.events) - 1
                why = Rejected(seq=through, field="swim.kind", reason="unspecified")
                await talk.ack(through, rejected=[why], rejected_count=count)
            await talk.read()

        log = logging.getLogger("tests.client")
        publisher = self.publish_to(self.converse(strict), log=log)
        with self.assertLogs(log, logging.WARNING) as logged:
            for number in (1, 2):
                publisher.emit(alive(number))
                self.assertTrue(publisher.flush(PATIENCE_S))
        self.assertEqual((publisher.stats.rejected, publisher.stats.events.acked), (5, 2))
        self.assertEqual(len(logged.output), 1)
        self.assertIn("node-1: the daemon rejected 2 events (seq 1, swim.kind: unspecified)", logged.output[0])

    def test_an_answer_from_a_newer_daemon_is_passed_over(self) -> None:
        async def newer(talk: Conversation) -> None:
            await talk.welcome()
            await talk.say(PublishResponse())
            await talk.store_all()

        peer = self.converse(newer)
        publisher = self.publish_to(peer)
        publisher.emit(alive(1))
        self.assertTrue(publisher.flush(PATIENCE_S))
        self.assertEqual(publisher.stats.streams, 1)

    def assert_recovers_from(self, script: Any, error: str) -> None:
        """After a stream of that kind there comes another, and all is delivered."""
        peer = self.converse(script, store_all)
        publisher = self.publish_to(peer)
        publisher.emit_all([alive(1), alive(2)])
        self.assertTrue(publisher.flush(PATIENCE_S))
        self.assertEqual(peer.stored, [alive(1), alive(2)])
        self.assertEqual(publisher.stats.last_error, error)

    def test_a_daemon_that_never_welcomes_is_left(self) -> None:
        async def mute(talk: Conversation) -> None:
            await asyncio.Event().wait()

        self.assert_recovers_from(mute, "DEADLINE_EXCEEDED: no Welcome within 0.5 s")

    def test_a_daemon_that_answers_the_hello_with_something_else_is_left(self) -> None:
        async def confused(talk: Conversation) -> None:
            await talk.ack(0)
            await talk.read()

        self.assert_recovers_from(confused, "INTERNAL: from the daemon: ack where a Welcome is due")

    def test_a_daemon_that_acks_what_was_never_sent_is_left(self) -> None:
        async def confused(talk: Conversation) -> None:
            await talk.welcome()
            await talk.ack(99)
            await talk.read()
            await asyncio.Event().wait()

        peer = self.converse(confused, store_all)
        publisher = self.publish_to(peer)
        peer.until(lambda: len(peer.conversations) == 2)
        self.assertRegex(publisher.stats.last_error or "", "^INTERNAL: from the daemon: stored_through 99: ")

    def test_a_daemon_that_ends_the_stream_without_a_word_is_tried_again(self) -> None:
        async def curt(talk: Conversation) -> None:
            await talk.welcome()

        self.assert_recovers_from(curt, "UNAVAILABLE: the daemon ended the stream")

    def test_a_status_is_kept_as_the_last_error(self) -> None:
        async def busy(talk: Conversation) -> None:
            await talk.abort(grpc.StatusCode.UNAVAILABLE, "shutting down")

        self.assert_recovers_from(busy, "UNAVAILABLE: shutting down")
