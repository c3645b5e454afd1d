"""What both interfaces tell of: events, batches of them, gaps, findings. Made from the catalogue and the rules."""

from collections.abc import Iterable

from vizd.api.schema import (
    BOOLEAN,
    COUNT,
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
from vizd.events.catalogue import OWNER, TYPES, EventType, Field, Kind
from vizd.events.writers import FLUSH_REASONS, MAX_STRING_BYTES
from vizd.insight.finding import SEVERITIES
from vizd.insight.rules import RULES
from vizd.stream.gaps import GAP_REASONS

__all__ = ["event_schemas", "finding_fields", "gap_fields"]

_WIDTHS: dict[str, Schema] = {
    "u8": integer(most=2**8 - 1),
    "u32": U32,
    "u64": integer(),
    # NaN and the infinities have no other way to be written.
    "f32": or_null(NUMBER),
    "f64": or_null(NUMBER),
    "bool": BOOLEAN,
    "string": STRING | {"maxLength": MAX_STRING_BYTES},
    "reason": one_of_words(list(FLUSH_REASONS.values())),
}


def event_schemas() -> dict[str, Schema]:
    """For ``components``, by name."""
    return {
        "Event": _event(),
        **{f"{each.name}Event": _type(each) for each in TYPES},
        "Summary": record(
            {f"{each.count}_count": COUNT for each in TYPES}, description="how many events of each type there were"
        ),
        "Batch": record(
            {"window_start": MS, "window_end": MS, "events": array(ref("Event")), "summary": ref("Summary")},
            description="the events of a window, or of some that follow each other, in the order of the log",
        ),
        "Gap": record(gap_fields(), description="what is missing; a count is null where nobody knows it any more"),
        "Finding": record(finding_fields(), description="something that is wrong, or was"),
    }


def gap_fields() -> dict[str, Schema]:
    """The properties of a gap, wherever one is told."""
    return {
        "from_ms": or_null(MS),
        "to_ms": or_null(MS),
        "windows": or_null(COUNT),
        "events": or_null(COUNT),
        "reason": one_of_words(GAP_REASONS),
    }


def finding_fields() -> dict[str, Schema]:
    """The properties of a finding, wherever one is told."""
    return {
        "id": described(STRING | {"maxLength": 128}, "stays the same while the finding lives"),
        "rule": one_of_words([rule.name for rule in RULES]),
        "severity": one_of_words(SEVERITIES),
        "subject": record(
            {}, {"node": U32, "name": or_null(STRING), "shard": U32, "term": integer(), "level": integer(most=255)}
        ),
        "first_ms": MS,
        "last_ms": MS,
        "open": BOOLEAN,
        "conclusive": described(BOOLEAN, "nothing is missing from the log that could have made it otherwise"),
        "detail": described(STRING, "a sentence for people"),
        "positions": array(POSITION),
    }


def _event() -> Schema:
    described_as = "one thing that happened inside a node"
    return {"oneOf": [ref(f"{each.name}Event") for each in TYPES], "description": described_as}


def _type(event_type: EventType) -> Schema:
    properties = _fields(event_type.fields)
    if event_type.bare:
        properties["kind"] = one_of_words([kind.name for kind in event_type.kinds])
    elif event_type.kinds[0].name:
        properties["kind"] = {"oneOf": [_kind(kind) for kind in event_type.kinds]}
    owner = {"shard": described(U32, "whose engine produced it")} if event_type.shard == OWNER else {}
    event = record({"type": {"const": event_type.name}, "data": record(properties)})
    return record(
        {
            "ts": described(MS, "the node's own clock, in milliseconds since the Unix epoch"),
            "node": described(U32, "the one that published it"),
            "event": event,
        },
        owner,
    )


def _kind(kind: Kind) -> Schema:
    return record({"kind": {"const": kind.name}, **_fields(kind.fields)})


def _fields(fields: Iterable[Field]) -> dict[str, Schema]:
    return {each.name: _WIDTHS[each.width] for each in fields}
