"""Messages that are made before they are sent are what a node would send."""

from twisted.trial.unittest import SynchronousTestCase

from bench.speed.prepared import heartbeat, prepared, request
from vizd.events.decode import Decoder
from vizd.events.facet import Facets
from vizd.wire.vizd_pb2 import PublishRequest

NOW_MS = 1_800_000_000_123


class PreparedTests(SynchronousTestCase):
    """``request`` and ``heartbeat``."""

    def test_a_message_is_what_it_was_made_of(self) -> None:
        for messages in prepared(nodes=3, per_node=300, per_message=100):
            self.assertGreaterEqual(len(messages), 3)
            events = PublishRequest.FromString(request(messages[0], 4_001, NOW_MS)).events
            self.assertEqual((events.first_seq, events.sent_ms, len(events.events)), (4_001, NOW_MS, 100))
            self.assertEqual({event.ts_ms for event in events.events}, {NOW_MS})

    def test_the_daemon_takes_every_event(self) -> None:
        [messages, *_] = prepared(nodes=3, per_node=2_000, per_message=100)
        for message in messages:
            events = PublishRequest.FromString(request(message, 1, NOW_MS)).events.events
            decoded = Decoder(1, Facets()).decode(events, NOW_MS)
            self.assertEqual((len(decoded.fragments), decoded.rejections, decoded.unknown), (100, [], 0))

    def test_a_heartbeat_names_the_next_seq(self) -> None:
        events = PublishRequest.FromString(heartbeat(7, NOW_MS)).events
        self.assertEqual((events.first_seq, events.sent_ms, len(events.events)), (7, NOW_MS, 0))
