"""For each kind of the catalogue a function that checks an event and writes its JSON, compiled at import.

What a node sends passes through here event by event, and nothing else of the daemon costs as much per event. So a
kind's function is Python that was written out for it, as ``dataclasses`` does it: fields are read by name and put into
an f-string, where a general one would look up how each field is read and written. That is half of the time (see
``docs/performance.md``). ``source`` shows what a kind becomes.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from vizd.events.catalogue import OWNER, Field, Kind
from vizd.events.facet import Facet
from vizd.events.numbers import f32_text, f64_text
from vizd.wire.vizd_pb2 import FlushReason

__all__ = ["FLUSH_REASONS", "MAX_STRING_BYTES", "Invalid", "Unknown", "Write", "compiled", "source"]

MAX_STRING_BYTES = 256
"""The longest string in an event, in bytes of UTF-8 (wire contract, "Bad events never stop a stream")."""

Write = Callable[[Any, Any, int, list[Facet]], str]
"""From a ``VizEvent``, the message of its arm, and the ts of an event that has none, to JSON; the facet is appended."""


class Invalid(Exception):
    """``args``: the path from ``VizEvent``, and what is wrong and would be right."""


class Unknown(Exception):
    """From a newer node."""


def _not_u8(path: str, value: int) -> Invalid:
    return Invalid(path, f"{value} does not fit in 8 bits: 0 to 255")


def _string(path: str, value: str) -> str:
    size = len(value.encode())
    if size > MAX_STRING_BYTES:
        raise Invalid(path, f"{size} bytes long: at most {MAX_STRING_BYTES}")
    return json.dumps(value, ensure_ascii=False)


FLUSH_REASONS = {
    number: "".join(word.capitalize() for word in name.removeprefix("FLUSH_REASON_").split("_"))
    for name, number in FlushReason.items()
    if number
}
"""As they stand in JSON, by number."""
_REASONS = {number: f'"{name}"' for number, name in FLUSH_REASONS.items()}


def _reason(path: str, value: int) -> str:
    if not value:
        raise Invalid(path, "FLUSH_REASON_UNSPECIFIED: a reason is needed")
    if value not in _REASONS:
        raise Unknown
    return _REASONS[value]


_EXPRESSIONS = {
    "f32": "f32_text({0})",
    "f64": "f64_text({0})",
    "bool": "'true' if {0} else 'false'",
    "string": "string({1!r}, {0})",
    "reason": "reason({1!r}, {0})",
}
"""From a field's value, and its path, to its JSON, by width. The others are integers and need nothing."""


def source(kind: Kind) -> str:
    """The function ``write`` of one kind, inside of another that binds what is the same for all its events."""
    arm = kind.type.arm
    outer = [(each, f"message.{each.proto}", f"{arm}.{each.proto}") for each in kind.type.fields]
    inner = [(each, f"inside.{each.proto}", f"{arm}.{kind.proto_name}.{each.proto}") for each in kind.fields]
    body = [f"inside = message.{kind.proto_name}"] if inner else []
    values: dict[str, str] = {}
    for number, (each, getter, path) in enumerate(outer + inner):
        values[each.name] = f"value_{number}"
        body.append(f"value_{number} = {getter}")
        if each.width == "u8":
            body.append(f"if value_{number} > 255: raise not_u8({path!r}, value_{number})")
        elif each.width in _EXPRESSIONS:
            values[each.name] = f"text_{number}"
            body.append(f"text_{number} = {_EXPRESSIONS[each.width].format(f'value_{number}', path)}")

    subject = kind.subject or kind.type.subject
    node = values[subject] if subject else "node"
    shard = "None" if kind.type.shard == "" else values.get(kind.type.shard, "shard")
    text = _text(kind, [each for each, _, _ in outer], [each for each, _, _ in inner], values)
    has_owner = kind.type.shard == OWNER
    if has_owner:
        body.append("shard = event.owner_shard or (0 if event.HasField('owner_shard') else None)")
    nodes = f"{node} if {node} == node else ({node}, node)" if kind.of_publisher else node
    body.append(f"facets.append(facet_of[kind, {nodes}, {shard}])")
    if has_owner:
        body.append(f"if shard is not None: return f'{text},\"shard\":{{shard}}}}}}'")
    body.append(f"return f'{text}}}}}'")
    lines = "\n        ".join(body)
    return (
        "def bind(node, facet_of):\n"
        f"    def write(event, message, now_ms, facets):\n        {lines}\n    return write\n"
    )


def _text(kind: Kind, outer: list[Field], inner: list[Field], values: Mapping[str, str]) -> str:
    """Of an f-string: the event's JSON up to where its shard may stand."""

    def members(fields: list[Field]) -> str:
        return "".join(f',"{each.name}":{{{values[each.name]}}}' for each in fields)

    data = members(outer)
    if kind.type.bare:
        data += f',"kind":"{kind.name}"'
    elif kind.name:
        data += f',"kind":{{{{"kind":"{kind.name}"{members(inner)}}}}}'
    head = '{{"ts":{event.ts_ms or now_ms},"node":{node},"event":'
    return f'{head}{{{{"type":"{kind.type.name}","data":{{{{{data[1:]}}}}}}}}}'


def compiled(kind: Kind) -> Callable[..., Write]:
    """``bind(node, facets)``: makes the function for the events of one publishing node.

    :raises SyntaxError: the catalogue has a name that is none in Python.
    """
    names: dict[str, Any] = {
        "kind": kind,
        "not_u8": _not_u8,
        "f32_text": f32_text,
        "f64_text": f64_text,
        "string": _string,
        "reason": _reason,
    }
    exec(compile(source(kind), f"<events of {kind}>", "exec"), names)  # noqa: S102 -- made of the catalogue alone
    bind: Callable[..., Write] = names["bind"]
    return bind
