"""The sentence on histories: a history is a second cursor over a part of the log."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.law.log import Everything, Log, Place
from bench.law.transcript import Batch
from bench.law.walk import Located, Walk

__all__ = ["histories_are_the_log"]

PACE_SLACK_MS = 500
"""The first batch of a history may have waited for its client on a busy machine."""


@dataclass(slots=True)
class _Asked:
    """A request, and how far it has come.

    :ivar begins: in the log; ``ends`` too. :ivar due: the number of the next event, as far as that is known.
    """

    fields: dict[str, Any]
    under: Everything
    begins: Place
    ends: Place
    due: Place
    is_cancelled: bool = False
    batches: int = 0
    events: int = 0
    first: Batch | None = None
    last_ms: int = -1

    @classmethod
    def of(cls, fields: dict[str, Any], under: Everything, log: Log) -> "_Asked":
        """The range is that of windows, by their start."""
        begins, ends = (log.before_start(fields[name]) for name in ("from_ms", "to_ms"))
        return cls(fields, under, begins, ends, Place(under.first_at(begins.first), under.first_at(begins.last)))


def histories_are_the_log(walk: Walk) -> Iterator[str]:
    """Every window that begins in the range comes, oldest first, each once, or is declared missing; and
    ``history_end`` comes, and counts what came."""
    waiting: list[_Asked] = []
    for step in walk.steps:
        if (fields := step.note("history")) is not None:
            for each in waiting:
                each.is_cancelled = True
            waiting.append(_Asked.of(fields, step.under, walk.log))
        elif step.note("history_cancel") is not None:
            for each in waiting:
                each.is_cancelled = True
        elif step.note("connect", "left", "closed") is not None:
            waiting.clear()
        elif step.past is not None and step.located is not None:
            if waiting:
                yield from _batch(waiting[0], step.past, step.located)
            else:
                yield f"a batch of a history that nobody asked for, {step.past.start_ms}..{step.past.end_ms}"
        elif (fields := step.note("gap")) is not None and fields.get("history"):
            if waiting:
                yield from _gap(waiting[0], fields, walk.log)
            else:
                yield f"a gap of a history that nobody asked for: {fields}"
        elif (fields := step.note("history_end")) is not None:
            if waiting:
                yield from _end(waiting.pop(0), fields)
            else:
                yield f"the end of a history that nobody asked for: {fields}"
        elif step.note("finished") is not None and waiting:
            yield f"no history_end came for {waiting[0].fields}"


def _batch(asked: _Asked, batch: Batch, located: Located) -> Iterator[str]:
    name = f"history {asked.fields}: {batch.start_ms}..{batch.end_ms}"
    if batch.position is not None:
        yield f"{name}: it has a position"
    if not asked.fields["from_ms"] <= batch.start_ms < asked.fields["to_ms"]:
        yield f"{name}: it is not in the range"
    if batch.start_ms <= asked.last_ms:
        yield f"{name}: it comes behind one that starts at {asked.last_ms}"
    for text in located.stray.values():
        yield f"{name}: {text}"
    if located.first > asked.due.last:
        yield f"{name}: {located.first - asked.due.last} events in front of it are missing"
    if located.first < asked.due.first:
        yield f"{name}: it begins {asked.due.first - located.first} events too early"
    asked.due = Place(located.behind, located.behind)
    asked.batches += 1
    asked.events += batch.events
    asked.last_ms = batch.start_ms
    asked.first = asked.first or batch
    speed = asked.fields.get("speed")
    if speed:
        due_us = ((batch.start_ms - asked.first.start_ms) / speed - PACE_SLACK_MS) * 1000
        if batch.at_us - asked.first.at_us < due_us:
            yield f"{name}: it comes {(due_us - batch.at_us + asked.first.at_us) / 1000:.0f} ms too early"


def _gap(asked: _Asked, gap: dict[str, Any], log: Log) -> Iterator[str]:
    name = f"history {asked.fields}: {gap}"
    ends = log.before_start(gap["to_ms"])
    if gap.get("events") is None:
        # Of what was trimmed before the request the log knows when it ended, and not how much it was.
        if asked.batches or gap["from_ms"] != asked.fields["from_ms"]:
            yield f"{name}: it does not say how many events"
    else:
        begins = log.behind_end(gap["from_ms"])
        if not ends.first - begins.last <= gap["events"] <= ends.last - begins.first:
            yield f"{name}: the log has {ends.first - begins.last} to {ends.last - begins.first} events there"
        if asked.under.first_at(begins.first) > asked.due.last:
            yield f"{name}: events in front of the hole are missing"
    first, last = (asked.under.first_at(each) for each in ends)
    asked.due = Place(max(asked.due.first, first), max(asked.due.last, last))


def _end(asked: _Asked, end: dict[str, Any]) -> Iterator[str]:
    name = f"history {asked.fields}: {end}"
    if any(end[each] != asked.fields[each] for each in ("from_ms", "to_ms")):
        yield f"{name}: it is the end of another"
    if (end["batches"], end["events"]) != (asked.batches, asked.events):
        yield f"{name}: {asked.batches} batches and {asked.events} events came"
    if end["cancelled"] and not asked.is_cancelled:
        yield f"{name}: nobody has cancelled it"
    missing = asked.under.first_at(asked.ends.first) - asked.due.last
    if missing > 0 and not end["cancelled"]:
        yield f"{name}: {missing} events at its end are missing"
    if asked.batches and asked.due.first > asked.under.first_at(asked.ends.last):
        yield f"{name}: it goes on behind its range"
