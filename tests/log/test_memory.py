"""The log in plain memory keeps the contract, against a plain list as its model."""

import bisect
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from twisted.trial.unittest import TestCase

from tests.log.contract import LogContract
from tests.log.drafts import draft
from vizd.log import memory
from vizd.log.interfaces import ILog
from vizd.log.memory import MemoryLog
from vizd.log.window import START, Gap, PageLimits, Window

T = TypeVar("T")


class MemoryLogContract(LogContract, TestCase):
    async def make(self, *, max_age_ms: int = 3_600_000, max_bytes: int = 1 << 30) -> ILog:
        return MemoryLog("here", max_age_ms, max_bytes)


class MemoryLogTests(TestCase):
    def test_windows_say_which_daemon_made_them(self) -> None:
        log = MemoryLog("here", 1_000, 1 << 20)
        log.append(draft())
        self.assertEqual(log.after(START).origin, "here")

    def test_trimming_is_spread_over_appends_so_that_none_takes_long(self) -> None:
        log = MemoryLog("here", 1_000, 1 << 30)
        for number in range(1_000):
            log.append(draft(number))
        kept = [log.head.seq - log.oldest.seq]
        while log.oldest.seq < 1_000 and len(kept) < 100:
            log.append(draft(10**6 + len(kept)))
            kept.append(log.head.seq - log.oldest.seq)
        self.assertLess(len(kept), 100, "all is trimmed in the end")
        self.assertTrue(all(before - after < 250 for before, after in pairwise(kept)))

    def test_slots_of_trimmed_windows_are_given_back(self) -> None:
        self.patch(memory, "_MAX_DEAD_SLOTS", 16)
        log = MemoryLog("here", 1_000, 1 << 30)
        for number in range(2_000):
            log.append(draft(50 * number, number % 3))
            self.assertLessEqual(len(log._windows), 22 + 17)
        self.assertEqual([window.seq for window in windows_of(log)], list(range(log.oldest.seq + 1, 2_001)))

    def test_memory_is_that_of_the_windows_that_are_left(self) -> None:
        log = MemoryLog("here", 1_000, 1 << 30)
        for number in range(200):
            log.append(draft(50 * number, number % 7))
        self.assertEqual(log.memory_bytes, sum(window.memory_bytes for window in windows_of(log)))


def windows_of(log: MemoryLog) -> list[Window]:
    windows, position = [], log.oldest
    while (window := log.after(position)) is not None:
        windows.append(window)
        position = window.position
    return windows


