"""Every kind of event that a node can report, as one table of data.

The protobuf decoder, the JSON encoder, validation, the filters and the table in ``docs/events.md`` all
read ``TYPES``. To add a kind: one line here, one message in ``vizd.proto``. Nothing here knows how a
field is read, checked or written; that is ``decode``'s.

The kinds are those of NoriKV's ``nori-observe`` crate, one to one.
"""

import enum
import re
from dataclasses import dataclass, field

__all__ = ["EventClass", "EventType", "Field", "Kind", "KINDS", "OWNER", "TYPES", "TYPES_BY_NAME"]


class EventClass(enum.Enum):
    """What may be done with an event under pressure, and what the state keeps of it."""

    TRANSITION = "transition"
    """Never dropped, never merged: the newest of each key is the cluster's state."""
    PHASE = "phase"
    """Where a life cycle stands: a newer one replaces one of its key that waits."""
    GAUGE = "gauge"
    """A reading: only the newest of each key matters."""
    LOG = "log"
    """Something that happened: kept one by one, sampled under a budget."""


TRANSITION, PHASE, GAUGE, LOG = EventClass

OWNER = "owner_shard"
"""The shard of an event that has none among its fields is ``VizEvent.owner_shard``, where a node sends it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a type or kind.

    ``name`` is its key in JSON; ``width`` is ``u8``, ``u32``, ``u64``, ``f32``, ``f64``, ``bool``, ``string``
    or ``reason``; ``proto`` is its name in the proto, where that has to differ.
    """

    name: str
    width: str
    proto: str


def _fields(text: str) -> tuple[Field, ...]:
    """Fields from ``"seg u64, from u32 = from_node"``."""
    found = []
    for spec in filter(None, text.split(", ")):
        declared, _, proto = spec.partition(" = ")
        name, width = declared.split()
        found.append(Field(name, width, proto or name))
    return tuple(found)


