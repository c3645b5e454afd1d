"""Events as bytes, with their class: what a publisher takes at least cost.

Nearly all that a simulation does is make readings, and a reading's bytes are mostly those of one before.
"""

from vizd.client.encode import event_class_of
from vizd.events.catalogue import EventClass
from vizd.wire.vizd_pb2 import VizEvent

__all__ = ["EncodedEvent", "decoded", "encoded", "shifted", "ts_field"]

EncodedEvent = tuple[bytes, EventClass]


def encoded(event: VizEvent) -> EncodedEvent:
    """Any event."""
    return event.SerializeToString(), event_class_of(event)


def decoded(event: EncodedEvent) -> VizEvent:
    """The event again."""
    return VizEvent.FromString(event[0])


def shifted(event: EncodedEvent, by_ms: int) -> EncodedEvent:
    """The event as of a clock that is off."""
    message = decoded(event)
    message.ts_ms += by_ms
    return message.SerializeToString(), event[1]


def ts_field(ts_ms: int) -> bytes:
    """What stands before the bytes of an event without a ts, to make it one of that time."""
    return VizEvent(ts_ms=ts_ms).SerializeToString()
