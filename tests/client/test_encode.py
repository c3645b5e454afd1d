"""Bytes on the wire: what is joined by hand is what protobuf would have written."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from vizd.client.encode import ENVELOPE_BYTES, event_class_of, events_message, framed_event, hello_message
from vizd.events.catalogue import KINDS, EventClass, Kind
from vizd.events.decode import kind_of
from vizd.wire.vizd_pb2 import CacheEvt, Events, Hello, PublishRequest, ShardKind, SwimKind, VizEvent, WalEvt

U64 = st.integers(0, 2**64 - 1)
EVENTS = st.builds(
    lambda ts_ms, name: VizEvent(ts_ms=ts_ms, cache=CacheEvt(name=name)), U64, st.text(max_size=400)
) | st.just(VizEvent())


def event_of(kind: Kind) -> VizEvent:
    """An event of that kind, all of whose fields are zero."""
    event = VizEvent()
    message = getattr(event, kind.type.arm)
    message.SetInParent()
    if kind.type.bare:
        numbers = {"Swim": SwimKind, "Shard": ShardKind}[kind.type.name]
        message.kind = numbers.Value(f"{kind.type.name.upper()}_KIND_{kind.proto_name.upper()}")
    elif kind.name:
        getattr(message, kind.proto_name).SetInParent()
    return event


class EncodeTests(TestCase):
    @given(first_seq=U64, sent_ms=U64, dropped=U64, events=st.lists(EVENTS, max_size=5))
    def test_a_batch_reads_back_as_the_message_that_it_stands_for(
        self, first_seq: int, sent_ms: int, dropped: int, events: list[VizEvent]
    ) -> None:
        framed = [framed_event(event) for event in events]
        encoded = events_message(first_seq, sent_ms, dropped, framed)
        expected = Events(first_seq=first_seq, sent_ms=sent_ms, dropped=dropped, events=events)
        self.assertEqual(PublishRequest.FromString(encoded), PublishRequest(events=expected))
        self.assertEqual(len(encoded), PublishRequest(events=expected).ByteSize())
        self.assertLessEqual(len(encoded) - sum(map(len, framed)), ENVELOPE_BYTES)

    def test_a_hello_reads_back(self) -> None:
        hello = Hello(node=1, node_name="node-1", incarnation=2**64 - 1)
        self.assertEqual(PublishRequest.FromString(hello_message(hello)).hello, hello)

    def test_every_kind_has_the_class_that_the_catalogue_says(self) -> None:
        for kind in KINDS:
            event = event_of(kind)
            self.assertIs(kind_of(event), kind)
            self.assertIs(event_class_of(event), kind.event_class, str(kind))

    def test_what_has_no_kind_is_delivered_like_a_log_event(self) -> None:
        for event in (VizEvent(), VizEvent(wal=WalEvt(node=1))):
            self.assertIs(event_class_of(event), EventClass.LOG)
