"""A transcript laid against the log: each message with where its reader stood.

Says nothing of right or wrong: the sentences do, which read what is found here.

A reader stands at a *place*: what is in front of it was delivered or declared, or was not for this reader. Nothing
before ``due.first`` may come any more, and nothing from ``due.last`` on may be left out. The two are one but where the
contract leaves room: at a stream's beginning, and at a change of filter.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.filters import Asked
from bench.law.events import node_of, seq_of, slot_of
from bench.law.log import Everything, Log, Place
from bench.law.transcript import ID_BYTES, Batch, Note, Record, ids_of

__all__ = ["Located", "Step", "Walk", "asked_of"]


@dataclass(slots=True)
class Located:
    """Where a batch's events are among those that its reader is to get: from number ``first`` to ``behind``.

    :ivar stray: what is wrong inside it, by the word of the sentence that forbids it; then the numbers are the hull.
    """

    first: int
    behind: int
    stray: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Step:
    """One record.

    :ivar connection: the number of the connection, from 1. :ivar under: what passes the filter in force.
    :ivar due: where the reader stood before it. :ivar located: of a batch.
    :ivar hole: of a gap: the places where it begins and ends; ``None`` where it has none (``restart``).
    """

    record: Record
    connection: int
    asked: Asked
    under: Everything
    due: Place
    located: Located | None = None
    hole: tuple[Place, Place] | None = None

    @property
    def batch(self) -> Batch | None:
        """The live batch that it is."""
        return self.record if isinstance(self.record, Batch) and not self.record.is_history else None

    @property
    def past(self) -> Batch | None:
        """The batch of a history that it is."""
        return self.record if isinstance(self.record, Batch) and self.record.is_history else None

    def note(self, *words: str) -> dict[str, Any] | None:
        """The fields, if it is a note with one of these words."""
        return self.record.fields if isinstance(self.record, Note) and self.record.word in words else None

    @property
    def gap(self) -> dict[str, Any] | None:
        """The live gap that it is."""
        fields = self.note("gap")
        return None if fields is None or fields.get("history") else fields


def asked_of(fields: dict[str, Any]) -> Asked:
    """The filter that a note tells of."""
    types, nodes, shards = (tuple(fields.get(axis) or ()) for axis in ("types", "nodes", "shards"))
    return Asked("", types, nodes, shards)


class Walk:
    """All steps of one client.

    :ivar name: of the client. :ivar steps: in order. :ivar stands: where it stood in the end.
    """

    def __init__(self, name: str, records: Iterable[Record], log: Log) -> None:
        self.name = name
        self.log = log
        self.asked = asked_of({})
        self.under = log.passing(self.asked)
        self.stands = Place(0, len(log))
        self._connection = 0
        self._pending: Asked | None = None
        self._history_under = self.under
        self._resumed = False
        self.steps = list(self._walk(records))

    @property
    def live(self) -> Iterator[Step]:
        """Batches, gaps and positions of the live stream."""
        return (each for each in self.steps if each.batch or each.gap is not None or each.note("position") is not None)

    def _walk(self, records: Iterable[Record]) -> Iterator[Step]:
        for record in records:
            if isinstance(record, Note):
                self._before(record)
            located = None
            if isinstance(record, Batch):
                located = self._past(record) if record.is_history else self._live(record)
            under = self._history_under if isinstance(record, Batch) and record.is_history else self.under
            step = Step(record, self._connection, self.asked, under, self.stands, located)
            self._after(step)
            yield step

    # Notes.

    def _before(self, note: Note) -> None:
        match note.word:
            case "connect":
                self._connection += 1
                self._pending = None
                self._turn_to(asked_of(note.fields.get("filter") or {}))
                self._resumed = note.fields.get("position") is not None
            case "pong" if note.fields.get("behind") == "filter" and self._pending is not None:
                self._switch(self._pending)

    def _turn_to(self, asked: Asked) -> None:
        if asked != self.asked:
            self.asked, self.under = asked, self.log.passing(asked)

    def _switch(self, asked: Asked) -> None:
        """The new filter is in force. From where on is the daemon's to choose: at the latest from the window with the
        next event that the old one lets pass."""
        upto = self.under.index(self.under.first_at(self.stands.last))
        self._turn_to(asked)
        self._pending = None
        self.stands = Place(self.stands.first, upto)

    def _after(self, step: Step) -> None:
        fields = step.gap
        if step.batch and step.located:
            self._delivered(step.batch, step.located)
        elif fields is not None:
            self._declared(step, fields)
        elif isinstance(step.record, Note):
            self._noted(step.record)

    def _noted(self, note: Note) -> None:
        match note.word:
            case "connected" if not self._resumed:
                place = self.log.place_of(note.fields.get("position"))
                if place is None:
                    place = self.log.behind_end(note.fields.get("newest_timestamp_ms"))
                    place = Place(place.first, len(self.log)) if not place.is_exact else place
                self.stands = place
            case "position":
                place = self.log.place_of(note.fields.get("position"))
                if place is not None:
                    self.stands = place
            case "filter":
                self._pending = asked_of(note.fields)
            case "history":
                # The daemon obeys in order, and a client that asks for histories waits for a filter's pong.
                self._history_under = self.under

    # Batches.

    def _live(self, batch: Batch) -> Located:
        first = self.under.first_at(self.stands.first)
        if self.under.matches(first, batch.ids):
            return Located(first, first + batch.events)
        found = self._find(self.under, batch)
        if found.stray and self._pending is not None:
            other = self._find(self.log.passing(self._pending), batch)
            if not other.stray:
                self._switch(self._pending)
                return other
        return found

    def _past(self, batch: Batch) -> Located:
        return self._find(self._history_under, batch)

    def _find(self, under: Everything, batch: Batch) -> Located:
        index = self.log.index_of(int.from_bytes(batch.ids[:ID_BYTES], sys.byteorder))
        if index is not None:
            first = under.first_at(index)
            if under.index(first) == index and under.matches(first, batch.ids):
                return Located(first, first + batch.events)
        return self._examine(under, batch)

    def _examine(self, under: Everything, batch: Batch) -> Located:
        """Event by event, since something is wrong."""
        numbers: list[int] = []
        stray: dict[str, str] = {}
        for event_id in ids_of(batch):
            index = self.log.index_of(event_id)
            which = f"event {seq_of(event_id)} of node {node_of(event_id)}"
            if index is None:
                stray.setdefault("unknown", f"{which} is not in the log")
            elif not under.lets_pass(slot_of(event_id)):
                stray.setdefault("filter", f"{which} does not pass the filter")
            else:
                number = under.first_at(index)
                if numbers and number == numbers[-1]:
                    stray.setdefault("twice", f"{which} is there twice")
                elif numbers and number < numbers[-1]:
                    stray.setdefault("order", f"{which} comes too late")
                numbers.append(number)
        if not numbers:
            at = under.first_at(self.stands.first)
            return Located(at, at, stray)
        first, behind = min(numbers), max(numbers) + 1
        missing = behind - first - len(set(numbers))
        if missing:
            stray["missing"] = f"{missing} events in the middle of it are missing"
        return Located(first, behind, stray)

    def _delivered(self, batch: Batch, located: Located) -> None:
        behind = max(self.stands.first, self.under.index(located.behind - 1) + 1 if located.behind else 0)
        upto = self.under.index(self.under.first_at(behind))
        place = self.log.place_of(batch.position)
        # A position says more: how far it has looked without finding anything.
        self.stands = place if place is not None and behind <= place.first <= upto else Place(behind, behind)

    # Gaps.

    def _declared(self, step: Step, gap: dict[str, Any]) -> None:
        behind = self.log.place_of(gap.get("position"))
        if gap.get("events") is None:
            behind = behind or self.log.behind_end(gap["to_ms"])
            self.stands = behind if behind.is_exact else Place(behind.first, len(self.log))
            return
        # It begins where the reader stood, or where it had come to without finding anything for its filter.
        begins = self.log.behind_end(gap["from_ms"])
        upto = self.under.index(self.under.first_at(self.stands.last))
        begins = Place(max(begins.first, self.stands.first), min(begins.last, upto))
        ends = behind or self.log.before_start(gap["to_ms"])
        step.hole = begins, ends
        if not ends.is_exact and begins.first <= begins.last:
            narrower = Place(max(ends.first, begins.first + gap["events"]), min(ends.last, begins.last + gap["events"]))
            ends = narrower if narrower.first <= narrower.last else ends
        self.stands = Place(max(self.stands.first, ends.first), max(self.stands.first, ends.last))
