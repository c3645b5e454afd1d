"""Events and messages of a publisher as bytes on the wire.

An event is encoded once, when it is emitted: what is kept until the ack is then small, exactly counted and
safe from a caller who goes on using his message. A batch joins such pieces, so sending again costs next
to nothing. Nothing here keeps anything.
"""

from collections.abc import Iterable

from vizd.events.catalogue import TYPES, EventClass
from vizd.wire.vizd_pb2 import Events, Hello, PublishRequest, VizEvent

__all__ = ["ENVELOPE_BYTES", "event_class_of", "events_message", "framed", "framed_event", "hello_message"]

ENVELOPE_BYTES = 64
"""More than an Events message ever adds to its events: three varints, two tags with their lengths."""

_LENGTH_DELIMITED = 2


def _tag(message: type[PublishRequest] | type[Events], field: str) -> bytes:
    return _varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | _LENGTH_DELIMITED)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


_EVENTS_TAG = _tag(PublishRequest, "events")
_EVENT_TAG = _tag(Events, "events")
_EVENT_HEADS = [_EVENT_TAG + _varint(size) for size in range(256)]
"""Before an event of so many bytes: nearly all are shorter than this."""

_ARM_CLASS = {each.arm: each.kinds[0].event_class for each in TYPES if len({k.event_class for k in each.kinds}) == 1}
"""The types whose kinds are all of one class."""
_KIND_CLASS = {
    each.arm: {kind.proto_name: kind.event_class for kind in each.kinds} for each in TYPES if each.arm not in _ARM_CLASS
}


def event_class_of(event: VizEvent) -> EventClass:
    """What may be done with ``event`` when there is no room.

    One without a known kind counts as a log event: it is delivered, and it is the daemon that judges it.
    """
    arm = event.WhichOneof("event") or ""
    event_class = _ARM_CLASS.get(arm)
    if event_class is None and arm:
        event_class = _KIND_CLASS[arm].get(getattr(event, arm).WhichOneof("kind"))
    return event_class or EventClass.LOG


def framed_event(event: VizEvent) -> bytes:
    """``event`` as an element of ``Events.events``: tag, length, message."""
    return framed(event.SerializeToString())


def framed(encoded: bytes) -> bytes:
    """As ``framed_event``, of an event's own bytes."""
    size = len(encoded)
    return (_EVENT_HEADS[size] if size < 256 else _EVENT_TAG + _varint(size)) + encoded


def hello_message(hello: Hello) -> bytes:
    """``hello`` as a PublishRequest."""
    return PublishRequest(hello=hello).SerializeToString()


def events_message(first_seq: int, sent_ms: int, dropped: int, framed_events: Iterable[bytes] = ()) -> bytes:
    """A batch, or a heartbeat, as a PublishRequest.

    :param first_seq: of the first event; in a heartbeat, of the next one.
    :param sent_ms: the node's clock, milliseconds since the Unix epoch.
    :param dropped: events given up before they got a sequence number, in total.
    :param framed_events: from ``framed_event``.
    """
    # Protobuf allows the fields of a message in any order, also pieces of one field joined.
    head = Events(first_seq=first_seq, sent_ms=sent_ms, dropped=dropped).SerializeToString()
    body = b"".join((head, *framed_events))
    return b"".join((_EVENTS_TAG, _varint(len(body)), body))