def now(reading: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that does not wait."""
    try:
        reading.send(None)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]
    raise AssertionError("the memory log must not wait")


FILTERS: list[Callable[[Window], bool]] = [
    lambda window: True,
    lambda window: False,
    lambda window: bool(window.fragments),
    lambda window: window.seq % 3 == 0,
]
LIMITS = st.builds(PageLimits, windows=st.integers(1, 5), scanned=st.integers(1, 8), memory_bytes=st.integers(1, 9_000))


class LogMachine(RuleBasedStateMachine):
    """The model is a list of all windows that ever were, each ``(start_ms, end_ms, events)``."""

    MAX_AGE_MS = 2_000
    MAX_BYTES = 12_000
    DEAD_SLOTS = 3

    def __init__(self) -> None:
        super().__init__()
        self.before = memory._MAX_DEAD_SLOTS
        memory._MAX_DEAD_SLOTS = self.DEAD_SLOTS  # So that a short run comes to it.
        self.log = MemoryLog("here", self.MAX_AGE_MS, self.MAX_BYTES)
        self.model: list[tuple[int, int, int]] = []
        self.trimmed = 0
        self.heard: list[Window] = []
        self.log.listen(self.heard.append)
        self.clock_ms = 10_000

    def teardown(self) -> None:
        memory._MAX_DEAD_SLOTS = self.before

    @rule(
        step_ms=st.integers(-4_000, 4_000) | st.integers(0, 100),
        length_ms=st.integers(0, 60),
        events=st.integers(0, 40),
    )
    def append(self, step_ms: int, length_ms: int, events: int) -> None:
        self.clock_ms += step_ms
        self.log.append(draft(self.clock_ms, events, length_ms))
        start_ms = max(self.clock_ms, self.model[-1][0] + 1) if self.model else self.clock_ms
        self.model.append((start_ms, start_ms + max(length_ms, 1), events))
        too_old_ms = self.model[-1][1] - self.MAX_AGE_MS
        while self.trimmed < len(self.model) - 1 and (
            self.model[self.trimmed][1] < too_old_ms
            or sum(window.memory_bytes for window in self.heard[self.trimmed :]) > self.MAX_BYTES
        ):
            self.trimmed += 1

    @invariant()
    def what_is_left_is_the_end_of_the_model(self) -> None:
        kept = windows_of(self.log)
        said = [(window.start_ms, window.end_ms, len(window.fragments)) for window in kept]
        assert said == self.model[self.trimmed :]
        assert [window.seq for window in kept] == list(range(self.trimmed + 1, len(self.model) + 1))

    @invariant()
    def exactly_what_is_too_old_or_too_much_is_trimmed(self) -> None:
        kept = windows_of(self.log)
        assert self.log.memory_bytes == sum(window.memory_bytes for window in kept)
        assert self.log.oldest.seq == self.trimmed

    @invariant()
    def positions_count_events_and_windows(self) -> None:
        assert self.log.head.seq == len(self.model)
        assert self.log.head.total_events == sum(events for _start, _end, events in self.model)
        assert self.log.oldest.total_events == sum(events for _start, _end, events in self.model[: self.trimmed])

    @invariant()
    def the_times_of_events_are_those_of_windows_with_events(self) -> None:
        busy = [window for window in self.model[self.trimmed :] if window[2]]
        assert self.log.oldest_event_ms == (busy[0][0] if busy else None)
        assert self.log.newest_event_ms == (busy[-1][1] if busy else None)

    @invariant()
    def every_append_was_heard_once(self) -> None:
        assert [window.seq for window in self.heard] == list(range(1, len(self.model) + 1))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), limits=LIMITS, wanted=st.sampled_from(FILTERS))
    def read_from_anywhere_to_anywhere(self, data: st.DataObject, limits: PageLimits, wanted: Any) -> None:
        begin = data.draw(st.integers(0, len(self.model)))
        stop = data.draw(st.integers(max(begin, self.trimmed), len(self.model)))
        position = self.position(begin)
        missed, got, steps = [], [], 0
        while position.seq < stop:
            page = now(self.log.read(position, stop, wanted, limits))
            assert len(page.windows) <= limits.windows
            missed += [page.gap] if page.gap else []
            got += [window.seq for window in page.windows]
            assert page.position.seq > position.seq
            position = page.position
            steps += 1
        assert position.seq == stop
        first = max(begin, self.trimmed)
        hole = self.model[begin:first]
        expected = (
            [
                Gap(
                    self.position(begin).end_ms,
                    self.model[first][0],
                    len(hole),
                    sum(each[2] for each in hole),
                    "trimmed",
                )
            ]
            if hole and begin < stop
            else []
        )
        assert missed == expected
        assert got == [window.seq for window in windows_of(self.log) if first < window.seq <= stop and wanted(window)]

    @rule(at_ms=st.integers(0, 40_000))
    def look_up_a_time(self, at_ms: int) -> None:
        starts = [start_ms for start_ms, _end, _events in self.model[self.trimmed :]]
        assert self.log.before_ms(at_ms).seq == self.trimmed + bisect.bisect_left(starts, at_ms)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def step_behind_any_position(self, data: st.DataObject) -> None:
        seq = data.draw(st.integers(0, len(self.model)))
        position = self.position(seq)
        if seq < self.trimmed:
            try:
                found = self.log.after(position)
            except LookupError:
                return
            raise AssertionError(f"window {seq + 1} was trimmed, yet {found} came")
        window = self.log.after(position)
        assert (window.seq if window else None) == (seq + 1 if seq < len(self.model) else None)

    def position(self, seq: int) -> Any:
        """Behind the window ``seq``, whether it has been trimmed or not."""
        if not seq:
            return START
        _start, end_ms, _events = self.model[seq - 1]
        return memory.Position(seq, sum(each[2] for each in self.model[:seq]), end_ms)


class AnyHistory(TestCase):
    def test_whatever_happens_the_log_is_the_end_of_the_list_of_all_windows(self) -> None:
        run_state_machine_as_test(LogMachine, settings=settings(deadline=None, max_examples=60, stateful_step_count=40))
