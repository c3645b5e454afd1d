"""Spans of time in order, each with a number of events; bounded in number.

Where there would be too many, those that lie close together become one: what was between them is then told as
part of it. Of losses and disconnects that says less than is known, never more.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from vizd.state.columns import numbers, packed

__all__ = ["Span", "Spans", "adjacent_joined"]

Span = tuple[int, int, int]
"""Half-open, in milliseconds, and the events; these end at 2**64 - 1."""

_U64_MAX = 2**64 - 1
_FIRST_CELL_MS = 2_000


class Spans:
    """Spans that do not overlap.

    :cvar MAX: about 15 kB; an hour of losses in every tenth second fits unmerged.
    """

    MAX = 600

    def __init__(self) -> None:
        self._from = array("Q")
        self._to = array("Q")
        self._events = array("Q")

    def __iter__(self) -> Iterator[Span]:
        return zip(self._from, self._to, self._events, strict=True)

    def __len__(self) -> int:
        return len(self._from)

    def columns(self) -> tuple[bytes, ...]:
        """All there is, for ``of``."""
        return tuple(map(packed, (self._from, self._to, self._events)))

    @classmethod
    def of(cls, columns: Sequence[bytes]) -> "Spans":
        """Those of these columns."""
        spans = cls()
        spans._from, spans._to, spans._events = (numbers("Q", column) for column in columns)
        return spans

    def add(self, from_ms: int, to_ms: int, events: int = 0) -> None:
        """Add one that starts no earlier than any other; if it overlaps the newest, the two become one."""
        if self._to and from_ms < self._to[-1]:
            self._to[-1] = max(self._to[-1], to_ms)
            self._events[-1] = min(_U64_MAX, self._events[-1] + events)
            return
        self._append((from_ms, to_ms, min(_U64_MAX, events)))
        if len(self) > self.MAX:
            self._coarsen()

    def trim(self, before_ms: int) -> None:
        """Let go of those that end at this or before it."""
        count = bisect_right(self._to, before_ms)
        for column in (self._from, self._to, self._events):
            del column[:count]

    def overlapping(self, from_ms: int, to_ms: int) -> list[Span]:
        """Those that have a part in [from_ms, to_ms), whole."""
        first = bisect_right(self._to, from_ms)
        behind = bisect_left(self._from, to_ms, first)
        columns = (self._from[first:behind], self._to[first:behind], self._events[first:behind])
        return list(zip(*columns, strict=True)) if from_ms < to_ms else []

    def _append(self, span: Span) -> None:
        for column, value in zip((self._from, self._to, self._events), span, strict=True):
            column.append(value)

    def _coarsen(self) -> None:
        """To half as many at once, so that it is seldom."""
        spans, cell_ms = list(self), _FIRST_CELL_MS
        while len(spans) > self.MAX // 2:
            cells = groupby(spans, key=lambda span: span[0] // cell_ms)
            spans = [_joined(list(group)) for _, group in cells]
            cell_ms *= 2
        for column in (self._from, self._to, self._events):
            del column[:]
        for span in spans:
            self._append(span)


def _joined(spans: list[Span]) -> Span:
    return spans[0][0], spans[-1][1], min(_U64_MAX, sum(events for _, _, events in spans))


def adjacent_joined(spans: Iterable[Span]) -> list[Span]:
    """The same with those that touch made one."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1][1] == span[0]:
            span = _joined([joined.pop(), span])
        joined.append(span)
    return joined
