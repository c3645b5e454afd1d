"""An event in a few words, as the built-in page has them. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["SHORT_TYPES", "clean", "kind_of", "said", "whose"]

SHORT_TYPES = {"Compaction": "Comp", "SlotHeat": "Heat"}
_REASONS = {"MemtableSize": "memtable full", "WalAge": "WAL old", "Manual": "by hand"}
_SWIM = {"Alive": "alive", "Suspect": "suspect", "Confirm": "confirmed dead", "Leave": "left"}
_SHARD = {
    "Plan": "move planned",
    "SnapshotStart": "snapshot started",
    "SnapshotDone": "snapshot done",
    "Cutover": "cut over",
}
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB", "EB")

Named = Callable[[int], str]


def clean(text: str) -> str:
    """Without what could steer a terminal: nodes choose names."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def kind_of(event: Mapping[str, Any]) -> str:
    """Such as ``Fsync``; empty for a type without kinds."""
    kind = event["event"]["data"].get("kind", "")
    return str(kind.get("kind", "")) if isinstance(kind, dict) else str(kind)


def whose(event: Mapping[str, Any], named: Named) -> str:
    """A shard (``s7``) or a node."""
    data = event["event"]["data"]
    if event["event"]["type"] in ("Raft", "Shard"):
        return f"s{data['shard']}"
    return named(data.get("node", event["node"]))


def said(event: Mapping[str, Any], named: Named) -> str:
    """What happened, and the number that matters."""
    data = event["event"]["data"]
    write = _WRITERS.get(event["event"]["type"])
    text = None if write is None else write(data, event, named)
    return clean(text if text is not None else kind_of(event))


def _bytes(size: float) -> str:
    for unit in _UNITS:
        if size < 1_000 or unit == _UNITS[-1]:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1_000
    raise AssertionError


def _raft(data: Mapping[str, Any], event: Mapping[str, Any], named: Named) -> str | None:
    kind, node = data["kind"], named(event["node"])
    text = {
        "VoteReq": lambda: f"{named(kind['from'])} asks for votes",
        "VoteGranted": lambda: f"{named(kind['from'])} grants {node}",
        "LeaderElected": lambda: f"{named(kind['node'])} elected",
        "StepDown": lambda: f"{node} steps down",
    }.get(kind["kind"])
    return None if text is None else f"{text()}, term {data['term']}"


def _lsm(data: Mapping[str, Any], _event: Mapping[str, Any], _named: Named) -> str | None:
    kind = data["kind"]
    text = {
        "FlushTriggered": lambda: f"flush asked for: {_REASONS.get(kind['reason'], kind['reason'])}",
        "FlushStart": lambda: "flush started",
        "FlushComplete": lambda: f"flush done, {_bytes(kind['bytes'])}",
        "L0Stall": lambda: f"L0 stall, {kind['file_count']} files",
        "L0AdmissionStart": lambda: "L0 file enters",
        "L0AdmissionComplete": lambda: f"L0 file in slot {kind['target_slot']}",
        "GuardAdjustment": lambda: f"L{kind['level']} has {kind['new_guard_count']} guards",
        "WritePressureUpdate": lambda: f"pressure {kind['ratio']:.2f}",
    }.get(kind["kind"])
    return None if text is None else text()


def _compaction(data: Mapping[str, Any], _event: Mapping[str, Any], _named: Named) -> str | None:
    level, kind = data["level"], data["kind"]
    way = f"L{level} to L{level + 1}"
    text = {
        "Scheduled": lambda: f"{way} queued",
        "Start": lambda: f"{way} started",
        "Progress": lambda: f"{way} {kind['pct']}%",
        "Finish": lambda: f"{way} done, {_bytes(kind['in_bytes'])} into {_bytes(kind['out_bytes'])}",
        "BanditSelection": lambda: f"L{level} picks slot {kind['slot_id']}",
        "BanditReward": lambda: f"L{level} slot {kind['slot_id']} reward {kind['reward']:.2f}",
        "GuardRebalance": lambda: f"L{level} guards, {kind['old_guard_count']} to {kind['new_guard_count']}",
    }.get(kind["kind"])
    return None if text is None else text()


def _wal(data: Mapping[str, Any], _event: Mapping[str, Any], _named: Named) -> str | None:
    kind = data["kind"]
    text = {
        "SegmentRoll": lambda: f"segment rolled, {_bytes(kind['bytes'])}",
        "Fsync": lambda: f"fsync {kind['ms']:,} ms",
        "CorruptionTruncated": lambda: "corrupt tail cut",
        "SegmentGc": lambda: "segment removed",
    }.get(kind["kind"])
    return None if text is None else text()


_WRITERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], Named], str | None]] = {
    "Raft": _raft,
    "Swim": lambda data, _event, _named: _SWIM.get(data["kind"]),
    "Shard": lambda data, _event, _named: _SHARD.get(data["kind"]),
    "Lsm": _lsm,
    "Compaction": _compaction,
    "Wal": _wal,
    "Cache": lambda data, _event, _named: f"{data['name']} cache, {data['hit_ratio']:.2f} hit",
    "SlotHeat": lambda data, _event, _named: f"L{data['level']} slot {data['slot']} heat {data['heat']:.2f}",
}
