"""What a daemon says to a dashboard, typed: the wire contract, section "Dashboards out".

Times are milliseconds since the Unix epoch. An event is the map that the contract has, such as
``{"ts": 1765000000123, "node": 1, "event": {"type": "Wal", "data": {...}}}``.
"""

from typing import Any, get_args

import msgspec

__all__ = [
    "Batch",
    "Connected",
    "Disconnected",
    "Error",
    "Event",
    "FindingUpdate",
    "FromDaemon",
    "Gap",
    "HistoryEnd",
    "Message",
    "Pong",
    "PositionAt",
    "Windows",
    "message_from_json",
    "message_from_messagepack",
]

Event = dict[str, Any]


class Connected(msgspec.Struct, tag_field="type", tag="connected", frozen=True, kw_only=True):
    """The first message of a connection.

    :ivar position: where the stream begins; ``None`` where a gap or a snapshot says that.
    """

    version: str
    oldest_timestamp_ms: int | None = None
    newest_timestamp_ms: int | None = None
    server_time_ms: int = 0
    coalesce_ms: int = 50
    position: str | None = None


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the log.

    :ivar summary: how many events of each type there are, such as ``{"wal_count": 3, ...}``; with a budget, how many
        there were.
    """

    window_start: int
    window_end: int
    events: list[Event]
    summary: dict[str, int]


class Batch(msgspec.Struct, tag_field="type", tag="batch", frozen=True, kw_only=True):
    """Events, oldest first.

    :ivar snapshot: the state, and nothing that has just happened. :ivar truncated: of which keys were left out.
    :ivar history: an answer to ``history``. :ivar provisional: not stored yet, and coming again when it is.
    :ivar sent: with a budget, how many of the ``of`` events that there were.
    """

    data: Windows
    position: str | None = None
    snapshot: bool = False
    history: bool = False
    provisional: bool = False
    truncated: bool = False
    sent: int | None = None
    of: int | None = None


class Gap(msgspec.Struct, tag_field="type", tag="gap", frozen=True, kw_only=True):
    """What the stream lacks here, and why.

    :ivar windows: of the whole log, whatever the filter; ``None``: nobody knows. :ivar events: likewise.
    :ivar reason: ``trimmed``, ``paused``, ``slow``, ``restart``, ``corrupt`` or ``budget``.
    """

    reason: str
    from_ms: int | None = None
    to_ms: int | None = None
    windows: int | None = None
    events: int | None = None
    position: str | None = None
    history: bool = False


class PositionAt(msgspec.Struct, tag_field="type", tag="position", frozen=True, kw_only=True):
    """The stream has come so far, without anything for this filter."""

    position: str


class Pong(msgspec.Struct, tag_field="type", tag="pong", frozen=True, kw_only=True):
    """The answer to ``ping``: the daemon's clock."""

    timestamp_ms: int


class Error(msgspec.Struct, tag_field="type", tag="error", frozen=True, kw_only=True):
    """The daemon did not do what it was asked to; the stream goes on as before."""

    message: str
    code: str = ""


class HistoryEnd(msgspec.Struct, tag_field="type", tag="history_end", frozen=True, kw_only=True):
    """The end of the answer to ``history``."""

    from_ms: int
    to_ms: int
    batches: int
    events: int
    cancelled: bool = False


class FindingUpdate(msgspec.Struct, tag_field="type", tag="finding", frozen=True, kw_only=True):
    """What the daemon has found wrong; a later one with the same ``id`` takes its place."""

    id: str
    rule: str
    severity: str
    subject: dict[str, Any]
    first_ms: int
    last_ms: int
    open: bool
    conclusive: bool
    detail: str
    positions: list[str] = []


class Disconnected(msgspec.Struct, frozen=True, kw_only=True):
    """Not from the daemon: the connection is lost, and another one is tried.

    :ivar retry_s: when, in seconds from now.
    """

    reason: str
    retry_s: float


FromDaemon = Connected | Batch | Gap | PositionAt | Pong | Error | HistoryEnd | FindingUpdate
Message = FromDaemon | Disconnected


class _Type(msgspec.Struct):
    type: str


_KNOWN = {each.__struct_config__.tag for each in get_args(FromDaemon)}
_from_json = msgspec.json.Decoder(FromDaemon).decode
_from_messagepack = msgspec.msgpack.Decoder(FromDaemon).decode
_type_from_json = msgspec.json.Decoder(_Type).decode
_type_from_messagepack = msgspec.msgpack.Decoder(_Type).decode


def message_from_json(frame: str | bytes) -> FromDaemon | None:
    """A text frame; ``None``: of a type that a newer daemon knows.

    :raises ValueError: it is no message.
    """
    try:
        return _from_json(frame)
    except msgspec.ValidationError:
        if _type_from_json(frame).type in _KNOWN:
            raise
        return None


def message_from_messagepack(frame: bytes) -> FromDaemon | None:
    """A binary frame; as ``message_from_json``."""
    try:
        return _from_messagepack(frame)
    except msgspec.ValidationError:
        if _type_from_messagepack(frame).type in _KNOWN:
            raise
        return None
