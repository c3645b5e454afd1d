"""Instants, as people say and read them."""

import re
import time
from datetime import UTC, datetime
from typing import Any

import click

from vizd.client.moments import MAX_MS

__all__ = ["INSTANT", "Instant", "lasting", "now_ms"]

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_AGO = re.compile(r"-?(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def now_ms() -> int:
    """Since the Unix epoch."""
    return time.time_ns() // 1_000_000


class Instant(click.ParamType):  # type: ignore[type-arg] # Generic since 8.2 only.
    """Milliseconds since the Unix epoch, ISO 8601 (UTC where no zone is said), ``now``, or ``-5m``."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value).strip()
        if text == "now":
            return now_ms()
        if text.isascii() and text.isdigit() and int(text) <= MAX_MS:
            return int(text)
        if ago := _AGO.fullmatch(text):
            return max(0, now_ms() - round(float(ago[1]) * _UNITS_MS[ago[2]]))
        try:
            moment = datetime.fromisoformat(text)
            return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000)
        except (ValueError, OverflowError):
            self.fail(
                f"{text!r}: milliseconds, 2026-01-31T12:00:00Z, now, or -5m (ms, s, m, h, d) is needed", param, ctx
            )


INSTANT = Instant()


def lasting(ms: float) -> str:
    """``4 s``, ``1 min 25 s``, ``2 h 5 min``; cut, not rounded."""
    seconds = max(0, int(ms // 1_000))
    if seconds < 60:
        return f"{seconds} s"
    for unit, size, smaller, name in ((60, 3_600, 1, ("min", "s")), (3_600, 86_400, 60, ("h", "min"))):
        if seconds < size:
            rest = seconds % unit // smaller
            return f"{seconds // unit} {name[0]}" + (f" {rest} {name[1]}" if rest else "")
    rest = seconds % 86_400 // 3_600
    return f"{seconds // 86_400} d" + (f" {rest} h" if rest else "")
