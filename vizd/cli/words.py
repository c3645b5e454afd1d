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
    """A shard (``s7``) or a node.

    :param named: what people call a node, as it may be shown.
    """
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
    kind = data["kind"]
    match kind["kind"]:
        case "VoteReq":
            text = f"{named(kind['from'])} asks for votes"
        case "VoteGranted":
            text = f"{named(kind['from'])} grants {named(event['node'])}"
        case "LeaderElected":
            text = f"{named(kind['node'])} elected"
        case "StepDown":
            text = f"{named(event['node'])} steps down"
        case _:
            return None
    return f"{text}, term {data['term']}"


def _lsm(kind: Mapping[str, Any]) -> str | None:
    match kind["kind"]:
        case "FlushTriggered":
            return f"flush asked for: {_REASONS.get(kind['reason'], kind['reason'])}"
        case "FlushStart":
            return "flush started"
        case "FlushComplete":
            return f"flush done, {_bytes(kind['bytes'])}"
        case "L0Stall":
            return f"L0 stall, {kind['file_count']} files"
        case "L0AdmissionStart":
            return "L0 file enters"
        case "L0AdmissionComplete":
            return f"L0 file in slot {kind['target_slot']}"
        case "GuardAdjustment":
            return f"L{kind['level']} has {kind['new_guard_count']} guards"
        case "WritePressureUpdate":
            return f"pressure {kind['ratio']:.2f}"
    return None


def _compaction(level: int, kind: Mapping[str, Any]) -> str | None:
    way = f"L{level} to L{level + 1}"
    match kind["kind"]:
        case "Scheduled":
            return f"{way} queued"
        case "Start":
            return f"{way} started"
        case "Progress":
            return f"{way} {kind['pct']}%"
        case "Finish":
            return f"{way} done, {_bytes(kind['in_bytes'])} into {_bytes(kind['out_bytes'])}"
        case "BanditSelection":
            return f"L{level} picks slot {kind['slot_id']}"
        case "BanditReward":
            return f"L{level} slot {kind['slot_id']} reward {kind['reward']:.2f}"
        case "GuardRebalance":
            return f"L{level} guards, {kind['old_guard_count']} to {kind['new_guard_count']}"
    return None


def _wal(kind: Mapping[str, Any]) -> str | None:
    match kind["kind"]:
        case "SegmentRoll":
            return f"segment rolled, {_bytes(kind['bytes'])}"
        case "Fsync":
            return f"fsync {kind['ms']:,} ms"
        case "CorruptionTruncated":
            return "corrupt tail cut"
        case "SegmentGc":
            return "segment removed"
    return None


_WRITERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], Named], str | None]] = {
    "Raft": _raft,
    "Swim": lambda data, _event, _named: _SWIM.get(data["kind"]),
    "Shard": lambda data, _event, _named: _SHARD.get(data["kind"]),
    "Lsm": lambda data, _event, _named: _lsm(data["kind"]),
    "Compaction": lambda data, _event, _named: _compaction(data["level"], data["kind"]),
    "Wal": lambda data, _event, _named: _wal(data["kind"]),
    "Cache": lambda data, _event, _named: f"{data['name']} cache, {data['hit_ratio']:.2f} hit",
    "SlotHeat": lambda data, _event, _named: f"L{data['level']} slot {data['slot']} heat {data['heat']:.2f}",
}
