"""Any history of a log, against a plain list of all windows that ever were.

It knows a log through ``ILog`` only, so it serves for every kind whose reading does not wait.
"""

import bisect
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.log.drafts import mark
from vizd.events.catalogue import KINDS
from vizd.events.facet import Facet, Facets
from vizd.log.interfaces import ILog
from vizd.log.window import START, Draft, Gap, PageLimits, Position, Window

T = TypeVar("T")
_FACETS = Facets()
FSYNC, ALIVE, HEAT = (
    next(kind for kind in KINDS if str(kind) == name) for name in ("Wal.Fsync", "Swim.Alive", "SlotHeat")
)
EVENTS = st.lists(
    st.builds(
        _FACETS.of,
        st.sampled_from([FSYNC, FSYNC, FSYNC, ALIVE, HEAT]),
        st.sampled_from([(1,), (2,), (1, 2)]),
        st.sampled_from([None, 0, 7]),
    ),
    max_size=12,
)
LIMITS = st.builds(PageLimits, windows=st.integers(1, 5), scanned=st.integers(1, 8), memory_bytes=st.integers(1, 9_000))


@dataclass(frozen=True)
class Wanted:
    """A reader's filter. Asked of a window, or of anything that says what occurs in it.

    :ivar types: a bit mask; 0: any. :ivar nodes: any of these; none: any. :ivar empty: windows without events too.
    """

    types: int = 0
    nodes: frozenset[int] = frozenset()
    empty: bool = False

    def __call__(self, summary: Any) -> bool:
        if self.empty:
            return True
        return bool(
            summary.types
            and (not self.types or summary.types & self.types)
            and (not self.nodes or self.nodes & summary.nodes)
        )

    def of(self, facets: Any, fragments: Any) -> list[bytes]:
        """The events that match."""
        return [fragment for facet, fragment in zip(facets, fragments, strict=True) if self.matches(facet)]

    def matches(self, facet: Facet) -> bool:
        """Whether one event does."""
        fits_type = not self.types or bool(self.types >> facet.kind.type.index & 1)
        return fits_type and (not self.nodes or not self.nodes.isdisjoint(facet.nodes))


WANTED = st.one_of(
    st.just(Wanted(empty=True)),
    st.builds(
        Wanted,
        st.integers(0, 7).map(
            lambda bits: sum(
                1 << kind.type.index for place, kind in enumerate((FSYNC, ALIVE, HEAT)) if bits >> place & 1
            )
        ),
        st.sets(st.integers(1, 3)).map(frozenset),
    ),
)


@dataclass(frozen=True)
class Past:
    """What the model knows of a window."""

    start_ms: int
    end_ms: int
    draft: Draft
    events_before: int

    @property
    def events(self) -> int:
        return len(self.draft.fragments)


