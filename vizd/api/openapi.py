"""HTTP as OpenAPI 3.1: every endpoint with its parameters, answers and refusals.

``python -m vizd.api.openapi`` prints it.
"""

import json
from typing import Any

from vizd import __version__
from vizd.api.answers import answer_schemas
from vizd.api.events import event_schemas
from vizd.api.schema import STRING, U32, Schema, array, integer, one_of_words, ref
from vizd.events.catalogue import TYPES

__all__ = ["document", "filters"]

_Operation = dict[str, Any]
_ABOUT = """\
Live view into a running NoriKV cluster. What is pushed over WebSocket at `/ws/events` is described by
`/api/asyncapi.json`.

Every endpoint answers HEAD and OPTIONS, too; other methods get a 405, and other paths a 404, both with an `Error`.
Unknown parameters are ignored, and of one that is given twice the last counts. A request whose Origin or Host is not
allowed gets a 403. Objects may get more properties in time."""

_REFUSALS = {
    "400": ("BadRequest", "A parameter is wrong; the message says which, and what would be right."),
    "401": ("Unauthorized", "The daemon asks for a token, and none came or one that it does not know."),
    "403": ("Forbidden", "The Origin or the Host is not allowed."),
    "404": ("NotFound", "There is nothing at this path."),
    "405": ("MethodNotAllowed", "Only GET, HEAD and OPTIONS are of use here."),
    "410": ("Gone", "That instant is before the buffer; the message names the oldest that it has."),
    "429": ("TooManyRequests", "More requests came from this address than the daemon takes."),
    "503": ("Unavailable", "Too much of this is going on; try again."),
}
_LICENSE = {"name": "MIT", "identifier": "MIT"}
_RETRY_AFTER = {"Retry-After": {"description": "seconds", "schema": integer(1), "required": True}}


def document() -> dict[str, Any]:
    """All of it, ready for JSON."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "norikv-vizd", "version": __version__, "description": _ABOUT, "license": _LICENSE},
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {}],
        "paths": {path: {"get": operation} for path, operation in _paths().items()},
        "components": {
            "schemas": {**event_schemas(), **answer_schemas()},
            "responses": {name: _refusal(status, text) for status, (name, text) in _REFUSALS.items()},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "a line of --token-file, where the daemon has one; else nobody is asked",
                }
            },
        },
    }


def filters() -> dict[str, Schema]:
    """What ``types``, ``nodes`` and ``shards`` may be; an absent or empty one is no limit."""
    names = [each.name for each in TYPES]
    accepted = dict.fromkeys([*names, *(name.lower() for name in names), *(each.count for each in TYPES)])
    return {"types": array(one_of_words(list(accepted))), "nodes": array(U32), "shards": array(U32)}


def _paths() -> dict[str, _Operation]:
    limits = filters()
    types, nodes, shards = (
        _parameter("types", limits["types"], "only events of these types; any case will do"),
        _parameter("nodes", limits["nodes"], "only events about these nodes"),
        _parameter("shards", limits["shards"], "only events of these shards, and those that have none"),
    )
    begin = _parameter("from", integer(), "milliseconds since the Unix epoch; not behind `to`")
    end = _parameter("to", integer(), "milliseconds since the Unix epoch; the range does not hold it")
    range_ms = [begin, end]
    return {
        "/health": _probe("health", "Is it well?", "Health", "It is sick: the coalescer's tick is late by over 5 s."),
        "/ready": _probe("ready", "Can it be used?", "Ready", "Not yet, or not any more: the reasons say why."),
        "/api/stats": _json("stats", "Numbers of the daemon, its clients and publishers", "Stats"),
        "/api/history": _history([*range_ms, types, nodes, shards]),
        "/api/state": _json(
            "state", "The newest event of each key, now or at an instant", "State",
            [_parameter("at", integer(), "milliseconds since the Unix epoch; one of the future is now"),
             types, nodes, shards], ("400", "410", "503"),
        ),
        "/api/timeline": _json(
            "timeline", "Counts and gauges in steps: what an hour is drawn from", "Timeline",
            [*range_ms,
             _parameter("step_ms", integer(1), "raised to a multiple of what is kept of the range"),
             _parameter("nodes", limits["nodes"], "only these nodes; the counts are of all")], ("400",),
        ),
        "/api/coverage": _json("coverage", "What is missing, by node", "Coverage", range_ms, ("400",)),
        "/api/insight": _json("insight", "What is wrong, and what lately was", "Insight"),
        "/api/openapi.json": _document("openapi", "This description"),
        "/api/asyncapi.json": _document("asyncapi", "The description of the WebSocket, AsyncAPI 3"),
        "/metrics": _operation(
            "metrics", "For Prometheus",
            {"text/plain": {"schema": STRING}, "application/openmetrics-text": {"schema": STRING}},
        ),
        "/": _operation("page", "The built-in page", {"text/html": {"schema": STRING}}) | {"security": []},
    }  # fmt: skip


def _parameter(name: str, schema: Schema, description: str) -> dict[str, Any]:
    style = {"style": "form", "explode": False} if schema["type"] == "array" else {}
    return {"name": name, "in": "query", "description": description, "schema": schema, **style}


def _operation(
    name: str,
    summary: str,
    content: dict[str, Any],
    parameters: list[dict[str, Any]] | None = None,
    refusals: tuple[str, ...] = (),
) -> _Operation:
    responses: dict[str, Any] = {"200": {"description": summary, "content": content}}
    for status in sorted({"401", "403", "429", *refusals}):
        responses[status] = {"$ref": f"#/components/responses/{_REFUSALS[status][0]}"}
    return {"operationId": name, "summary": summary, "parameters": parameters or [], "responses": responses}


def _json(
    name: str,
    summary: str,
    schema: str,
    parameters: list[dict[str, Any]] | None = None,
    refusals: tuple[str, ...] = (),
) -> _Operation:
    return _operation(name, summary, {"application/json": {"schema": ref(schema)}}, parameters, refusals)


def _document(name: str, summary: str) -> _Operation:
    return _operation(name, summary, {"application/json": {"schema": {"type": "object"}}})


def _probe(name: str, summary: str, schema: str, when_not: str) -> _Operation:
    """No token, no Host and no Origin is asked for."""
    operation = _json(name, summary, schema)
    content = operation["responses"]["200"]["content"]
    operation["responses"] = {
        "200": {"description": "Yes.", "content": content},
        "429": operation["responses"]["429"],
        "503": {"description": when_not, "content": content},
    }
    return operation | {"security": []}


def _history(parameters: list[dict[str, Any]]) -> _Operation:
    """Its answer has three forms. OpenAPI 3.1 can't say what a sequence is made of, hence ``x-item-schema``."""
    limit = _parameter("limit", integer(1), "of events; the answer ends at the window before, but has one at least")
    content = {
        "application/json": {"schema": ref("History")},
        "application/x-ndjson": {"schema": STRING, "x-item-schema": ref("HistoryItem")},
        "application/msgpack": {"x-item-schema": ref("HistoryItem")},
    }
    return _operation("history", "A part of the log, oldest first", content, [*parameters, limit], ("400", "503"))


def _refusal(status: str, text: str) -> dict[str, Any]:
    response: dict[str, Any] = {"description": text, "content": {"application/json": {"schema": ref("Error")}}}
    if status in ("429", "503"):
        response["headers"] = _RETRY_AFTER
    return response


if __name__ == "__main__":
    print(json.dumps(document(), indent=2))  # noqa: T201
