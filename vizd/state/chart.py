"""``/api/timeline``: a timeline as JSON, made in slices so that nobody is held up by it.

Every array has one value a step, and ``null`` where there is no data.

- ``counts``: events by type. ``null`` where the daemon made no window at all; what no window covers has no
  ``coverage`` either.
- ``fsync_p50``, ``fsync_p99``: ms, at most ``histogram.ERROR`` off; ``fsync_max``: ms, exact.
- ``pressure``: the highest ratio of any WritePressureUpdate in the step.
- ``liveness``: at the end of the step, by Swim: ``alive``, ``suspect``, ``confirm``, ``leave``; where Swim had said
  nothing yet ``connected`` or ``unknown``, by the node's stream.
- ``coverage``: the worst in the step, see ``Covered.word``.

Fsyncs and pressure are told under the node that they are about; nodes without any value are left out.
"""

import json
from collections.abc import Collection, Iterator
from itertools import groupby
from operator import add
from typing import Any

from vizd.events.catalogue import TYPES
from vizd.events.numbers import f32_text
from vizd.state.reading import Reading
from vizd.state.steps import Steps
from vizd.state.timeline import COUNTS, LIVENESS, Subject, Timeline

__all__ = ["chart"]

_RECORDS_PER_SLICE = 100
"""About 1 ms."""
_RECORDS_PER_PART = 25
_VALUES_PER_RECORD = 25
"""As JSON, in the time that it takes to read a record."""
_BEFORE_ANYTHING_S = 1
_NOTHING = (0,) * len(TYPES)

_Part = tuple[int, bytes]
"""What it has cost, in records; and text, which may be empty."""


def chart(timeline: Timeline, steps: Steps | None, nodes: Collection[int] = ()) -> Iterator[bytes]:
    """The answer in slices; some are empty. In between the timeline may be folded on.

    :param steps: of ``timeline.steps``. :param nodes: only these; none: all. The counts are of the whole log.
    """
    timeline.flush()
    texts, cost = [], 0
    for part_cost, text in _Chart(timeline, steps or Steps(0, _BEFORE_ANYTHING_S, 0), nodes).parts(steps is None):
        texts.append(text)
        cost += part_cost
        if cost >= _RECORDS_PER_SLICE:
            yield b"".join(texts)
            texts, cost = [], 0
    yield b"".join(texts)


class _Chart:
    def __init__(self, timeline: Timeline, steps: Steps, nodes: Collection[int]) -> None:
        self._timeline = timeline
        self._coverage = timeline.coverage
        self._steps = steps
        self._from_ms = steps.from_s * 1_000
        self._step_ms = steps.step_s * 1_000
        known = {*timeline.subjects, *timeline.coverage} if steps.count else set()
        self._nodes = sorted(known.intersection(nodes) if nodes else known)
        self._counts: list[tuple[int, ...] | None] = [None] * steps.count
        self._before_node = b""

    def parts(self, is_empty: bool) -> Iterator[_Part]:
        begin = {"from": None if is_empty else self._from_ms, "step_ms": self._step_ms}
        yield 0, _json(begin)[:-1] + b',"counts":{'
        yield from self._count()
        empty = (None,) * len(TYPES)
        columns = zip(*(row or empty for row in self._counts), strict=True) if self._counts else [()] * len(TYPES)
        for event_type, column in zip(TYPES, columns, strict=True):
            yield self._column(event_type.count, column, is_first=not event_type.index)
        yield 0, b'},"nodes":['
        for node in self._nodes:
            yield 1, b""
            yield from self._node(node)
        yield 0, b'],"truncated":true}' if self._timeline.truncated else b"]}"

    def _count(self) -> Iterator[_Part]:
        steps, counts = self._steps, self._counts
        for number, (second, record) in enumerate(self._timeline.counts.read(steps.from_s, steps.to_s, steps.step_s)):
            index, row = steps.index(second), COUNTS.unpack(record)
            before = counts[index]
            counts[index] = row if before is None else tuple(map(add, before, row))
            if number % _RECORDS_PER_PART == 0:
                yield _RECORDS_PER_PART, b""
        for second in self._timeline.silent:
            index = steps.index(second)
            if 0 <= index < steps.count:
                counts[index] = counts[index] or _NOTHING

    def _node(self, node: int) -> Iterator[_Part]:
        """An object; nothing, if it has no value."""
        columns: dict[str, list[Any]] = {
            name: [None] * self._steps.count for name in ("fsync_p50", "fsync_p99", "fsync_max", "pressure")
        }
        subject = self._timeline.subjects.get(node)
        is_heard_of = False
        if subject is not None:
            for cost in self._read(subject, columns):
                is_heard_of = True
                yield cost, b""
        columns["liveness"] = self._liveness(node, subject)
        columns["coverage"] = self._covered(node)
        if not is_heard_of and not any(columns["liveness"]) and not any(columns["coverage"]):
            return
        yield 0, self._before_node + _json({"node": node, "name": self._coverage.name(node)})[:-1]
        self._before_node = b","
        for name, column in columns.items():
            yield self._column(name, column)
        yield 0, b"}"

    def _read(self, subject: Subject, columns: dict[str, list[Any]]) -> Iterator[int]:
        steps = self._steps
        p50, p99, longest, pressure = columns.values()
        cost = 0
        records = subject.readings.read(steps.from_s, steps.to_s, steps.step_s)
        for index, group in groupby(records, key=lambda each: steps.index(each[0])):
            reading = Reading()
            for _, record in group:
                reading.add(record)
                cost += 1
            cost += 1
            if reading.bins:
                p50[index], p99[index] = reading.percentiles(50, 99)
                longest[index] = reading.longest_ms
            if reading.pressure is not None:
                pressure[index] = float(f32_text(reading.pressure))
            if cost >= _RECORDS_PER_PART:
                yield cost
                cost = 0
        if cost:
            yield cost

    def _liveness(self, node: int, subject: Subject | None) -> list[str | None]:
        steps = self._steps
        by_marks = self._coverage.connected(node, self._from_ms, self._step_ms, steps.count)
        told = [None if is_open is None else "connected" if is_open else "unknown" for is_open in by_marks]
        if subject is not None:
            by_swim = subject.liveness.at_ends(steps.from_s, steps.step_s, steps.count)
            told = [word if state is None else LIVENESS[state] for word, state in zip(told, by_swim, strict=True)]
        return told

    def _covered(self, node: int) -> list[str | None]:
        words = self._coverage.words(node, self._from_ms, self._step_ms, self._steps.count)
        return [None if row is None else word for row, word in zip(self._counts, words, strict=True)]

    def _column(self, name: str, values: Collection[Any], *, is_first: bool = False) -> _Part:
        text = b'"%s":%s' % (name.encode(), _json(values))
        return len(values) // _VALUES_PER_RECORD, text if is_first else b"," + text


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
