"""The way back: from the JSON of an event to the ``VizEvent`` that leads to it, through the catalogue."""

from typing import Any

from vizd.events.catalogue import TYPES, EventType, Kind
from vizd.wire.vizd_pb2 import FlushReason, ShardKind, SwimKind, VizEvent

ENUMS = {"Swim": (SwimKind, "SWIM_KIND_"), "Shard": (ShardKind, "SHARD_KIND_")}
REASONS = {
    "MemtableSize": FlushReason.FLUSH_REASON_MEMTABLE_SIZE,
    "WalAge": FlushReason.FLUSH_REASON_WAL_AGE,
    "Manual": FlushReason.FLUSH_REASON_MANUAL,
}


def event_of(said: dict[str, Any]) -> VizEvent:
    """The event that a node sends so that a dashboard receives ``said``; without its publishing node."""
    kind = kind_named(said["event"]["type"], said["event"]["data"].get("kind"))
    event = VizEvent(ts_ms=said["ts"])
    if "shard" in said:
        event.owner_shard = said["shard"]
    fill(event, kind, said["event"]["data"])
    return event


def kind_named(type_name: str, kind: Any) -> Kind:
    """The catalogue's line for a ``type`` and what stands behind ``kind``: an object, a bare string, or nothing."""
    name = kind["kind"] if isinstance(kind, dict) else kind or ""
    [found] = [line for each in TYPES if each.name == type_name for line in each.kinds if line.name == name]
    return found


def fill(event: VizEvent, kind: Kind, data: dict[str, Any]) -> None:
    """Set the arm of ``event`` that ``kind`` has, from its JSON."""
    outer = getattr(event, kind.type.arm)
    outer.SetInParent()
    _set(outer, kind.type.fields, data)
    if kind.type.bare:
        outer.kind = enum_number(kind.type, kind)
    elif kind.name:
        inner = getattr(outer, kind.proto_name)
        inner.SetInParent()
        _set(inner, kind.fields, data["kind"])


def enum_number(event_type: EventType, kind: Kind) -> int:
    """The number that a bare kind has on the wire."""
    enum, prefix = ENUMS[event_type.name]
    return enum.Value(prefix + kind.proto_name.upper())


def _set(message: Any, fields: Any, data: dict[str, Any]) -> None:
    for field in fields:
        value = data[field.name]
        setattr(message, field.proto, REASONS[value] if field.width == "reason" else value)
