"""From the events of a protobuf message to facets and JSON fragments, and what was wrong with the rest.

An event becomes text once, here, and is not looked into again: windows, histories and frames join
fragments. How a kind is read and written stands in ``writers``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.unknown_fields import UnknownFieldSet

from vizd.events.catalogue import KINDS, TYPES, EventType, Kind
from vizd.events.facet import Facet, Facets
from vizd.events.writers import Invalid, Unknown, compiled
from vizd.wire.vizd_pb2 import ShardKind, SwimKind, VizEvent

__all__ = ["Decoded", "Decoder", "Rejection", "kind_of"]


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


class _Arm:
    """How the kind of one type's events is found.

    :ivar bare: its kind is an enum. :ivar only: the type has no kinds. :ivar kinds: by arm of the oneof or number.
    """

    __slots__ = ("bare", "kinds", "name", "only")

    def __init__(self, event_type: EventType) -> None:
        self.name = event_type.arm
        self.bare = event_type.bare
        self.only: Kind | None = None
        self.kinds: dict[Any, Kind] = {}
        if event_type.bare:
            numbers = _ENUMS[event_type.name]
            prefix = f"{event_type.name.upper()}_KIND_"
            self.kinds = {numbers.Value(prefix + kind.proto_name.upper()): kind for kind in event_type.kinds}
        elif event_type.kinds[0].name:
            self.kinds = {kind.proto_name: kind for kind in event_type.kinds}
        else:
            self.only = event_type.kinds[0]

    def kind_of(self, message: Any) -> Kind | None:
        """``None``: it has none that is known."""
        if self.only is not None:
            return self.only
        return self.kinds.get(message.kind if self.bare else message.WhichOneof("kind"))

    def why_none(self, message: Any) -> Exception:
        """What is wrong with a message without a kind that is known."""
        if self.bare:
            return Unknown() if message.kind else Invalid(f"{self.name}.kind", "unspecified: a kind is needed")
        if message.WhichOneof("kind") is None and not UnknownFieldSet(message):
            return Invalid(f"{self.name}.kind", "not set: one kind is needed")
        return Unknown()


_ENUMS: dict[str, Any] = {"Swim": SwimKind, "Shard": ShardKind}
_ARMS = {each.arm: _Arm(each) for each in TYPES}
_WRITERS = {kind: compiled(kind) for kind in KINDS}


def kind_of(event: VizEvent) -> Kind | None:
    """The catalogue's line for ``event``; ``None`` where it has no kind that this version knows."""
    name = event.WhichOneof("event")
    return None if name is None else _ARMS[name].kind_of(getattr(event, name))


class Decoder:
    """Decodes the messages of one publishing node."""

    def __init__(self, node: int, facets: Facets) -> None:
        """
        :param node: the publishing node, ``Hello.node``.
        :param facets: shared by all decoders of one thread.
        """
        self._writes = {kind: bind(node, facets) for kind, bind in _WRITERS.items()}

    def decode(self, events: Iterable[VizEvent], now_ms: int) -> Decoded:
        """Every event of ``events`` ends up in exactly one column of the answer.

        :param now_ms: the daemon's clock, milliseconds since the Unix epoch: the ts of an event that has none.
        """
        decoded = Decoded()
        facets, texts, writes = decoded.facets, [], self._writes
        for index, event in enumerate(events):
            try:
                name = event.WhichOneof("event")
                if name is None:
                    raise _why_no_event(event)
                message = getattr(event, name)
                kind = _ARMS[name].kind_of(message)
                if kind is None:
                    raise _ARMS[name].why_none(message)
                texts.append(writes[kind](event, message, now_ms, facets))
            except Unknown:
                decoded.unknown += 1
            except Invalid as why:
                path, reason = why.args
                decoded.rejections.append(Rejection(index, path, reason))
        if texts:  # No text has a line break in it, since a string's are escaped.
            decoded.fragments = "\n".join(texts).encode().split(b"\n")
        return decoded


def _why_no_event(event: VizEvent) -> Exception:
    return Unknown() if UnknownFieldSet(event) else Invalid("event", "not set: one event is needed")
