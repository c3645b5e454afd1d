"""What goes over the WebSocket: the schema and an example of each message, by its ``type``.

Those of the client are made from the types that check them.
"""

from typing import Any

import msgspec

from vizd.api.events import finding_fields, gap_fields
from vizd.api.schema import (
    BOOLEAN,
    COUNT,
    MS,
    POSITION,
    STRING,
    Schema,
    described,
    integer,
    one_of_words,
    or_null,
    record,
    ref,
)
from vizd.events.catalogue import TYPES
from vizd.stream.messages import ClientMessage

__all__ = ["CLIENT_EXAMPLES", "SERVER_EXAMPLES", "client_schemas", "server_schemas"]

_P = "YtjfBmF8pmMAAAAAAAABIAAAAAAAADhJAAABogpxsJzo77bM"
_FSYNC = {
    "ts": 1765000000123,
    "node": 1,
    "event": {"type": "Wal", "data": {"node": 1, "seg": 7, "kind": {"kind": "Fsync", "ms": 4}}},
}
_SUMMARY = {f"{each.count}_count": int(each.name == "Wal") for each in TYPES}

SERVER_EXAMPLES: dict[str, dict[str, Any]] = {
    "connected": {
        "version": "0.1.0", "oldest_timestamp_ms": 1764999990000, "newest_timestamp_ms": 1765000000050,
        "server_time_ms": 1765000000061, "coalesce_ms": 50, "position": _P,
    },
    "batch": {
        "data": {
            "window_start": 1765000000100, "window_end": 1765000000150, "events": [_FSYNC], "summary": _SUMMARY
        },
        "position": _P,
    },
    "pong": {"timestamp_ms": 1765000000123},
    "error": {"message": "unknown type 'stop': use one of filter, pause, resume, ...", "code": "unknown_type"},
    "gap": {
        "from_ms": 1765000000150, "to_ms": 1765000012000, "windows": 237, "events": 4711, "reason": "slow",
        "position": _P,
    },
    "position": {"position": _P},
    "history_end": {
        "from_ms": 1765000000000, "to_ms": 1765000060000, "batches": 3, "events": 12, "cancelled": False
    },
    "finding": {
        "id": "shard-without-leader/shard-7/6121", "rule": "shard-without-leader", "severity": "critical",
        "subject": {"shard": 7}, "first_ms": 1765000000123, "last_ms": 1765000003150, "open": True,
        "conclusive": True, "detail": "Shard 7 has had no leader for 3 s.", "positions": [_P],
    },
}  # fmt: skip
"""Without their ``type``."""

CLIENT_EXAMPLES: dict[str, dict[str, Any]] = {
    "filter": {"nodes": [1, 2], "types": ["Raft", "Swim"], "shards": [], "state": True},
    "pause": {},
    "resume": {"catch_up": True},
    "history": {"from_ms": 1765000000000, "to_ms": 1765000060000, "speed": 4.0},
    "history_cancel": {},
    "ping": {},
}
"""Without their ``type``."""

_HISTORY = {"history": described({"const": True}, "it belongs to a history, not to the live stream")}


def server_schemas() -> dict[str, Schema]:
    """What a client receives, by ``type``."""
    bodies: dict[str, tuple[dict[str, Schema], dict[str, Schema]]] = {
        "connected": (
            {
                "version": STRING,
                "oldest_timestamp_ms": or_null(MS),
                "newest_timestamp_ms": or_null(MS),
                "server_time_ms": MS,
                "coalesce_ms": integer(10, 1_000),
            },
            {"position": POSITION},
        ),
        "batch": (
            {"data": ref("Batch")},
            {
                "position": POSITION,
                **_HISTORY,
                "snapshot": described({"const": True}, "the newest event of each key, as of window_end"),
                "truncated": described({"const": True}, "the state had more than was asked for"),
                "provisional": described({"const": True}, "not stored yet: it comes again, with a position"),
                "sent": described(COUNT, "under a budget: how many events it holds"),
                "of": described(COUNT, "under a budget: how many there were since the batch before"),
            },
        ),
        "pong": ({"timestamp_ms": MS}, {}),
        "error": (
            {"message": STRING, "code": one_of_words(("malformed", "unknown_type", "invalid", "busy"))},
            {},
        ),
        "gap": (gap_fields(), {"position": POSITION, **_HISTORY}),
        "position": ({"position": POSITION}, {}),
        "history_end": (
            {"from_ms": MS, "to_ms": MS, "batches": COUNT, "events": COUNT, "cancelled": BOOLEAN},
            {},
        ),
        "finding": (finding_fields(), {}),
    }
    return {
        name: record({"type": {"const": name}, **always}, sometimes) for name, (always, sometimes) in bodies.items()
    }


def client_schemas() -> dict[str, Schema]:
    """What a client may say, by ``type``."""
    kinds = ClientMessage.__args__
    _, schemas = msgspec.json.schema_components(kinds, ref_template="{name}")
    return {str(kind.__struct_config__.tag): _plain(schemas[kind.__name__]) for kind in kinds}


def _plain(schema: Schema) -> Schema:
    """Without what is only of use in Python."""
    return {key: value for key, value in schema.items() if key != "title"}
