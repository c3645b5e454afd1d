"""Schemas read strictly: what is not described is wrong, so that whatever the daemon comes to say is written down."""

from typing import Any

import jsonschema_rs

__all__ = ["Described", "references"]


class Described:
    """A document of OpenAPI or AsyncAPI, and what is wrong with a value by one of its schemas."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._components = _closed({"schemas": document["components"]["schemas"]})
        self._validators: dict[str, Any] = {}

    def faults(self, schema: dict[str, Any], value: Any) -> list[str]:
        """What is wrong with ``value``, and where; empty: nothing."""
        key = repr(schema)
        if key not in self._validators:
            whole = {**_closed(schema), "components": self._components}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole)
        return [f"{list(why.instance_path)}: {why.message[:300]}" for why in self._validators[key].iter_errors(value)]

    def at(self, reference: str) -> Any:
        """What ``#/...`` points to."""
        found = self.document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        return found


def references(value: Any) -> list[str]:
    """All of them, wherever they stand."""
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [each for part in value.values() for each in references(part)]
    return [each for part in value for each in references(part)] if isinstance(value, list) else []


def _closed(schema: Any) -> Any:
    if isinstance(schema, dict):
        closed = {key: _closed(each) for key, each in schema.items()}
        if schema.get("type") == "object" and "properties" in schema:
            closed.setdefault("additionalProperties", False)
        return closed
    return [_closed(each) for each in schema] if isinstance(schema, list) else schema
