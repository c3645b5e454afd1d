"""What a client may say, and what is wrong with what it said.

A message is JSON text or MessagePack binary, whatever the encoding of the client's stream; both are checked
against one schema. Unknown keys are ignored, so that newer clients work with older daemons.
"""

from typing import Annotated, Any

import msgpack
import msgspec

from vizd.stream.filter import MAX_ID

__all__ = [
    "ClientMessage",
    "FilterMessage",
    "HistoryCancelMessage",
    "HistoryMessage",
    "Malformed",
    "PauseMessage",
    "PingMessage",
    "ResumeMessage",
    "parse",
]

_Id = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]

_MAX_MS = 2**64 - 1


class Malformed(ValueError):
    """``code`` is a word for programs; the text is for people: what is wrong, where, and what would be right."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class _Message(msgspec.Struct, tag_field="type"):
    pass


class FilterMessage(_Message, tag="filter"):
    """Take the stream under this filter from now on; the state first, if asked. A missing or empty list is no limit."""

    nodes: list[_Id] | None = None
    types: list[str] | None = None
    shards: list[_Id] | None = None
    state: bool | None = None


class PauseMessage(_Message, tag="pause"):
    """Hold the live stream."""


class ResumeMessage(_Message, tag="resume"):
    """Go on live, or from where the stream was held."""

    catch_up: bool | None = None


class HistoryMessage(_Message, tag="history"):
    """Send the windows whose start lies in [from_ms, to_ms)."""

    # Some MessagePack encoders of JavaScript write large integers as floats.
    from_ms: int | float
    to_ms: int | float
    speed: float | None = None
    state: bool | None = None


class HistoryCancelMessage(_Message, tag="history_cancel"):
    """Send no more of the history."""


class PingMessage(_Message, tag="ping"):
    """Answer with a pong."""


ClientMessage = FilterMessage | PauseMessage | ResumeMessage | HistoryMessage | HistoryCancelMessage | PingMessage
_TYPES = [str(each.__struct_config__.tag) for each in ClientMessage.__args__]


def parse(payload: bytes, is_binary: bool) -> ClientMessage:
    """The message in ``payload``: MessagePack if ``is_binary``, else JSON in UTF-8.

    :raises Malformed: it is none.
    """
    encoding = "MessagePack" if is_binary else "JSON"
    try:
        fields = msgpack.unpackb(payload) if is_binary else msgspec.json.decode(payload)
    except (ValueError, RecursionError) as why:
        # msgpack's own errors come with an empty text as often as not.
        raise Malformed("malformed", f"not {encoding}: {str(why) or type(why).__name__}") from None
    if not isinstance(fields, dict):
        raise Malformed("malformed", f'a message is a map such as {{"type":"ping"}}, not {_described(fields)}')
    kind = fields.get("type")
    if kind not in _TYPES:
        said = f"unknown type {kind[:40]!r}" if isinstance(kind, str) else "type is missing or no string"
        raise Malformed("unknown_type", f"{said}: use one of {', '.join(_TYPES)}")
    try:
        message = msgspec.convert(fields, ClientMessage)
    except (msgspec.ValidationError, RecursionError) as why:
        raise Malformed("invalid", f"{kind}: {why}") from None
    if isinstance(message, HistoryMessage):
        _check_history(message)
    return message


def _described(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), "a value")


def _check_history(message: HistoryMessage) -> None:
    for name in ("from_ms", "to_ms"):
        value = getattr(message, name)
        if not (0 <= value <= _MAX_MS and value == int(value)):  # NaN is in no range.
            raise Malformed(
                "invalid", f"history: {name} is {str(value)[:40]}: use whole milliseconds since the Unix epoch"
            )
        setattr(message, name, int(value))
    if message.from_ms > message.to_ms:
        raise Malformed("invalid", f"history: from_ms {message.from_ms} is behind to_ms {message.to_ms}")
    if message.speed is not None and not 0 < message.speed < float("inf"):
        raise Malformed("invalid", f"history: speed is {message.speed}: use a number above 0, 1 for real time")
