"""A publisher behind a bad network: what is acked is stored, and all of it once, when the network is good again."""

from collections.abc import Callable

from tests.faults.case import FaultCase, numbered
from tests.faults.proxy import Proxy
from vizd.client.publisher import Publisher

PART = 500
PARTS = 6
"""Written while the network is bad; one more before, and one after."""
HEALED_TIMEOUT_S = 30.0
BITES_S = 0.5
"""For so long nothing comes through that should not."""


class PublisherTests(FaultCase):
    def publish_through(self, spoil: Callable[[Proxy], None], *, cuts: bool = False, waits: bool = False) -> Publisher:
        """Some events before, during and after the fault.

        :param spoil: makes it bad. :param cuts: connections end by it. :param waits: nothing is acked under it.
        """
        proxy = self.proxy(self.daemon.grpc_port)
        publisher = Publisher(f"127.0.0.1:{proxy.port}", 7, "behind")
        self.addCleanup(publisher.close, 1)
        publisher.start()
        publisher.emit_all(numbered(0, PART))
        self.assertTrue(publisher.flush(HEALED_TIMEOUT_S))
        spoil(proxy)
        for part in range(1, PARTS + 1):
            publisher.emit_all(numbered(part * PART, PART))
        if cuts:
            proxy.wait_ended()
        elif waits:
            self.assertFalse(publisher.flush(BITES_S), "it came through all the same")
        proxy.heal()
        publisher.emit_all(numbered((PARTS + 1) * PART, PART))
        self.assertTrue(publisher.flush(HEALED_TIMEOUT_S), publisher.stats)
        self.assertEqual(publisher.stats.reconnects > 0, cuts)
        return publisher

    def assert_all_once(self, publisher: Publisher) -> None:
        stats = publisher.stats
        self.assertEqual((stats.events.dropped_total, stats.rejected), (0, 0))
        ingest = self.daemon.get("/api/stats")[1]["ingest"]
        self.assertEqual((ingest["lost"], ingest["invalid"]), (0, 0))
        self.assertEqual(self.stored(), list(range((PARTS + 2) * PART)))
        publisher.close(1)
        self.assert_unharmed()

    def test_events_that_are_held_up_come_when_they_can(self) -> None:
        self.assert_all_once(self.publish_through(lambda proxy: proxy.stall(proxy.up), waits=True))

    def test_acks_that_are_held_up_hold_up_nothing_else(self) -> None:
        self.assert_all_once(self.publish_through(lambda proxy: proxy.stall(proxy.down), waits=True))

    def test_pieces_of_messages_are_put_together(self) -> None:
        def dribble(proxy: Proxy) -> None:
            proxy.slow(proxy.up, proxy.down, delay_s=0.001, piece_bytes=31)

        self.assert_all_once(self.publish_through(dribble, waits=True))

    def test_a_long_way_is_only_long(self) -> None:
        self.assert_all_once(self.publish_through(lambda proxy: proxy.slow(proxy.up, proxy.down, delay_s=0.05)))

    def test_a_reset_loses_nothing_and_doubles_nothing(self) -> None:
        self.assert_all_once(self.publish_through(Proxy.reset, cuts=True))

    def test_messages_that_break_off_anywhere_are_sent_again(self) -> None:
        self.assert_all_once(self.publish_through(lambda proxy: proxy.truncate(proxy.up, 4_099), cuts=True))

    def test_messages_whose_length_breaks_off_are_sent_again(self) -> None:
        self.assert_all_once(self.publish_through(lambda proxy: proxy.truncate(proxy.up, 11), cuts=True))

    def test_acks_that_break_off_make_nothing_double(self) -> None:
        self.assert_all_once(self.publish_through(lambda proxy: proxy.truncate(proxy.down, 3), cuts=True))

    def test_what_was_stored_and_not_acked_is_not_stored_again(self) -> None:
        """The ack is held up until it is known that all is stored, and the connection then ends without it."""

        proxy = self.proxy(self.daemon.grpc_port)
        publisher = Publisher(f"127.0.0.1:{proxy.port}", 7, "behind")
        self.addCleanup(publisher.close, 1)
        publisher.start()
        publisher.emit_all(numbered(0, PART))
        self.assertTrue(publisher.flush(HEALED_TIMEOUT_S))
        proxy.stall(proxy.down)
        publisher.emit_all(numbered(PART, PARTS * PART))
        self.daemon.wait_for_stats(lambda stats: stats["total_events_received"] == (PARTS + 1) * PART)
        self.assertEqual(publisher.stats.events.acked, PART)
        proxy.reset()
        proxy.heal()
        publisher.emit_all(numbered((PARTS + 1) * PART, PART))
        self.assertTrue(publisher.flush(HEALED_TIMEOUT_S), publisher.stats)
        self.assert_all_once(publisher)
