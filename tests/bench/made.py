"""A log, and transcripts of readers of it, made by hand: honest ones, which a test then spoils."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

from bench.filters import SUMMARY_NAMES, Asked
from bench.law.events import Forms, id_of, slot_of
from bench.law.log import Log
from bench.law.sentences import SENTENCES
from bench.law.transcript import COUNTS, Batch, Note, Record, Transcript, read
from bench.law.walk import Walk

NODES = 2
WINDOWS = 40
EVENTS = 12
"""In a window, of each node."""
LENGTH_MS = 50
FORMS = Forms(NODES, list(SUMMARY_NAMES))
EVERYTHING = Asked("")
HEAT = Asked("", types=("heat", "lsm"))

Windows = list[tuple[int, int, list[int]]]


def windows() -> Windows:
    """Start, end, events."""
    made = []
    for number in range(WINDOWS):
        start_ms = 100_000 + number * LENGTH_MS
        seqs = range(number * EVENTS + 1, (number + 1) * EVENTS + 1)
        ids = [id_of(node, seq) for node in range(1, NODES + 1) for seq in seqs]
        made.append((start_ms, start_ms + LENGTH_MS, ids))
    return made


def position(number: int) -> str:
    """Behind so many windows."""
    return f"position-{number}"


def note(word: str, **fields: Any) -> Note:
    """Of the transcript."""
    return Note(0, word, fields)


def batch(
    made: Windows, first: int, behind: int, asked: Asked = EVERYTHING, *, is_history: bool = False
) -> Batch | None:
    """What a reader is sent of windows ``first`` to ``behind``; ``None``: nothing."""
    passing = FORMS.passing(asked)
    of = [
        (start, end, kept)
        for start, end, ids in made[first:behind]
        if (kept := [i for i in ids if passing[slot_of(i)]])
    ]
    if not of:
        return None
    ids = [event_id for _, _, kept in of for event_id in kept]
    at = None if is_history else position(behind)
    return Batch(0, of[0][0], of[-1][1], at, counts(ids), array("q", ids).tobytes(), is_history)


def counts(ids: Iterable[int]) -> tuple[int, ...]:
    """Of a summary."""
    by_type = [0] * COUNTS
    for event_id in ids:
        by_type[FORMS.counts_at[slot_of(event_id)]] += 1
    return tuple(by_type)


def with_ids(of: Batch, ids: Sequence[int], **changes: Any) -> Batch:
    """Another batch in the place of this one."""
    return replace(of, ids=array("q", ids).tobytes(), counts=counts(ids), **changes)


def opened(asked: Asked = EVERYTHING, at: int = 0, **fields: Any) -> list[Record]:
    """A connection; without ``position`` at the head of the log as it was then."""
    axes = {"types": list(asked.types), "nodes": list(asked.nodes), "shards": list(asked.shards)}
    newest_ms = windows()[at - 1][1] if at else None
    given = fields.get("position", position(at))
    return [note("connect", filter=axes, **fields), note("connected", position=given, newest_timestamp_ms=newest_ms)]


def batches(made: Windows, first: int, behind: int, asked: Asked = EVERYTHING, step: int = 1) -> list[Record]:
    """Live ones of ``step`` windows each."""
    sent = (batch(made, at, min(behind, at + step), asked) for at in range(first, behind, step))
    return [each for each in sent if each]


def gap(made: Windows, first: int, behind: int, reason: str, **fields: Any) -> Note:
    """Windows ``first`` to ``behind`` are missing."""
    from_ms = made[first - 1][1] if first else None
    to_ms = made[behind][0] if behind < len(made) else made[-1][1]
    events = sum(len(ids) for _, _, ids in made[first:behind])
    said = {"from_ms": from_ms, "to_ms": to_ms, "windows": behind - first, "events": events, "reason": reason}
    return note("gap", **said | {"position": position(behind)} | fields)


def log(oldest: Sequence[tuple[int, int]] = ()) -> Log:
    """As the reference saw it, window by window."""
    made = windows()
    return Log([*opened(), *batches(made, 0, len(made))], FORMS, oldest)


def broken(records: Sequence[Record], of: Log | None = None) -> set[str]:
    """The sentences that a transcript breaks."""
    file = BytesIO()
    Transcript(file).write(records)
    walk = Walk("reader", read(file.getvalue()), of or log())
    return {sentence for sentence, validator in SENTENCES if list(validator(walk))}


def changed(records: Sequence[Record], number: int, change: Callable[[Batch], list[Record]]) -> list[Record]:
    """With other records in the place of the batch with this number."""
    at = [index for index, record in enumerate(records) if isinstance(record, Batch)][number]
    spoiled = records[at]
    assert isinstance(spoiled, Batch)
    return [*records[:at], *change(spoiled), *records[at + 1 :]]
