"""From a message of the daemon to a record of the transcript. Pure; what is none of the contract is a ``fault``."""

from array import array
from typing import Any

import msgspec

from bench.filters import SUMMARY_NAMES
from bench.law.events import Forms, StrayEvent
from bench.law.transcript import Batch, Note, Record

__all__ = ["record_of"]

_COUNT_NAMES = tuple(SUMMARY_NAMES.values())
_TOLD = ("connected", "pong", "gap", "position", "history_end", "error")


class _Data(msgspec.Struct, forbid_unknown_fields=True):
    """``events`` is an array, and still encoded."""

    window_start: int
    window_end: int
    events: msgspec.Raw
    summary: dict[str, int]


class _Message(msgspec.Struct):
    type: str
    data: _Data | None = None
    position: str | None = None
    history: bool = False
    snapshot: bool = False
    provisional: bool = False


_JSON = msgspec.json.Decoder(_Message)
_PACKED = msgspec.msgpack.Decoder(_Message)
_PACKED_EVENTS = msgspec.msgpack.Decoder(list[msgspec.Raw])


def record_of(payload: bytes, is_text: bool, is_json: bool, at_us: int, forms: Forms) -> Record:
    """
    :param is_json: the encoding that the client has asked for.
    :param at_us: when it was received, microseconds since the Unix epoch.
    """
    try:
        if is_text != is_json:
            raise StrayEvent(f"a {'text' if is_text else 'binary'} message")
        message = (_JSON if is_text else _PACKED).decode(payload)
        if message.type == "batch":
            return _batch(message, is_text, at_us, forms)
        fields: dict[str, Any] = msgspec.json.decode(payload) if is_text else msgspec.msgpack.decode(payload)
        del fields["type"]
        if message.type not in _TOLD:
            raise StrayEvent(f"a message of type {message.type}: {fields}")
    except (StrayEvent, msgspec.MsgspecError) as why:
        return Note(at_us, "fault", {"why": str(why)})
    return Note(at_us, message.type, fields)


def _batch(message: _Message, is_text: bool, at_us: int, forms: Forms) -> Record:
    data = message.data
    if data is not None and message.provisional and message.position is None:
        return Note(at_us, "provisional", {"start_ms": data.window_start, "end_ms": data.window_end})
    if data is None or message.snapshot or message.provisional:
        raise StrayEvent(f"a batch that nobody asked for, with data: {data is not None}")
    if set(data.summary) != set(_COUNT_NAMES):
        raise StrayEvent(f"a summary with {list(data.summary)}")
    ids: array[int]
    if is_text:
        ids = forms.ids_from_json(bytes(data.events))
    else:
        ids = forms.ids_from_messagepack(_PACKED_EVENTS.decode(data.events))
    counts = tuple(map(data.summary.__getitem__, _COUNT_NAMES))
    return Batch(at_us, data.window_start, data.window_end, message.position, counts, ids.tobytes(), message.history)
