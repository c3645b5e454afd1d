"""The border between the gRPC thread and the reactor."""

import threading

from twisted.trial.unittest import TestCase

from tests.log.drafts import arrival, mark
from vizd.ingest.inbox import Inbox
from vizd.log.coalescer import Arrival


class InboxTests(TestCase):
    def test_what_was_put_is_drained_in_order_once(self) -> None:
        inbox = Inbox()
        arrivals = [arrival(seq) for seq in range(1, 6)]
        for each in arrivals[:3]:
            inbox.put(each)
        self.assertEqual(inbox.drain(), arrivals[:3])
        for each in arrivals[3:]:
            inbox.put(each)
        self.assertEqual(inbox.drain(), arrivals[3:])
        self.assertEqual(inbox.drain(), [])

    def test_it_counts_the_events_that_wait_and_an_arrival_without_any_as_one(self) -> None:
        inbox = Inbox()
        inbox.put(arrival(5, 5))
        inbox.put(Arrival(mark(5, 0), [], [], 0))
        self.assertEqual(inbox.events, 6)
        inbox.drain()
        self.assertEqual(inbox.events, 0)

    def test_it_is_full_at_its_bound_of_events(self) -> None:
        inbox = Inbox()
        inbox.MAX_EVENTS = 10
        inbox.put(arrival(9, 9))
        self.assertFalse(inbox.is_full)
        inbox.put(arrival(10))
        self.assertTrue(inbox.is_full)
        inbox.drain()
        self.assertFalse(inbox.is_full)

    def test_it_is_full_at_its_bound_of_bytes(self) -> None:
        inbox = Inbox()
        inbox.MAX_BYTES = 1_000
        inbox.put(arrival(1, size_bytes=999))
        self.assertFalse(inbox.is_full)
        inbox.put(arrival(2, size_bytes=1))
        self.assertTrue(inbox.is_full)
        inbox.drain()
        self.assertFalse(inbox.is_full)

    def test_marks_alone_can_fill_it(self) -> None:
        inbox = Inbox()
        inbox.MAX_EVENTS = 10
        for _ in range(10):
            inbox.put(Arrival(mark(0, 0), [], [], 0))
        self.assertTrue(inbox.is_full)

    def test_whoever_waits_for_room_is_told_when_it_was_drained_and_not_when_there_was_nothing(self) -> None:
        inbox = Inbox()
        told: list[bool] = []
        inbox.on_drained = lambda: told.append(inbox.is_full)
        inbox.drain()
        self.assertEqual(told, [])
        inbox.put(arrival(1))
        inbox.drain()
        self.assertEqual(told, [False])

    def test_two_threads_lose_nothing_and_keep_the_order(self) -> None:
        inbox = Inbox()
        inbox.MAX_EVENTS = 50
        count = 5_000
        room = threading.Semaphore(0)
        inbox.on_drained = room.release

        def put() -> None:
            for seq in range(1, count + 1):
                while inbox.is_full:
                    assert room.acquire(timeout=30)
                inbox.put(arrival(seq))

        putter = threading.Thread(target=put)
        putter.start()
        drained: list[Arrival] = []
        while len(drained) < count:
            some = inbox.drain()
            self.assertLessEqual(len(some), 50, "its bound holds")
            drained += some
            if not some and not putter.is_alive() and not inbox.events:
                break
        putter.join(30)
        self.assertEqual([each.mark.last_seq for each in drained], list(range(1, count + 1)))
        self.assertEqual((inbox.events, inbox.is_full), (0, False))