@dataclass(slots=True, eq=False)
class Kind:
    """One line of the catalogue. Built at import, never changed.

    :ivar name: in JSON, such as ``Fsync``; empty for a type without kinds.
    :ivar fields: after those of the type.
    :ivar key: what "the newest one" is counted by, as field names, ``shard`` and ``publisher``.
    :ivar life: kinds of one type that share a life replace each other; else the kind's own name.
    :ivar subject: the field that names the node it is about, if not the type's.
    :ivar of_publisher: matches a filter on its publishing node too.
    :ivar type: set by the type that holds it.
    """

    name: str
    fields: tuple[Field, ...]
    event_class: EventClass
    key: tuple[str, ...] = ()
    life: str = ""
    subject: str = ""
    of_publisher: bool = False
    type: "EventType" = field(init=False, repr=False)

    @property
    def proto_name(self) -> str:
        """Its arm of the oneof, or the tail of its enum value in lower case: ``l0_stall``, ``snapshot_done``."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.name).lower()

    def __str__(self) -> str:
        return f"{self.type.name}.{self.name}" if self.name else self.type.name


@dataclass(slots=True, eq=False)
class EventType:
    """One of the eight types. Built at import, never changed.

    :ivar name: in JSON and in filters, such as ``Compaction``.
    :ivar arm: its arm of ``VizEvent.event``.
    :ivar fields: those that all its kinds have.
    :ivar subject: the field that names the node it is about; empty: the publishing node.
    :ivar shard: the field that names its shard, ``OWNER``, or empty for a type that has none.
    :ivar bare: its kind is a bare string, an enum in the proto, not an object.
    :ivar count: its name in a summary, before ``_count``, and a second name in filters.
    :ivar index: its place in ``TYPES`` and in summaries.
    """

    name: str
    arm: str
    fields: tuple[Field, ...]
    kinds: tuple[Kind, ...]
    subject: str = ""
    shard: str = ""
    bare: bool = False
    count: str = ""
    index: int = field(init=False)

    def __post_init__(self) -> None:
        self.count = self.count or self.name.lower()
        for kind in self.kinds:
            kind.type = self


def _kind(
    name: str,
    fields: str,
    event_class: EventClass,
    key: str = "",
    life: str = "",
    subject: str = "",
    of_publisher: bool = False,
) -> Kind:
    return Kind(name, _fields(fields), event_class, tuple(key.split()), life or name, subject, of_publisher)


TYPES = (
    EventType("Wal", "wal", _fields("node u32, seg u64"), subject="node", shard=OWNER, kinds=(
        _kind("SegmentRoll", "bytes u64", LOG),
        _kind("Fsync", "ms u32", GAUGE, "node shard"),
        _kind("CorruptionTruncated", "", TRANSITION, "node shard"),
        _kind("SegmentGc", "", LOG),
    )),
    EventType("Compaction", "compaction", _fields("node u32, level u8"), subject="node", shard=OWNER, kinds=(
        _kind("Scheduled", "", PHASE, "node shard level", life="compaction"),
        _kind("Start", "", PHASE, "node shard level", life="compaction"),
        _kind("Progress", "pct u8", PHASE, "node shard level", life="compaction"),
        _kind("Finish", "in_bytes u64, out_bytes u64", PHASE, "node shard level", life="compaction"),
        _kind("BanditSelection",
              "slot_id u32, explored bool, ucb_score f64, avg_reward f64, selection_count u64",
              GAUGE, "node shard level slot_id"),
        _kind("BanditReward", "slot_id u32, reward f64, bytes_written u64, heat_score f32",
              GAUGE, "node shard level slot_id"),
        _kind("GuardRebalance",
              "old_guard_count u64, new_guard_count u64, total_files u64, imbalance_ratio f64", LOG),
    )),
    EventType("Lsm", "lsm", _fields("node u32"), subject="node", shard=OWNER, kinds=(
        _kind("FlushTriggered", "reason reason, memtable_bytes u64", LOG),
        _kind("FlushStart", "seqno_min u64, seqno_max u64", PHASE, "node shard", life="flush"),
        _kind("FlushComplete", "file_number u64, bytes u64, entries u64", PHASE, "node shard", life="flush"),
        _kind("L0Stall", "file_count u64, threshold u64", PHASE, "node shard"),
        _kind("L0AdmissionStart", "file_number u64", LOG),
        _kind("L0AdmissionComplete", "file_number u64, target_slot u32", LOG),
        _kind("GuardAdjustment", "level u8, new_guard_count u64", PHASE, "node shard level"),
        _kind("WritePressureUpdate", "ratio f32, high bool, threshold f32", GAUGE, "node shard"),
    )),
    EventType("Raft", "raft", _fields("shard u32, term u64"), shard="shard", kinds=(
        _kind("VoteReq", "from u32 = from_node", LOG, subject="from"),
        _kind("VoteGranted", "from u32 = from_node", LOG, subject="from"),
        _kind("LeaderElected", "node u32", TRANSITION, "shard", life="leadership",
              subject="node", of_publisher=True),
        _kind("StepDown", "", TRANSITION, "shard", life="leadership"),
    )),
    EventType("Swim", "swim", _fields("node u32"), subject="node", bare=True, kinds=tuple(
        _kind(name, "", TRANSITION, "node", life="membership") for name in ("Alive", "Suspect", "Confirm", "Leave")
    )),
    EventType("Shard", "shard", _fields("shard u32"), shard="shard", bare=True, kinds=tuple(
        _kind(name, "", TRANSITION, "shard", life="move")
        for name in ("Plan", "SnapshotStart", "SnapshotDone", "Cutover")
    )),
    EventType("Cache", "cache", _fields("name string, hit_ratio f32"), kinds=(
        _kind("", "", GAUGE, "publisher name", life="cache"),
    )),
    EventType("SlotHeat", "slot_heat", _fields("node u32, level u8, slot u32, heat f32, k u8"),
              subject="node", shard=OWNER, count="heat", kinds=(
        _kind("", "", GAUGE, "node shard level slot", life="heat"),
    )),
)  # fmt: skip
"""The eight types, in the order of a summary's counts."""

for _index, _type in enumerate(TYPES):
    _type.index = _index

KINDS = tuple(kind for event_type in TYPES for kind in event_type.kinds)
"""All 33: 31 named ones, Cache and SlotHeat."""

TYPES_BY_NAME = {name: each for each in TYPES for name in (each.name.lower(), each.count)}
"""What a filter may call a type, in lower case."""
