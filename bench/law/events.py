"""What the publishers of a run say: each event is a pure function of its node and its seq.

An event's ``ts`` is its id, from which node and seq can be read off. The rest of it is one of ``SLOTS`` forms of its
node, by its seq. So whoever receives an event knows what all of it has to be, and two clients can be compared by ids.
"""

from array import array
from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec

from bench.filters import Asked, Event, Facet, facet_of, passes
from vizd.wire.vizd_pb2 import (
    SHARD_KIND_CUTOVER,
    SWIM_KIND_ALIVE,
    SWIM_KIND_SUSPECT,
    CacheEvt,
    CompEvt,
    LsmEvt,
    RaftEvt,
    ShardEvt,
    SlotHeatEvt,
    SwimEvt,
    VizEvent,
    WalEvt,
)

__all__ = ["MAX_NODES", "SHARDS", "SLOTS", "Forms", "StrayEvent", "id_of", "node_of", "seq_of", "slot_of"]

SLOTS = 256
MAX_NODES = 15
SHARDS = 12
"""So many are named, from 0."""
_SEQ_BITS = 32
_FIRST_ID = 1 << _SEQ_BITS

_FIRST, _BETWEEN, _LAST = b'[{"ts":', b'},{"ts":', b"}]"
"""Around the events of an array; what stands between two of them stands nowhere else."""

_Form = tuple[dict[str, Any], int | None, VizEvent]
"""``event`` of the JSON, owner shard, and what is published for it."""


def id_of(node: int, seq: int) -> int:
    """An event's id: positive, below 2^63, and in MessagePack always of 8 bytes."""
    return node << _SEQ_BITS | seq


def node_of(event_id: int) -> int:
    """The publishing node."""
    return event_id >> _SEQ_BITS


def seq_of(event_id: int) -> int:
    """The seq that its node gave it."""
    return event_id & (_FIRST_ID - 1)


def slot_of(event_id: int) -> int:
    """Which form the event has, of all nodes' forms."""
    return event_id >> (_SEQ_BITS - 8) & ~0xFF | event_id & 0xFF


class StrayEvent(ValueError):
    """No publisher has said this."""


def _fsync(node: int, number: int) -> _Form:
    kind = {"kind": "Fsync", "ms": number % 50}
    event = VizEvent(wal=WalEvt(node=node, seg=number, fsync=WalEvt.Fsync(ms=number % 50)))
    # One in ten has no owner shard, and passes every filter by shard.
    owner = None if number % 10 == 0 else number % SHARDS
    return {"type": "Wal", "data": {"node": node, "seg": number, "kind": kind}}, owner, event


def _rebalance(node: int, number: int) -> _Form:
    # Numbers beyond 2^53 have to come out exactly, too.
    count = 2**64 - 1 - number
    kind = {
        "kind": "GuardRebalance", "old_guard_count": count, "new_guard_count": 2, "total_files": 3,
        "imbalance_ratio": 0.1,
    }  # fmt: skip
    inner = CompEvt.GuardRebalance(old_guard_count=count, new_guard_count=2, total_files=3, imbalance_ratio=0.1)
    event = VizEvent(compaction=CompEvt(node=node, level=1, guard_rebalance=inner))
    return {"type": "Compaction", "data": {"node": node, "level": 1, "kind": kind}}, number % SHARDS, event


def _progress(node: int, number: int) -> _Form:
    kind = {"kind": "Progress", "pct": number}
    event = VizEvent(compaction=CompEvt(node=node, level=2, progress=CompEvt.Progress(pct=number)))
    return {"type": "Compaction", "data": {"node": node, "level": 2, "kind": kind}}, number % SHARDS, event


def _pressure(node: int, number: int) -> _Form:
    kind = {"kind": "WritePressureUpdate", "ratio": 0.9, "high": True, "threshold": 0.5}
    inner = LsmEvt.WritePressureUpdate(ratio=0.9, high=True, threshold=0.5)
    event = VizEvent(lsm=LsmEvt(node=node, write_pressure_update=inner))
    return {"type": "Lsm", "data": {"node": node, "kind": kind}}, number % SHARDS, event


def _elected(node: int, number: int) -> _Form:
    # The leader is another node than the publisher: a filter finds it under both.
    leader, shard = node % MAX_NODES + 1, number % SHARDS
    kind = {"kind": "LeaderElected", "node": leader}
    event = VizEvent(raft=RaftEvt(shard=shard, term=number, leader_elected=RaftEvt.LeaderElected(node=leader)))
    return {"type": "Raft", "data": {"shard": shard, "term": number, "kind": kind}}, None, event


def _granted(node: int, number: int) -> _Form:
    shard = number % SHARDS
    kind = {"kind": "VoteGranted", "from": node}
    event = VizEvent(raft=RaftEvt(shard=shard, term=number, vote_granted=RaftEvt.VoteGranted(from_node=node)))
    return {"type": "Raft", "data": {"shard": shard, "term": number, "kind": kind}}, None, event


def _swim(node: int, number: int) -> _Form:
    # The subject is another node than the publisher.
    subject = node % MAX_NODES + 1
    name, kind = ("Suspect", SWIM_KIND_SUSPECT) if number % 2 else ("Alive", SWIM_KIND_ALIVE)
    return (
        {"type": "Swim", "data": {"node": subject, "kind": name}},
        None,
        VizEvent(swim=SwimEvt(node=subject, kind=kind)),
    )


def _moved(_: int, number: int) -> _Form:
    shard = number % SHARDS
    event = VizEvent(shard=ShardEvt(shard=shard, kind=SHARD_KIND_CUTOVER))
    return {"type": "Shard", "data": {"shard": shard, "kind": "Cutover"}}, None, event


