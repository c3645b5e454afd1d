"""The few words of JSON Schema that the descriptions are written with.

Objects are open: a newer daemon may say more, and whoever was built from an older description still understands it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "BOOLEAN",
    "COUNT",
    "MAX_U64",
    "MS",
    "NUMBER",
    "POSITION",
    "STRING",
    "U32",
    "Schema",
    "array",
    "described",
    "integer",
    "one_of_words",
    "or_null",
    "record",
    "ref",
]

Schema = dict[str, Any]

MAX_U64 = 2**64 - 1


def integer(least: int = 0, most: int | None = MAX_U64) -> Schema:
    """A whole number; ``most`` may be open."""
    return {"type": "integer", "minimum": least} | ({} if most is None else {"maximum": most})


BOOLEAN: Schema = {"type": "boolean"}
STRING: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT = integer(most=None)
U32 = integer(most=2**32 - 1)
MS = integer() | {"description": "milliseconds since the Unix epoch"}
POSITION: Schema = {
    "type": "string",
    "pattern": "^[A-Za-z0-9._~-]{1,64}$",
    "description": "a place in the log; what is in it is the daemon's own business",
}


def ref(name: str) -> Schema:
    """A schema of ``components``."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema, most: int | None = None) -> Schema:
    """Of at most ``most`` items."""
    return {"type": "array", "items": items} | ({} if most is None else {"maxItems": most})


def or_null(schema: Schema) -> Schema:
    """``schema``, or null where there is no such thing."""
    return {"anyOf": [schema, {"type": "null"}]}


def one_of_words(words: Sequence[str]) -> Schema:
    """One of these strings."""
    return {"type": "string", "enum": list(words)}


def described(schema: Schema, description: str) -> Schema:
    """The same, with words for people."""
    return schema | {"description": description}


def record(
    always: Mapping[str, Schema], sometimes: Mapping[str, Schema] | None = None, description: str = ""
) -> Schema:
    """An object.

    :param always: the properties that it has in any case. :param sometimes: those that it has where they apply.
    """
    schema: Schema = {"type": "object", "properties": {**always, **(sometimes or {})}}
    if always:
        schema["required"] = list(always)
    return described(schema, description) if description else schema
