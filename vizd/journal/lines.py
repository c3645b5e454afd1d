"""From an event of ``twisted.logger`` to a line: text for people, or a JSON object for machines.

Much of what is logged was said by strangers: names of nodes, paths, reasons of closes. So nothing of a message can end
its line or hide a part of it, and nothing that looks like a token is written.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent

__all__ = ["FORMATS", "level_of", "message_of"]

MAX_MESSAGE_CHARS = 4_000
"""A stranger's text is cut before it is logged; this is for what nobody thought of."""
MAX_TRACEBACK_CHARS = 20_000
"""Of its end, where the cause stands; deep recursion makes them long."""
MAX_FIELDS = 30
MAX_FIELD_CHARS = 1_000

_UNPRINTED = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Controls, breaks of lines, marks that turn the direction of text or can't be seen, halves of a pair."""
_SECRET = re.compile(r"(?i)(\bbearer(?:[.:=]|\s|%20|\+)+|token=)[\w.~+/%=-]+")
_LEGACY = frozenset(("debug", "failure", "format", "isError", "message", "system", "time", "why"))
"""Fields that ``twisted.python.log`` adds to what it passes on."""


def level_of(event: LogEvent) -> Any:
    """Of ``LogLevel``; what has none is ``info``."""
    return event.get("log_level") or LogLevel.info


def message_of(event: LogEvent) -> str:
    """In one line, without the traceback."""
    if "log_failure" in event and event.get("log_format") == "{log_text}":
        text = str(event.get("why") or "Unhandled error")  # Its text is the traceback, which comes anyway.
    else:
        text = formatEvent(event)
    return _printed(_cut(_without_secrets(text), MAX_MESSAGE_CHARS))


def _text(event: LogEvent) -> str:
    """One line; behind that of a failure its traceback, whose lines are indented, so that none looks like a new one."""
    line = f"{_time(event)} {level_of(event).name:<5} {_source(event):<9} {message_of(event)}\n"
    traceback = _traceback(event)
    return line + "".join(f"    {_printed(each)}\n" for each in (traceback or "").splitlines())


def _json(event: LogEvent) -> str:
    """One line, in ASCII."""
    said: dict[str, Any] = {
        "time": _time(event),
        "level": level_of(event).name,
        "source": _source(event),
        "message": message_of(event),
    }
    fields = _fields(event)
    if fields:
        said["fields"] = fields
    traceback = _traceback(event)
    if traceback is not None:
        said["traceback"] = traceback
    return json.dumps(said).replace("\x7f", "\\u007f") + "\n"


FORMATS: Mapping[str, Callable[[LogEvent], str]] = {"text": _text, "json": _json}
"""By the value of ``--log-format``."""


def _time(event: LogEvent) -> str:
    """RFC 3339, UTC, in milliseconds."""
    moment = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1_000:03d}Z"


def _source(event: LogEvent) -> str:
    """The module of ours that says it; of others the whole name."""
    namespace = str(event.get("log_namespace") or "-")
    if namespace.split(".")[0] != "vizd":
        return _printed(_cut(namespace, 60))
    modules = [part for part in namespace.split(".") if part.islower() and not part.startswith("_")]
    return modules[-1]


def _traceback(event: LogEvent) -> str | None:
    failure = event.get("log_failure")
    if failure is None:
        return None
    try:
        text = failure.getTraceback()
    except Exception as why:  # An exception of somebody whose __str__ raises.
        text = f"its traceback can't be shown: {type(why).__name__}"
    return _without_secrets(text)[-MAX_TRACEBACK_CHARS:]


def _fields(event: LogEvent) -> dict[str, Any]:
    names = [name for name in event if not name.startswith("log_") and name not in _LEGACY]
    return {_cut(name, 60): _field(event[name]) for name in names[:MAX_FIELDS]}


def _field(value: object) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return _cut(_without_secrets(value.decode(errors="backslashreplace")), MAX_FIELD_CHARS)
    try:
        return _cut(_without_secrets(str(value)), MAX_FIELD_CHARS)
    except Exception as why:
        return f"<{type(value).__name__} that can't be shown: {type(why).__name__}>"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _without_secrets(text: str) -> str:
    return _SECRET.sub(r"\1[not shown]", text)


def _printed(text: str) -> str:
    def escaped(found: re.Match[str]) -> str:
        code = ord(found[0])
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    return _UNPRINTED.sub(escaped, text)
