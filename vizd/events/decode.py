"""From the events of a protobuf message to facets and JSON fragments, and what was wrong with the rest.

An event becomes text once, here, and is not looked into again: windows, histories and frames join
fragments. How a kind is read and written is derived from the catalogue at import.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from google.protobuf.unknown_fields import UnknownFieldSet

from vizd.events.catalogue import OWNER, TYPES, EventType, Field, Kind
from vizd.events.facet import Facet, Facets
from vizd.events.numbers import f32_text, f64_text
from vizd.wire.vizd_pb2 import FlushReason, ShardKind, SwimKind, VizEvent

__all__ = ["FLUSH_REASONS", "MAX_STRING_BYTES", "Decoded", "Decoder", "Rejection", "kind_of"]

MAX_STRING_BYTES = 256
"""The longest string in an event, in bytes of UTF-8 (wire contract, "Bad events never stop a stream")."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why the event at ``index`` of its message was not taken; ``field`` is a path from ``VizEvent``."""

    index: int
    field: str
    reason: str


@dataclass(slots=True)
class Decoded:
    """The good events of a message, in order, as two columns of one length; and the others.

    ``unknown`` counts events of variants and enum numbers that only a newer daemon knows.
    """

    facets: list[Facet] = field(default_factory=list)
    fragments: list[bytes] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    unknown: int = 0


class _Invalid(Exception):
    """``args``: what is wrong, and what would be right."""


class _Unknown(Exception):
    """From a newer node."""


def _u8(value: int) -> int:
    if value > 255:
        raise _Invalid(f"{value} does not fit in 8 bits: 0 to 255")
    return value


def _string(value: str) -> str:
    size = len(value.encode())
    if size > MAX_STRING_BYTES:
        raise _Invalid(f"{size} bytes long: at most {MAX_STRING_BYTES}")
    return json.dumps(value, ensure_ascii=False)


FLUSH_REASONS = {
    number: "".join(word.capitalize() for word in name.removeprefix("FLUSH_REASON_").split("_"))
    for name, number in FlushReason.items()
    if number
}
"""As they stand in JSON, by number."""
_REASONS = {number: f'"{name}"' for number, name in FLUSH_REASONS.items()}


def _reason(value: int) -> str:
    if not value:
        raise _Invalid("FLUSH_REASON_UNSPECIFIED: a reason is needed")
    if value not in _REASONS:
        raise _Unknown
    return _REASONS[value]


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "u8": _u8,
    "f32": f32_text,
    "f64": f64_text,
    "bool": lambda value: "true" if value else "false",
    "string": _string,
    "reason": _reason,
}
"""From a field's value to something whose ``str`` is its JSON. The others are integers and need nothing."""


class _Plan:
    """How one kind is read from its arm of the oneof, checked, and written."""

    __slots__ = ("kind", "of_publisher", "paths", "read", "shard", "subject", "template", "writers")

    def __init__(self, kind: Kind) -> None:
        outer = kind.type.fields
        inside = "" if kind.type.bare or not kind.name else f"{kind.proto_name}."
        fields = [*outer, *kind.fields]
        names = [each.name for each in fields]
        getters = [each.proto for each in outer] + [f"{inside}{each.proto}" for each in kind.fields]
        self.kind = kind
        self.paths = [f"{kind.type.arm}.{getter}" for getter in getters]
        self.read: Callable[[Any], tuple[Any, ...]] = _tuple_getter(getters)
        self.writers = [(at, _WRITERS[each.width]) for at, each in enumerate(fields) if each.width in _WRITERS]
        subject = kind.subject or kind.type.subject
        self.subject = names.index(subject) if subject else None
        self.of_publisher = kind.of_publisher
        self.shard = names.index(kind.type.shard) if kind.type.shard in names else None
        self.template = _template(kind)


