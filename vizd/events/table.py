"""The catalogue as a table for people: ``python -m vizd.events.table`` prints that of ``docs/events.md``."""

from collections.abc import Iterable

from vizd.events.catalogue import TYPES, EventType, Field, Kind

__all__ = ["markdown"]


def markdown() -> str:
    """A Markdown table: a row per type, then one per kind of it."""
    lines = ["| kind | fields | class | the newest one is kept per |", "|---|---|---|---|"]
    for event_type in TYPES:
        if len(event_type.kinds) > 1:
            lines.append(f"| **{event_type.name}** | {_fields(event_type.fields)} | | |")
        lines += [_row(event_type, kind) for kind in event_type.kinds]
    return "\n".join(lines) + "\n"


def _row(event_type: EventType, kind: Kind) -> str:
    name = str(kind) if kind.name else f"**{kind}**"
    fields = _fields(kind.fields if kind.name else event_type.fields)
    key = ", ".join(kind.key)
    if kind.key and kind.name and kind.life != kind.name:
        key += f" ({kind.life})"
    return f"| {name} | {fields} | {kind.event_class.value} | {key} |"


def _fields(fields: Iterable[Field]) -> str:
    return ", ".join(f"`{each.name}` {each.width}" for each in fields)


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201