def _cache(_: int, number: int) -> _Form:
    event = VizEvent(cache=CacheEvt(name=f"blöck-{number}", hit_ratio=0.25))
    return {"type": "Cache", "data": {"name": f"blöck-{number}", "hit_ratio": 0.25}}, None, event


def _heat(node: int, number: int) -> _Form:
    data = {"node": node, "level": 1, "slot": number, "heat": 0.5, "k": 3}
    event = VizEvent(slot_heat=SlotHeatEvt(node=node, level=1, slot=number, heat=0.5, k=3))
    return {"type": "SlotHeat", "data": data}, number % SHARDS, event


_MIX = (
    (_elected, 4), (_granted, 4), (_swim, 6), (_moved, 4), (_cache, 4), (_heat, 20), (_pressure, 8),
    (_progress, 8), (_rebalance, 4),
)  # fmt: skip
"""So many of the slots of a node; the others are Fsyncs, the flood."""


class Forms:
    """Every form of every node: a table with ``slot_of`` as index. Built once a process.

    :ivar nodes: numbered from 1. :ivar facets: what filters ask, by slot; ``None`` where there is no node.
    :ivar counts_at: of a slot, the place of its type in a summary.
    """

    def __init__(self, nodes: int, types: Sequence[str]) -> None:
        """:param types: the names of the types, in the order of a summary."""
        if not 0 < nodes <= MAX_NODES:
            raise ValueError(f"{nodes} nodes: use 1 to {MAX_NODES}")
        self.nodes = nodes
        size = (nodes + 1) * SLOTS
        self.facets: list[Facet | None] = [None] * size
        self.counts_at = [0] * size
        self._protos: list[VizEvent | None] = [None] * size
        self._json = [b""] * size
        self._packed = [b""] * size
        for node in range(1, nodes + 1):
            for slot, (said, event) in enumerate(_forms_of(node), node * SLOTS):
                text = msgspec.json.encode(said)
                self.facets[slot] = facet_of(msgspec.json.decode(text, type=Event))
                self.counts_at[slot] = types.index(said["event"]["type"])
                self._protos[slot] = event
                self._json[slot] = text[len(b'{"ts":0,') : -len(b"}")]
                self._packed[slot] = _without_id(msgspec.msgpack.encode(said | {"ts": _FIRST_ID}))

    def event(self, event_id: int) -> VizEvent:
        """What is published."""
        form = self._protos[slot_of(event_id)]
        if form is None:
            raise StrayEvent(f"node {node_of(event_id)} does not publish")
        event = VizEvent(ts_ms=event_id)
        event.MergeFrom(form)
        return event

    def passing(self, asked: Asked) -> list[bool]:
        """By slot: whether the reader is to get it."""
        return [facet is not None and passes(facet, asked) for facet in self.facets]

    def share(self, asked: Asked) -> float:
        """Of all events, what the reader is to get."""
        return sum(self.passing(asked)) / (self.nodes * SLOTS)

    def ids_from_json(self, events: bytes) -> "array[int]":
        """Of an array of events as it came.

        :raises StrayEvent: with the first one that is not what it should be.
        """
        ids, expected = array("q"), self._json
        if not events.startswith(_FIRST):
            return self._ids_by_value(events)
        for text in events[len(_FIRST) : -len(_LAST)].split(_BETWEEN):
            number, _, rest = text.partition(b",")
            try:
                event_id = int(number)
                if expected[event_id >> (_SEQ_BITS - 8) & ~0xFF | event_id & 0xFF] != rest:
                    return self._ids_by_value(events)
            except (ValueError, IndexError):
                return self._ids_by_value(events)
            ids.append(event_id)
        return ids

    def ids_from_messagepack(self, events: Sequence[Any]) -> "array[int]":
        """As ``ids_from_json``, of an array whose elements are still packed."""
        ids, expected = array("q"), self._packed
        for raw in events:
            packed = bytes(raw)
            event_id = int.from_bytes(packed[5:13], "big")
            try:
                if expected[slot_of(event_id)] == _without_id(packed):
                    ids.append(event_id)
                    continue
            except IndexError:
                pass
            ids.append(self._id_by_value(msgspec.msgpack.decode(raw)))
        return ids

    def _ids_by_value(self, events: bytes) -> "array[int]":
        """For bytes that are not those expected: another way to write the same is no fault."""
        return array("q", map(self._id_by_value, msgspec.json.decode(events)))

    def _id_by_value(self, said: Any) -> int:
        event_id = said.get("ts") if isinstance(said, dict) else None
        if isinstance(event_id, int) and 0 < slot_of(event_id) < len(self._json) and seq_of(event_id):
            rest = self._json[slot_of(event_id)]
            if rest and msgspec.json.decode(b'{"ts":%d,%b}' % (event_id, rest)) == said:
                return event_id
        raise StrayEvent(f"nobody has published {msgspec.json.encode(said)[:300]!r}")


def _without_id(packed: bytes) -> bytes:
    """The size of the map and the key in front of the id, and everything behind it."""
    return packed[:5] + packed[13:]


def _forms_of(node: int) -> list[tuple[dict[str, Any], VizEvent]]:
    makers = [make for make, count in _MIX for _ in range(count)]
    makers += [_fsync] * (SLOTS - len(makers))
    Random(node).shuffle(makers)
    forms = []
    for number, make in enumerate(makers):
        said, owner, event = make(node, number)
        outer: dict[str, Any] = {"ts": 0, "node": node, "event": said}
        if owner is not None:
            outer["shard"] = owner
            event.owner_shard = owner
        forms.append((outer, event))
    return forms
