"""The log in memory keeps the contract, and that of its own."""

from itertools import pairwise

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from twisted.trial.unittest import TestCase

from tests.log.contract import LogContract
from tests.log.drafts import draft
from tests.log.machine import LogMachine
from vizd.log import memory
from vizd.log.interfaces import ILog
from vizd.log.memory import MemoryLog
from vizd.log.window import START, Window

SMALL = {"_MAX_DEAD_SLOTS": 3}
"""The module's own bounds, for histories of a few windows."""


class MemoryLogContract(LogContract, TestCase):
    async def make(self, *, max_age_ms: int = 3_600_000, max_bytes: int = 1 << 30) -> ILog:
        return MemoryLog("here", max_age_ms, max_bytes)


class MemoryLogMachine(LogMachine):
    def make(self) -> ILog:
        return MemoryLog("here", self.MAX_AGE_MS, self.MAX_BYTES)


class AnyHistory(TestCase):
    def test_whatever_happens_the_log_is_the_end_of_the_list_of_all_windows(self) -> None:
        for name, value in SMALL.items():
            self.patch(memory, name, value)
        run_state_machine_as_test(
            MemoryLogMachine, settings=settings(deadline=None, max_examples=60, stateful_step_count=30)
        )


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
