"""What a reader does not get of the log, and how the wire contract writes it."""

from typing import Any

from vizd.log.interfaces import ILog
from vizd.log.window import Gap, Position

__all__ = ["GAP_REASONS", "gap_fields", "skipped", "trimmed_before"]

GAP_REASONS = ("trimmed", "paused", "slow", "restart", "corrupt", "budget")
"""All that the wire contract knows."""


def gap_fields(gap: Gap) -> dict[str, Any]:
    """A gap as the wire contract writes it."""
    return {
        "from_ms": gap.from_ms,
        "to_ms": gap.to_ms,
        "windows": gap.windows,
        "events": gap.events,
        "reason": gap.reason,
    }


def skipped(log: ILog, left: Position, entered: Position, reason: str) -> Gap | None:
    """What a live reader misses who goes on at ``entered``, the oldest place or the head; ``None``: nothing."""
    is_oldest = entered.seq == log.oldest.seq
    to_ms = log.oldest_start_ms if is_oldest else entered.end_ms  # Else the next one is yet to come.
    return Gap.between(left, entered, to_ms, reason)


def trimmed_before(log: ILog, from_ms: int, to_ms: int | None) -> Gap | None:
    """What a range has lost before anybody asked for it.

    How much that was is not known any more: the log remembers where it was trimmed, not what lay in front of that.

    :param to_ms: the range's end; ``None``: the head.
    """
    oldest_ms = log.oldest_start_ms
    if log.oldest.end_ms is None or log.oldest.end_ms <= from_ms or from_ms == to_ms or oldest_ms is None:
        return None
    return Gap(from_ms, oldest_ms if to_ms is None else min(oldest_ms, to_ms), None, None, "trimmed")
