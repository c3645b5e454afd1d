"""From an event's JSON back to what a node sends: the inverse of ``writers``, read from the same table."""

import math
from collections.abc import Mapping
from typing import Any

from vizd.events.catalogue import TYPES, Field, Kind
from vizd.events.writers import FLUSH_REASONS
from vizd.wire.vizd_pb2 import ShardKind, SwimKind, VizEvent

__all__ = ["event_from_json"]

_TYPES = {each.name: each for each in TYPES}
_KINDS = {(each.name, kind.name): kind for each in TYPES for kind in each.kinds}
_REASONS = {name: number for number, name in FLUSH_REASONS.items()}
_ENUMS: dict[str, Any] = {"Swim": SwimKind, "Shard": ShardKind}


def event_from_json(said: Mapping[str, Any]) -> VizEvent:
    """What a node sent for the daemon to say this.

    A number that JSON has none for (``null``) becomes NaN. The node that published it, ``said["node"]``, is the
    stream's to say.

    :raises ValueError: it is no event, or of a kind that this version does not know; the text says where and what.
    """
    try:
        name, data = said["event"]["type"], said["event"]["data"]
        ts_ms = said["ts"]
    except (KeyError, TypeError):
        raise ValueError("an event has ts, node, and event with type and data") from None
    if not isinstance(name, str) or name not in _TYPES or not isinstance(data, Mapping):
        raise ValueError(f"event.type {name!r}: one of {', '.join(_TYPES)} is needed")
    kind = _kind_of(name, data)
    event = VizEvent()
    _set(event, "ts_ms", ts_ms, "ts")
    if "shard" in said:
        _set(event, "owner_shard", said["shard"], "shard")
    message = getattr(event, kind.type.arm)
    message.SetInParent()
    _fill(message, kind.type.fields, data, f"event.data of {kind}")
    if kind.type.bare:
        message.kind = _ENUMS[name].Value(f"{name.upper()}_KIND_{kind.proto_name.upper()}")
    elif kind.name:
        inside = getattr(message, kind.proto_name)
        inside.SetInParent()
        _fill(inside, kind.fields, data["kind"], f"event.data.kind of {kind}")
    return event


def _kind_of(type_name: str, data: Mapping[str, Any]) -> Kind:
    kind = data.get("kind", "")
    name = kind.get("kind") if isinstance(kind, Mapping) else kind
    found = _KINDS.get((type_name, name)) if isinstance(name, str) else None
    if found is None or (bool(found.name) and found.type.bare is isinstance(kind, Mapping)):
        raise ValueError(f"event.data.kind {kind!r}: {type_name} has no such kind")
    return found


def _fill(message: Any, fields: tuple[Field, ...], data: Mapping[str, Any], where: str) -> None:
    for field in fields:
        if field.name not in data:
            raise ValueError(f"{where}: {field.name} is missing")
        value = data[field.name]
        if field.width in ("f32", "f64") and value is None:
            value = math.nan
        if field.width == "reason":
            value = _REASONS.get(value) if isinstance(value, str) else None
        if field.width == "bool" and not isinstance(value, bool):
            value = None
        _set(message, field.proto, value, f"{where}: {field.name}")


def _set(message: Any, name: str, value: Any, where: str) -> None:
    try:
        if value is None:
            raise TypeError
        setattr(message, name, value)
    except (TypeError, ValueError):
        raise ValueError(f"{where} can't have this value") from None
