"""Events of every kind for Hypothesis: what a node sends, and what a dashboard should then be told."""

import math
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.events.build import REASONS, event_of
from vizd.events.catalogue import KINDS, OWNER, Kind
from vizd.wire.vizd_pb2 import VizEvent

U8 = st.integers(0, 2**8 - 1)
U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
WIDTHS: dict[str, st.SearchStrategy[Any]] = {
    "u8": U8,
    "u32": U32,
    "u64": U64,
    "f32": st.floats(width=32),
    "f64": st.floats(),
    "bool": st.booleans(),
    "string": st.text(max_size=64),
    "reason": st.sampled_from(sorted(REASONS)),
}


@dataclass
class Sent:
    """An event as sent, and what should come of it.

    :ivar said: what a dashboard should receive, with ``None`` for NaN and the infinities; ``None`` where
        the event is not good.
    :ivar path: the field that is named in its rejection; ``None`` where it is not rejected.
    """

    event: VizEvent
    kind: Kind | None = None
    said: dict[str, Any] | None = None
    path: str | None = None


@st.composite
def good(draw: st.DrawFn, node: int = 1) -> Sent:
    """An event that a daemon takes, published by ``node``."""
    kind = draw(st.sampled_from(KINDS))
    data = {field.name: draw(WIDTHS[field.width]) for field in kind.type.fields}
    inside = {field.name: draw(WIDTHS[field.width]) for field in kind.fields}
    if kind.type.bare:
        data["kind"] = kind.name
    elif kind.name:
        data["kind"] = {"kind": kind.name, **inside}
    else:
        data |= inside
    said = {"ts": draw(st.integers(1, 2**64 - 1)), "node": node, "event": {"type": kind.type.name, "data": data}}
    if kind.type.shard == OWNER and draw(st.booleans()):
        said["shard"] = draw(U32)
    return Sent(event_of(said), kind, nulled(said))


def nulled(value: Any) -> Any:
    """``value`` with ``None`` for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: nulled(each) for key, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def varint(number: int) -> bytes:
    """``number`` as on the wire."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, payload: bytes) -> bytes:
    """A field of bytes, string or message, as on the wire."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def with_unknown(event: VizEvent, arm: str = "") -> VizEvent:
    """``event`` as a newer node would send it: field 15 set, in itself or in the message of ``arm``."""
    newer = field(15, b"")
    if not arm:
        return VizEvent.FromString(event.SerializeToString() + newer)
    number = VizEvent.DESCRIPTOR.fields_by_name[arm].number
    inner = getattr(event, arm).SerializeToString() + newer
    return VizEvent.FromString(VizEvent(ts_ms=event.ts_ms).SerializeToString() + field(number, inner))


REJECTED = {
    "nothing set": (VizEvent(ts_ms=5, owner_shard=3), "event"),
    "wal without kind": (VizEvent(wal={"node": 1, "seg": 2}), "wal.kind"),
    "compaction without kind": (VizEvent(compaction={"node": 1}), "compaction.kind"),
    "lsm without kind": (VizEvent(lsm={"node": 1}), "lsm.kind"),
    "raft without kind": (VizEvent(raft={"shard": 1}), "raft.kind"),
    "swim unspecified": (VizEvent(swim={"node": 1}), "swim.kind"),
    "shard unspecified": (VizEvent(shard={"shard": 1}), "shard.kind"),
    "no reason": (VizEvent(lsm={"flush_triggered": {"memtable_bytes": 9}}), "lsm.flush_triggered.reason"),
    "level 256": (VizEvent(compaction={"level": 256, "start": {}}), "compaction.level"),
    "pct 256": (VizEvent(compaction={"progress": {"pct": 256}}), "compaction.progress.pct"),
    "guard level 256": (VizEvent(lsm={"guard_adjustment": {"level": 256}}), "lsm.guard_adjustment.level"),
    "heat level 256": (VizEvent(slot_heat={"level": 256}), "slot_heat.level"),
    "k 2**32-1": (VizEvent(slot_heat={"k": 2**32 - 1}), "slot_heat.k"),
    "name of 257 bytes": (VizEvent(cache={"name": "x" * 257}), "cache.name"),
    "name of 129 letters of two bytes": (VizEvent(cache={"name": "ü" * 129}), "cache.name"),
}
"""What is refused, and the field that says so."""

UNKNOWN = {
    "an arm": with_unknown(VizEvent(ts_ms=7)),
    "a kind of wal": with_unknown(VizEvent(wal={"node": 1}), "wal"),
    "a kind of compaction": with_unknown(VizEvent(compaction={"level": 1}), "compaction"),
    "a kind of lsm": with_unknown(VizEvent(lsm={}), "lsm"),
    "a kind of raft": with_unknown(VizEvent(raft={"term": 4}), "raft"),
    "a kind of swim": VizEvent(swim={"node": 1, "kind": 5}),
    "a kind of shard": VizEvent(shard={"shard": 1, "kind": 2**31 - 1}),
    "a negative kind": VizEvent(shard={"shard": 1, "kind": -1}),
    "a reason": VizEvent(lsm={"flush_triggered": {"reason": 4}}),
}
"""What only a newer daemon knows."""

bad = st.one_of(
    st.sampled_from(sorted(REJECTED)).map(lambda name: Sent(REJECTED[name][0], path=REJECTED[name][1])),
    st.sampled_from(sorted(UNKNOWN)).map(lambda name: Sent(UNKNOWN[name])),
)
"""An event that a daemon does not take."""
