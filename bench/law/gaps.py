"""Two sentences on gaps: what they say is true, and each reason comes only where it may."""

from collections.abc import Iterator
from typing import Any

from bench.law.log import Log, Place
from bench.law.walk import Walk

__all__ = ["gaps_are_true", "reasons_are_where_they_may_be"]

SLACK_MS = 200
"""A lag is seen when the next window comes, and a window is longer where a tick was late."""
DEFAULT_MAX_LAG_MS = 10_000


def gaps_are_true(walk: Walk) -> Iterator[str]:
    """``events``, ``windows``, ``from_ms`` and ``to_ms`` of a gap are those of the whole log, whatever the filter."""
    for step in walk.live:
        gap = step.gap
        if gap is None:
            continue
        if gap["reason"] == "restart":
            if any(gap.get(name) is not None for name in ("from_ms", "windows", "events")):
                yield f"{gap}: of a log that is gone nothing is known"
            continue
        if step.hole is None:
            yield f"{gap}: it does not say how many events"
            continue
        for text in _untrue(walk.log, gap, *step.hole, stood=step.due):
            yield f"{gap}: {text}"


def _untrue(log: Log, gap: dict[str, Any], begins: Place, ends: Place, stood: Place) -> Iterator[str]:
    if begins.first > begins.last:
        yield f"from_ms is not where the reader stood, behind {_of(stood)} events of the log"
        return
    least, most = ends.first - begins.last, ends.last - begins.first
    if not least <= gap["events"] <= most:
        yield f"the log has {least if least == most else f'{least} to {most}'} events there"
    by_time = log.before_start(gap["to_ms"]), log.behind_end(gap["to_ms"])
    if not any(each.first <= ends.last and ends.first <= each.last for each in by_time):
        yield f"to_ms is not where it ends, behind {_of(ends)} events of the log"
    if (gap["from_ms"] or 0) > gap["to_ms"]:
        yield "it ends before it has begun"
    windows = log.pieces_between(begins.last, ends.first)
    if gap["windows"] < max(1, windows):
        yield f"the log has {max(1, windows)} windows there, or more"
    if gap["from_ms"] is not None and gap["windows"] > gap["to_ms"] - gap["from_ms"] + SLACK_MS:
        yield "so many windows don't fit in: they begin a millisecond apart, or more"


def _of(place: Place) -> str:
    return str(place.first) if place.is_exact else f"{place.first} to {place.last}"


def reasons_are_where_they_may_be(walk: Walk) -> Iterator[str]:
    """``paused`` answers a ``resume``; ``slow`` is for who falls behind by more than it allowed, and has not asked for
    the past; ``trimmed`` is what the log has let go; ``restart`` is for a position of another life. There is no other
    here."""
    connect: dict[str, Any] = {}
    resumes = has_been_live = False
    for step in walk.steps:
        gap = step.note("gap")
        if (fields := step.note("connect")) is not None:
            connect, resumes, has_been_live = fields, False, fields.get("position") is None
        elif (fields := step.note("resume")) is not None:
            resumes, has_been_live = True, has_been_live and not fields.get("catch_up")
        elif (fields := step.note("pong")) is not None:
            resumes = resumes and fields.get("behind") != "resume"
        elif step.batch is not None or step.note("position") is not None:
            has_been_live = True
        elif gap is not None:
            problem = _misplaced(walk.log, step.record.at_us, gap, connect, resumes, has_been_live)
            if problem:
                yield f"{gap}: {problem}"


def _misplaced(
    log: Log, at_us: int, gap: dict[str, Any], connect: dict[str, Any], resumes: bool, has_been_live: bool
) -> str | None:
    is_history = bool(gap.get("history"))
    if is_history and "position" in gap:
        return "a position in a history"
    max_lag_ms = DEFAULT_MAX_LAG_MS if connect.get("max_lag_ms") is None else connect["max_lag_ms"]
    match gap["reason"]:
        case "trimmed":
            # The newest window of the hole begins before the one that it ends at.
            return None if log.was_trimmed(gap["to_ms"] - 1, at_us) else "the log still had what it declares"
        case "paused" if not is_history:
            return None if resumes else "no resume has asked for it"
        case "restart" if not is_history:
            return None if connect.get("is_stranger") else "the position was one of this log"
        case "slow" if not is_history:
            if not max_lag_ms:
                return "the client has said max_lag_ms=0"
            if not has_been_live:
                return "who catches up is not slow until it was at the head"
            # Without from_ms it has waited since the log began.
            length_ms = gap["to_ms"] - gap["from_ms"] if gap["from_ms"] is not None else max_lag_ms
            return None if length_ms >= max_lag_ms - SLACK_MS else f"it was {length_ms} ms behind, of {max_lag_ms}"
        case _:
            return "nothing here is a reason for that"