def _tuple_getter(paths: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    get = attrgetter(*paths)
    return get if len(paths) > 1 else lambda message: (get(message),)


def _template(kind: Kind) -> str:
    """A %-template of ts, node, the fields in order, and the text behind ``event``."""

    def members(fields: Iterable[Field]) -> str:
        return "".join(f',"{each.name}":%s' for each in fields)

    data = members(kind.type.fields)
    if kind.type.bare:
        data += f',"kind":"{kind.name}"'
    elif kind.name:
        data += f',"kind":{{"kind":"{kind.name}"{members(kind.fields)}}}'
    return f'{{"ts":%s,"node":%s,"event":{{"type":"{kind.type.name}","data":{{{data[1:]}}}}}%s}}'


class _Arm:
    """How the kind of one type is found."""

    __slots__ = ("bare", "get", "has_owner", "name", "one", "plans")

    def __init__(self, event_type: EventType) -> None:
        self.name = event_type.arm
        self.get = attrgetter(event_type.arm)
        self.bare = event_type.bare
        self.has_owner = event_type.shard == OWNER
        self.one: _Plan | None = None
        self.plans: dict[Any, _Plan] = {}
        if event_type.bare:
            numbers = _ENUMS[event_type.name]
            prefix = f"{event_type.name.upper()}_KIND_"
            self.plans = {numbers.Value(prefix + kind.proto_name.upper()): _Plan(kind) for kind in event_type.kinds}
        elif event_type.kinds[0].name:
            self.plans = {kind.proto_name: _Plan(kind) for kind in event_type.kinds}
        else:
            self.one = _Plan(event_type.kinds[0])

    def plan(self, message: Any) -> _Plan:
        """Raises _Invalid or _Unknown, whose field is ``kind``."""
        if self.one is not None:
            return self.one
        if self.bare:
            if not message.kind:
                raise _Invalid("unspecified: a kind is needed")
            plan = self.plans.get(message.kind)
        else:
            arm = message.WhichOneof("kind")
            if arm is None and not UnknownFieldSet(message):
                raise _Invalid("not set: one kind is needed")
            plan = self.plans.get(arm)
        if plan is None:
            raise _Unknown
        return plan


_ENUMS: dict[str, Any] = {"Swim": SwimKind, "Shard": ShardKind}
_ARMS = {each.arm: _Arm(each) for each in TYPES}


def kind_of(event: VizEvent) -> Kind | None:
    """The catalogue's line for ``event``; ``None`` where it has no kind that this version knows."""
    arm = _ARMS.get(event.WhichOneof("event") or "")
    if arm is None:
        return None
    try:
        return arm.plan(arm.get(event)).kind
    except (_Invalid, _Unknown):
        return None


class Decoder:
    """Decodes the messages of one publishing node."""

    def __init__(self, node: int, facets: Facets) -> None:
        """
        :param node: the publishing node, ``Hello.node``.
        :param facets: shared by all decoders of one thread.
        """
        self._node = node
        self._facets = facets

    def decode(self, events: Iterable[VizEvent], now_ms: int) -> Decoded:
        """Every event of ``events`` ends up in exactly one column of the answer.

        :param now_ms: the daemon's clock, milliseconds since the Unix epoch: the ts of an event that has none.
        """
        decoded = Decoded()
        for index, event in enumerate(events):
            try:
                self._decode(event, now_ms, decoded)
            except _Unknown:
                decoded.unknown += 1
            except _Invalid as why:
                path, reason = why.args
                decoded.rejections.append(Rejection(index, path, reason))
        return decoded

    def _decode(self, event: VizEvent, now_ms: int, into: Decoded) -> None:
        """Called once per event of the cluster: its shape is for speed."""
        name = event.WhichOneof("event")
        if name is None:
            if UnknownFieldSet(event):
                raise _Unknown
            raise _Invalid("event", "not set: one event is needed")
        arm = _ARMS[name]
        message = arm.get(event)
        try:
            plan = arm.plan(message)
        except _Invalid as why:
            raise _Invalid(f"{name}.kind", *why.args) from None
        values = plan.read(message)

        shard, tail = None, ""
        if plan.shard is not None:
            shard = values[plan.shard]
        elif arm.has_owner and event.HasField("owner_shard"):
            shard = event.owner_shard
            tail = f',"shard":{shard}'
        node = self._node
        nodes: tuple[int, ...] = (node,) if plan.subject is None else (values[plan.subject],)
        if plan.of_publisher and nodes[0] != node:
            nodes = (nodes[0], node)

        if plan.writers:
            written = list(values)
            for at, write in plan.writers:
                try:
                    written[at] = write(values[at])
                except _Invalid as why:
                    raise _Invalid(plan.paths[at], *why.args) from None
            values = tuple(written)
        text = plan.template % (event.ts_ms or now_ms, node, *values, tail)
        into.facets.append(self._facets.of(plan.kind, nodes, shard))
        into.fragments.append(text.encode())
