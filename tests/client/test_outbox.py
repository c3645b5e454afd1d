import asyncio
from collections.abc import Callable

from twisted.trial.unittest import TestCase

from vizd.client.buffer import SendBuffer
from vizd.client.outbox import FULL_BATCH_EVENTS, Outbox
from vizd.events.catalogue import EventClass

EVENT = (b"x", EventClass.LOG)


class OutboxTests(TestCase):
    def setUp(self) -> None:
        self.called: list[Callable[[], object]] = []
        self.outbox = Outbox(SendBuffer(10_000, 10_000), self.called.append)
        self.outbox.begin_stream(0, 10_000)
        self.outbox.wake.clear()

    def test_the_loop_is_woken_by_the_first_event_and_by_the_one_that_fills_a_batch(self) -> None:
        wakened_by = []
        for number in range(1, 3 * FULL_BATCH_EVENTS):
            self.outbox.add([EVENT])
            if self.called:
                wakened_by.append(number)
                self.called.clear()
        self.assertEqual(wakened_by, [1, FULL_BATCH_EVENTS])

    def test_an_ack_may_make_room_so_it_wakes_the_loop(self) -> None:
        self.outbox.add([EVENT])
        self.outbox.take(10, 100)
        self.outbox.acknowledge(1, 1)
        self.assertTrue(self.outbox.wake.is_set())

    def test_after_its_close_events_are_counted_as_dropped_and_wake_nobody(self) -> None:
        self.outbox.close()
        self.outbox.add([EVENT, EVENT])
        counts = self.outbox.counts()
        self.assertEqual((counts.emitted, counts.dropped_total, counts.waiting), (2, 2, 0))
        self.assertEqual((self.called, self.outbox.is_empty), ([], True))

    def test_it_is_flushed_when_all_from_before_is_acked(self) -> None:
        async def scenario() -> list[bool]:
            self.outbox.add([EVENT, EVENT])
            flushed = asyncio.ensure_future(self.outbox.flushed())
            await asyncio.sleep(0)
            self.outbox.add([EVENT])
            self.outbox.take(10, 100)
            done = []
            for through in (1, 2):
                self.outbox.acknowledge(through, through)
                for _ in range(3):
                    await asyncio.sleep(0)
                done.append(flushed.done())
            return done

        self.assertEqual(asyncio.run(scenario()), [False, True])