class LogMachine(RuleBasedStateMachine):
    """A subclass says how to make a log, with bounds that a short run comes to."""

    MAX_AGE_MS = 2_000
    MAX_BYTES = 12_000
    OVERHEAD_BYTES = 0
    """What an append may add to the log's memory beside its window: the frame of a block, say."""

    def make(self) -> ILog:
        """An empty log with these bounds."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.log = self.make()
        self.model: list[Past] = []
        self.trimmed = 0
        self.heard: list[tuple[int, list[bytes]]] = []
        self.log.listen(lambda window: self.heard.append((window.seq, list(window.fragments))))
        self.clock_ms = 10_000

    @rule(
        steps=st.lists(
            st.tuples(st.integers(-4_000, 4_000) | st.integers(0, 100), st.integers(0, 60), EVENTS),
            min_size=1,
            max_size=6,
        )
    )
    def append(self, steps: list[tuple[int, int, list[Facet]]]) -> None:
        for step_ms, length_ms, facets in steps:
            self.clock_ms += step_ms
            seq = len(self.model) + 1
            fragments = [b'{"ts":%d,"is":%d}' % (seq, number) for number in range(len(facets))]
            given = Draft(self.clock_ms, length_ms, facets, fragments, [mark(seq, len(facets))])
            start_ms = max(self.clock_ms, self.model[-1].start_ms + 1) if self.model else self.clock_ms
            end_ms = start_ms + max(length_ms, 1)
            before_bytes = self.log.memory_bytes
            self.log.append(given)
            self.model.append(Past(start_ms, end_ms, given, self.position(seq - 1).total_events))
            self.check_what_was_trimmed(before_bytes)

    def check_what_was_trimmed(self, before_bytes: int) -> None:
        before, self.trimmed = self.trimmed, self.log.oldest.seq
        assert before <= self.trimmed < len(self.model), "only the oldest go, and the newest stays"
        newest = Window(1, 0, "", self.model[-1].draft, 0)
        was_too_much = before_bytes + newest.memory_bytes + self.OVERHEAD_BYTES > self.MAX_BYTES
        if self.trimmed > before and not was_too_much:
            last = self.model[self.trimmed - 1]
            assert last.end_ms < self.model[-1].end_ms - self.MAX_AGE_MS, "it was neither too old nor too much"
        assert self.log.memory_bytes <= self.MAX_BYTES or self.trimmed == len(self.model) - 1

    @invariant()
    def what_is_left_is_the_end_of_the_list(self) -> None:
        kept: list[Window] = []
        position = self.log.oldest
        while position.seq < self.log.tail.seq:
            page = now(self.log.read(position, self.log.tail, Wanted(empty=True)))
            kept += page.windows
            position = page.position
        while (window := self.log.after(position)) is not None:
            kept.append(window)
            position = window.position
        assert [window.seq for window in kept] == list(range(self.trimmed + 1, len(self.model) + 1))
        for window, past in zip(kept, self.model[self.trimmed :], strict=True):
            assert (window.start_ms, window.end_ms) == (past.start_ms, past.end_ms)
            assert list(window.fragments) == list(past.draft.fragments)
            assert list(window.marks) == list(past.draft.marks)
            assert [(each.kind, each.nodes, each.shard) for each in window.facets] == [
                (each.kind, each.nodes, each.shard) for each in past.draft.facets
            ]
            plain = Window(window.seq, 0, "", past.draft, 0)
            assert (window.counts, window.types) == (plain.counts, plain.types)
            assert (window.nodes, window.shards) == (plain.nodes, plain.shards)
            assert window.position == self.position(window.seq)

    @invariant()
    def positions_count_events_and_windows(self) -> None:
        assert self.log.head == self.position(len(self.model))
        assert self.log.oldest == self.position(self.trimmed)

    @invariant()
    def the_times_of_events_are_those_of_windows_with_events(self) -> None:
        busy = [past for past in self.model[self.trimmed :] if past.events]
        assert self.log.oldest_event_ms == (busy[0].start_ms if busy else None)
        assert self.log.newest_event_ms == (busy[-1].end_ms if busy else None)

    @invariant()
    def every_append_was_heard_once(self) -> None:
        assert self.heard == [(seq, list(past.draft.fragments)) for seq, past in enumerate(self.model, 1)]

    @precondition(lambda self: self.model)
    @rule(data=st.data(), limits=LIMITS, wanted=WANTED)
    def read_from_anywhere_to_anywhere(self, data: st.DataObject, limits: PageLimits, wanted: Wanted) -> None:
        begin = data.draw(st.integers(0, len(self.model)))
        stop = data.draw(st.integers(begin, len(self.model)))
        position = self.position(begin)
        gaps: list[Gap] = []
        windows: list[Window] = []
        while position.seq < stop:
            page = now(self.log.read(position, self.position(stop), wanted, limits))
            assert len(page.windows) <= limits.windows
            assert page.position.seq > position.seq
            gaps += [page.gap] if page.gap else []
            windows += page.windows
            position = page.position
        assert position == self.position(max(begin, stop))
        first = min(max(begin, self.trimmed), stop)
        if begin < first:
            events = self.position(first).total_events - self.position(begin).total_events
            to_ms = self.position(stop).end_ms if first < self.trimmed else self.model[first].start_ms
            assert gaps == [Gap(self.position(begin).end_ms, to_ms, first - begin, events, "trimmed")]
        else:
            assert gaps == []
        seqs = [window.seq for window in windows]
        assert seqs == sorted(set(seqs))
        assert all(first < seq <= stop for seq in seqs)
        matching = {
            seq: found
            for seq, past in enumerate(self.model[first:stop], first + 1)
            if (found := wanted.of(past.draft.facets, past.draft.fragments)) or wanted.empty
        }
        got = {window.seq: wanted.of(window.facets, window.fragments) for window in windows}
        assert {seq: found for seq, found in got.items() if found or wanted.empty} == matching

    @rule(at_ms=st.integers(0, 40_000))
    def look_up_a_time(self, at_ms: int) -> None:
        starts = [past.start_ms for past in self.model[self.trimmed :]]
        assert self.log.before_ms(at_ms) == self.position(self.trimmed + bisect.bisect_left(starts, at_ms))

    @precondition(lambda self: self.log.tail.seq)
    @rule(data=st.data())
    def step_to_a_window_that_is_not_among_the_newest(self, data: st.DataObject) -> None:
        seq = data.draw(st.integers(0, self.log.tail.seq - 1))
        try:
            found = self.log.after(self.position(seq))
        except LookupError:
            return
        raise AssertionError(f"window {seq + 1} is in front of the tail, yet {found} came")

    def position(self, seq: int) -> Position:
        """Behind the window ``seq``, whether it has been trimmed or not."""
        if not seq:
            return START
        past = self.model[seq - 1]
        return Position(seq, past.events_before + past.events, past.end_ms)


def now(reading: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that does not wait."""
    try:
        reading.send(None)
    except StopIteration as finished:
        result: T = finished.value
        return result
    raise AssertionError("it must not wait")
