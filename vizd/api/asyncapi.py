"""The WebSocket as AsyncAPI 3.0: one channel, what the daemon sends on it and what it takes.

``python -m vizd.api.asyncapi`` prints it.
"""

import json
from typing import Any

from vizd import __version__
from vizd.api.events import event_schemas
from vizd.api.messages import CLIENT_EXAMPLES, SERVER_EXAMPLES, client_schemas, server_schemas
from vizd.api.openapi import filters
from vizd.api.schema import BOOLEAN, STRING, Schema, described, integer, one_of_words, record
from vizd.stream.allowance import MAX_KBPS, MIN_KBPS

__all__ = ["SERVER_TITLES", "document"]

_ABOUT = """\
What a dashboard is pushed, and what it may say. Messages are JSON in text frames with `json=true`, else MessagePack in
binary frames: the same maps and values. A client may speak either. Unknown types and keys are to be ignored: there may
be more of them in time.

Where the daemon asks for a token, it comes in the header `Authorization: Bearer T` of the opening request, or, from a
browser, as subprotocols: `norikv.viz.v1, bearer.T`; `norikv.viz.v1` comes back. All that is wrong with an opening
request is answered over HTTP, with a body as `Error` of `/api/openapi.json`."""

SERVER_TITLES = {
    "connected": "Comes first: what the daemon is, and where the stream begins",
    "batch": "Events, in the order of the log",
    "pong": "The answer to a ping",
    "error": "What was wrong with a message of the client; the connection stays",
    "gap": "What this client does not get, and why; the stream goes on at `position`",
    "position": "The stream has come to here, and nothing on the way was for this client",
    "history_end": "All of a history was sent, or it was cancelled",
    "finding": "Something is wrong, is still or not any more; a later one with the same id replaces it",
}
_CHANNEL = "#/channels/events"


def document() -> dict[str, Any]:
    """All of it, ready for JSON."""
    server, client = server_schemas(), client_schemas()
    messages = {
        **{name: _message(name, SERVER_TITLES[name], SERVER_EXAMPLES[name]) for name in server},
        **{name: _message(name, schema["description"], CLIENT_EXAMPLES[name]) for name, schema in client.items()},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "norikv-vizd", "version": __version__, "description": _ABOUT, "license": {"name": "MIT"}},
        "defaultContentType": "application/json",
        "servers": {
            "daemon": {
                "host": "127.0.0.1:9090",
                "protocol": "ws",
                "description": "where it listens by default; wss with --tls-cert",
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            }
        },
        "channels": {
            "events": {
                "address": "/ws/events",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET", "query": _query(), "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            "toClient": _operation("send", "What a client receives", list(server)),
            "fromClient": _operation("receive", "What a client may say", list(client)),
        },
        "components": {
            "messages": messages,
            "schemas": {**event_schemas(), **{_title(name): schema for name, schema in {**server, **client}.items()}},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "a line of --token-file, where the daemon has one; else nobody is asked",
                }
            },
        },
    }


def _title(name: str) -> str:
    return name.title().replace("_", "") + "Message"


def _message(name: str, summary: str, example: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "summary": summary,
        "payload": {"$ref": f"#/components/schemas/{_title(name)}"},
        "examples": [{"payload": {"type": name, **example}}],
    }


def _operation(action: str, summary: str, names: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": _CHANNEL},
        "messages": [{"$ref": f"{_CHANNEL}/messages/{name}"} for name in names],
    }


def _query() -> Schema:
    """Of the opening request."""
    listed = {
        name: described(STRING, f"with commas between, each one of {json.dumps(each['items'])}")
        for name, each in filters().items()
    }
    return record(
        {},
        {
            "json": described(BOOLEAN | {"default": False}, "text frames of JSON, not binary ones of MessagePack"),
            **listed,
            "position": described(STRING, "go on behind it; one that is of no use leads to a gap, not to an error"),
            "state": one_of_words(("true", "all", "false"))
            | {"default": "true", "description": "what comes first: the state, all of it however large, or none"},
            "max_kbps": described(integer(MIN_KBPS, MAX_KBPS), "a budget, in kilobits of 1000 a second"),
            "max_lag_ms": described(integer(), "how far behind it may fall; 0: as far as the log goes"),
            "findings": described(BOOLEAN | {"default": False}, "findings come, too"),
        },
    )


if __name__ == "__main__":
    print(json.dumps(document(), indent=2))  # noqa: T201
