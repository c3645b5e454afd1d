"""An instant as people read it."""

from datetime import UTC, datetime

__all__ = ["MAX_MS", "clock"]

MAX_MS = 253_402_300_799_999
"""The end of the year 9999, in milliseconds since the Unix epoch."""


def clock(ms: int | None) -> str:
    """``2026-01-31T12:00:00.000Z``; what is not known is ``-``."""
    if ms is None or not 0 <= ms <= MAX_MS:
        return "-" if ms is None else f"{ms} ms"
    seconds, rest = divmod(ms, 1_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
