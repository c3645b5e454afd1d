"""All transcripts of a run against the reference, and what is to be told of each kind of client."""

import mmap
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.filters import SUMMARY_NAMES
from bench.law.client import Plan
from bench.law.events import Forms
from bench.law.log import Log
from bench.law.sentences import violations
from bench.law.transcript import Record, read
from bench.law.walk import Walk

__all__ = ["Checked", "Row", "check"]


@dataclass(slots=True)
class Row:
    """One kind of client.

    :ivar messages: that the daemon sent. :ivar shown: batches of windows that were not stored yet.
    :ivar gaps: by reason. :ivar late_ms: receipt minus ``window_end`` of live batches, where the client takes
        everything at once.
    """

    kind: str
    clients: int = 0
    messages: int = 0
    shown: int = 0
    events: int = 0
    past_events: int = 0
    gaps: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    reconnects: int = 0
    filters: int = 0
    histories: int = 0
    late_ms: "array[float]" = field(default_factory=lambda: array("d"))


@dataclass(slots=True)
class Checked:
    """What the transcripts say.

    :ivar stored: events of the log, by node.
    """

    violations: list[str]
    rows: list[Row]
    stored: dict[int, int]


def check(plans: Sequence[Plan], nodes: int, oldest: Sequence[tuple[int, int]], directory: Path) -> Checked:
    """
    :param plans: of all clients, the reference first. :param oldest: see ``Log``.
    :param directory: where the transcripts are, by name.
    """
    forms = Forms(nodes, list(SUMMARY_NAMES))
    with _records(directory / plans[0].name) as records:
        log = Log(records, forms, oldest)
    found = [f"the reference: {text}" for text in log.faults]
    if log.faults:
        found.append("the reference: it has not everything, and nobody can be compared with it")
    rows: dict[str, Row] = {}
    for plan in plans:
        with _records(directory / plan.name) as records:
            walk = Walk(plan.name, records, log)
        found += violations(walk) if not log.faults else []
        kind = f"{plan.kind}, all" if plan.asked.is_open and plan.kind != "reference" else plan.kind
        _add(rows.setdefault(kind, Row(kind)), walk, plan)
        del walk  # Of a client of everything it is as big as the log: two of them need not be.
    return Checked(found, list(rows.values()), log.stored)


@contextmanager
def _records(path: Path) -> Iterator[Iterator[Record]]:
    if not path.stat().st_size:
        yield iter(())
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        yield read(mapped)


_PROMPT = ("reference", "reading")
_SENT = ("connected", "gap", "position", "history_end", "error", "pong")


def _add(row: Row, walk: Walk, plan: Plan) -> None:
    row.clients += 1
    connects = 0
    for step in walk.steps:
        if step.batch is not None:
            row.messages += 1
            row.events += step.batch.events
            if plan.kind in _PROMPT:
                row.late_ms.append(step.batch.at_us / 1000 - step.batch.end_ms)
        elif step.past is not None:
            row.messages += 1
            row.past_events += step.past.events
        elif step.note(*_SENT) is not None:
            row.messages += 1
        if (fields := step.note("gap")) is not None:
            row.gaps[f"history {fields['reason']}" if fields.get("history") else fields["reason"]] += 1
            row.missing += fields.get("events") or 0
        connects += step.note("connect") is not None
        row.shown += step.note("provisional") is not None
        row.filters += step.note("filter") is not None
        row.histories += step.note("history_end") is not None
    row.reconnects += connects - 1
