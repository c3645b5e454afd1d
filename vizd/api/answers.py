"""What HTTP answers: the schemas of its bodies."""

from vizd.api.events import gap_fields
from vizd.api.schema import (
    BOOLEAN,
    COUNT,
    MAX_U64,
    MS,
    NUMBER,
    POSITION,
    STRING,
    U32,
    Schema,
    array,
    described,
    integer,
    one_of_words,
    or_null,
    record,
    ref,
)
from vizd.events.catalogue import TYPES
from vizd.insight.rules import RULES
from vizd.state.coverage import COMPLETE, DISCONNECTED, LOSSY
from vizd.state.timeline import LIVENESS

__all__ = ["answer_schemas"]

_SIGNED: Schema = {"type": "integer", "minimum": -MAX_U64, "maximum": MAX_U64}
_TRUNCATED = {"truncated": described(BOOLEAN, "true: there was more than the daemon keeps")}
_COUNTS_BY_WORD: Schema = {"type": "object", "additionalProperties": COUNT}
_LOSSES = dict.fromkeys(("duplicates", "invalid", "unknown", "lost"), COUNT)


def answer_schemas() -> dict[str, Schema]:
    """For ``components``, by name."""
    return {
        "Error": record(
            {"error": record({"code": described(STRING, "for programs"), "message": described(STRING, "for people")})},
            description="what is wrong, and what would be right",
        ),
        "Health": record(
            {"status": one_of_words(("ok", "degraded", "unhealthy")), "version": STRING}, {"reasons": array(STRING)}
        ),
        "Ready": record({"status": one_of_words(("ready", "not ready"))}, {"reasons": array(STRING)}),
        "Stats": _stats(),
        "StatsClient": _client(),
        "StatsPublisher": _publisher(),
        "History": record(
            {
                "batches": array(ref("Batch")),
                "gaps": array(ref("Gap")),
                "total_events": COUNT,
                "next_from": ref("NextFrom"),
            }
        ),
        "HistoryItem": {
            "oneOf": [
                ref("Batch"),
                record({"gap": record(gap_fields())}),
                record({"total_events": COUNT, "next_from": ref("NextFrom")}),
            ],
            "description": "a batch, a gap, or what comes last",
        },
        "NextFrom": described(
            or_null(integer()), "the window_start of the first window that was not sent; null: that was all"
        ),
        "State": record(
            {
                "at": MS,
                "position": POSITION,
                "events": array(ref("Event")),
                "unknown": described(array(U32), "nodes that had no open stream then"),
                "truncated": BOOLEAN,
            },
            description="the newest event of each key",
        ),
        "Timeline": _timeline(),
        "Coverage": record({"nodes": array(_coverage_of_node())}, _TRUNCATED),
        "Insight": record(
            {
                "findings": array(ref("Finding")),
                "no_data": described(
                    array(one_of_words([rule.name for rule in RULES])), "rules whose input was never seen"
                ),
            },
            _TRUNCATED,
        ),
    }


def _stats() -> Schema:
    return record(
        {
            "version": STRING,
            "uptime_ms": COUNT,
            "total_events_received": COUNT,
            "total_batches_sent": COUNT,
            "total_events_sent": COUNT,
            "buffer_size": described(COUNT, "windows"),
            "buffer_events": COUNT,
            "buffer_bytes": COUNT,
            "retention_ms": COUNT,
            "retention_bound": one_of_words(("minutes", "bytes")),
            "oldest_event_ms": or_null(MS),
            "newest_event_ms": or_null(MS),
            "connected_clients": COUNT,
            "clients": array(ref("StatsClient")),
            "connected_publishers": COUNT,
            "grpc": record({"interfaces": array(STRING), "port": integer(most=65535)}),
            "ingest": record({**_LOSSES, "waiting": COUNT}),
            "publishers": array(ref("StatsPublisher")),
            "tick_late_ms": COUNT,
            "tick_failures": COUNT,
            "closes": described(_COUNTS_BY_WORD, "WebSocket connections that have ended, by close code"),
            "refusals": described(_COUNTS_BY_WORD, "by reason"),
        }
    )


def _client() -> Schema:
    limits = {"types": array(one_of_words([each.name for each in TYPES])), "nodes": array(U32), "shards": array(U32)}
    return record(
        {
            "peer": STRING,
            "encoding": one_of_words(("json", "messagepack")),
            "filter": record({}, limits),
            "paused": BOOLEAN,
            "lag_windows": COUNT,
            "lag_ms": _SIGNED,
            "gaps": described(_COUNTS_BY_WORD, "by reason"),
            "batches_sent": COUNT,
            "events_sent": COUNT,
            "bytes_sent": COUNT,
        },
        {"max_kbps": COUNT},
    )


def _publisher() -> Schema:
    return record(
        {
            "node": U32,
            "name": STRING,
            "connected": BOOLEAN,
            "stored_through": integer(),
            "received": COUNT,
            **_LOSSES,
            "skew_ms": or_null(_SIGNED),
        }
    )


def _timeline() -> Schema:
    liveness = (*LIVENESS, "connected", "unknown")
    node = record(
        {
            "node": U32,
            "name": described(or_null(STRING), "null: it has said none"),
            "fsync_p50": array(or_null(NUMBER)),
            "fsync_p99": array(or_null(NUMBER)),
            "fsync_max": array(or_null(NUMBER)),
            "pressure": array(or_null(NUMBER)),
            "liveness": array(or_null(one_of_words(liveness))),
            "coverage": array(or_null(one_of_words((COMPLETE, LOSSY, DISCONNECTED)))),
        }
    )
    return record(
        {
            "from": described(or_null(integer()), "where the first step begins; null: there is none"),
            "step_ms": COUNT,
            "counts": record({each.count: array(or_null(COUNT)) for each in TYPES}),
            "nodes": array(node),
        },
        _TRUNCATED,
        "arrays of one value a step; null: no data",
    )


def _coverage_of_node() -> Schema:
    return record(
        {
            "node": U32,
            "name": STRING,
            "connected": BOOLEAN,
            "skew_ms": or_null(_SIGNED),
            "received": COUNT,
            "lost": array(record({"from_ms": MS, "to_ms": MS, "events": or_null(COUNT)})),
            "disconnected": array(record({"from_ms": MS, "to_ms": MS})),
        }
    )
