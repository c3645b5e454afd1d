"""The projection as one would explain it: every event is parsed, every rule spelled out, nothing is fast."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vizd.log.window import Mark, Window

TRANSITIONS, PHASES, GAUGES = "transition", "phase", "gauge"

KEPT: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "Wal.Fsync": (GAUGES, "fsync", ("node", "shard")),
    "Wal.CorruptionTruncated": (TRANSITIONS, "corruption", ("node", "shard")),
    "Compaction.Scheduled": (PHASES, "compaction", ("node", "shard", "level")),
    "Compaction.Start": (PHASES, "compaction", ("node", "shard", "level")),
    "Compaction.Progress": (PHASES, "compaction", ("node", "shard", "level")),
    "Compaction.Finish": (PHASES, "compaction", ("node", "shard", "level")),
    "Compaction.BanditSelection": (GAUGES, "selection", ("node", "shard", "level", "slot_id")),
    "Compaction.BanditReward": (GAUGES, "reward", ("node", "shard", "level", "slot_id")),
    "Lsm.FlushStart": (PHASES, "flush", ("node", "shard")),
    "Lsm.FlushComplete": (PHASES, "flush", ("node", "shard")),
    "Lsm.L0Stall": (PHASES, "stall", ("node", "shard")),
    "Lsm.GuardAdjustment": (PHASES, "guard", ("node", "shard", "level")),
    "Lsm.WritePressureUpdate": (GAUGES, "pressure", ("node", "shard")),
    "Raft.LeaderElected": (TRANSITIONS, "leadership", ("shard",)),
    "Raft.StepDown": (TRANSITIONS, "leadership", ("shard",)),
    "Swim.Alive": (TRANSITIONS, "swim", ("node",)),
    "Swim.Suspect": (TRANSITIONS, "swim", ("node",)),
    "Swim.Confirm": (TRANSITIONS, "swim", ("node",)),
    "Swim.Leave": (TRANSITIONS, "swim", ("node",)),
    "Shard.Plan": (TRANSITIONS, "move", ("shard",)),
    "Shard.SnapshotStart": (TRANSITIONS, "move", ("shard",)),
    "Shard.SnapshotDone": (TRANSITIONS, "move", ("shard",)),
    "Shard.Cutover": (TRANSITIONS, "move", ("shard",)),
    "Cache": (GAUGES, "cache", ("publisher", "name")),
    "SlotHeat": (GAUGES, "heat", ("node", "shard", "level", "slot")),
}
"""Class, what shares a key, and the key's fields. All other kinds are of class log."""


@dataclass
class Kept:
    """The newest event of a key."""

    event_class: str
    order: int
    fragment: bytes
    end_ms: int


@dataclass
class Term:
    """What is known of a shard's term. ``reporters``: publishers and their incarnations."""

    term: int
    elected: int | None = None
    elected_by: int | None = None
    reporters: dict[int, int | None] = field(default_factory=dict)


@dataclass
class Model:
    """Bounded in keys only."""

    max_age_ms: int
    max_keys: int = 10**9
    kept: dict[tuple[Any, ...], Kept] = field(default_factory=dict)
    terms: dict[int, Term] = field(default_factory=dict)
    nodes: dict[int, tuple[str, int, bool]] = field(default_factory=dict)
    latest_ms: int = 0
    order: int = 0
    lost_forever: bool = False
    lost_ms: int | None = None

    def fold(self, window: Window) -> None:
        self.latest_ms = max(self.latest_ms, window.end_ms)
        events = iter(window.fragments)
        for mark in window.marks:
            self.fold_mark(mark)
            for _ in range(mark.events):
                self.fold_event(next(events))
        for fragment in events:  # Of windows without marks.
            self.fold_event(fragment)
        self.expire()
        self.keep_bounds()

    def fold_mark(self, mark: Mark) -> None:
        node, name, incarnation = mark.publisher.node, mark.publisher.name, mark.publisher.incarnation
        is_open = mark.connected is not False
        if node not in self.nodes or mark.connected or self.nodes[node][1] == incarnation:
            self.nodes[node] = (name, incarnation, is_open)

    def fold_event(self, fragment: bytes) -> None:
        self.order += 1
        said = json.loads(fragment)
        kind, fields = kind_and_fields(said)
        if kind not in KEPT:
            return
        event_class, life, names = KEPT[kind]
        if life == "leadership" and not self.is_newest(kind, said["node"], fields):
            return
        key = (life, *(fields.get(name) for name in names))
        self.kept[key] = Kept(event_class, self.order, fragment, self.latest_ms)

    def is_newest(self, kind: str, publisher: int, fields: dict[str, Any]) -> bool:
        shard, term = fields["shard"], fields["term"]
        known = self.terms.get(shard)
        if known is not None and term < known.term:
            renewed = [
                incarnation is not None and node in self.nodes and self.nodes[node][1] != incarnation
                for node, incarnation in known.reporters.items()
            ]
            if not all(renewed):
                return False
        is_new_term = known is None or term != known.term
        if known is None or is_new_term:
            known = self.terms[shard] = Term(term)
        known.reporters[publisher] = self.nodes[publisher][1] if publisher in self.nodes else None
        if kind == "Raft.LeaderElected":
            known.elected, known.elected_by = fields["node"], publisher
            return True
        return is_new_term or publisher in (known.elected, known.elected_by)

    def expire(self) -> None:
        for key, kept in list(self.kept.items()):
            if kept.event_class == GAUGES and kept.end_ms < self.latest_ms - self.max_age_ms:
                del self.kept[key]

    def keep_bounds(self) -> None:
        while len(self.kept) > self.max_keys:
            key = next(
                min(of_class, key=lambda key: self.kept[key].order)
                for event_class in (GAUGES, PHASES, TRANSITIONS)
                if (of_class := [key for key, kept in self.kept.items() if kept.event_class == event_class])
            )
            gone = self.kept.pop(key)
            if gone.event_class == GAUGES:
                self.lost_ms = gone.end_ms
            else:
                self.lost_forever = True
            if key[0] == "leadership":
                del self.terms[key[1]]

    @property
    def truncated(self) -> bool:
        return self.lost_forever or (self.lost_ms is not None and self.lost_ms >= self.latest_ms - self.max_age_ms)

    def fragments(self) -> list[bytes]:
        """Transitions, phases, gauges; the newest first in each."""
        return [
            kept.fragment
            for event_class in (TRANSITIONS, PHASES, GAUGES)
            for kept in sorted(self.kept.values(), key=lambda kept: -kept.order)
            if kept.event_class == event_class
        ]


def kind_and_fields(said: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """``Wal.Fsync``, and what a key may be made of."""
    event_type, data = said["event"]["type"], dict(said["event"]["data"])
    inside = data.pop("kind", {})
    name = inside if isinstance(inside, str) else inside.get("kind", "")
    fields = {"publisher": said["node"]} | ({"shard": said["shard"]} if "shard" in said else {}) | data
    if isinstance(inside, dict):
        fields |= {name: value for name, value in inside.items() if name != "kind"}
    return f"{event_type}.{name}" if name else event_type, fields


def walked(slices: Iterator[Any]) -> list[bytes]:
    """The events of a view."""
    return [fragment for each in slices for fragment in each.fragments]
