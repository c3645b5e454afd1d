"""The log in memory keeps the contract, and that of its own."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from twisted.trial.unittest import TestCase

from tests.log.contract import LogContract
from tests.log.drafts import draft, mark
from tests.log.machine import LogMachine, now
from vizd.events.catalogue import KINDS
from vizd.events.facet import Facet
from vizd.log import chronicle, pages
from vizd.log.block import Packed
from vizd.log.interfaces import ILog
from vizd.log.memory import MemoryLog
from vizd.log.sealed import SealedWindow
from vizd.log.segment import Segment
from vizd.log.window import START, Draft, PageLimits, Window

SMALL = {
    "PLAIN_WINDOWS": 3,
    "PLAIN_MS": 0,
    "BLOCK_WINDOWS": 3,
    "BLOCK_EVENTS": 5,
    "BLOCK_WINDOWS_QUIET": 6,
    "BLOCK_BYTES": 9_000,
}
"""The module's own bounds, for histories of a few windows."""


class MemoryLogContract(LogContract, TestCase):
    TRIMS_LATE_BY = chronicle.BLOCK_WINDOWS_QUIET

    async def make(
        self,
        *,
        max_age_ms: int = 3_600_000,
        max_bytes: int = 1 << 30,
        keyframe: Callable[[], Iterable[bytes]] = tuple,
    ) -> ILog:
        return MemoryLog("here", max_age_ms, max_bytes, keyframe=keyframe)


class MemoryLogMachine(LogMachine):
    MAX_BYTES = 24_000
    OVERHEAD_BYTES = 2 * 5_000  # Two blocks with a table of a few facets each.

    def make(self) -> ILog:
        return MemoryLog("here", self.MAX_AGE_MS, self.MAX_BYTES)


class AnyHistory(TestCase):
    def test_whatever_happens_the_log_is_the_end_of_the_list_of_all_windows(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 300)
        run_state_machine_as_test(
            MemoryLogMachine, settings=settings(deadline=None, max_examples=60, stateful_step_count=30)
        )


class MemoryLogTests(TestCase):
    def test_windows_say_which_daemon_made_them(self) -> None:
        log = MemoryLog("here", 1_000, 1 << 20)
        log.append(draft())
        self.assertEqual(log.after(START).origin, "here")

    def test_trimming_is_spread_over_appends_so_that_none_takes_long(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 1_000)
        log = MemoryLog("here", 100_000, 1 << 30)
        for number in range(2_000):
            log.append(draft(50 * number))
        kept = [log.head.seq - log.oldest.seq]
        while log.oldest.seq < 1_900 and len(kept) < 100:
            log.append(draft(10**6 + len(kept)))
            kept.append(log.head.seq - log.oldest.seq)
        self.assertLess(len(kept), 100, "all is trimmed in the end")
        self.assertLess(max(before - after for before, after in pairwise(kept)), 120)

    def test_a_small_bound_is_trimmed_in_small_steps(self) -> None:
        log = MemoryLog("here", 3_600_000, 400_000)
        kept = []
        for number in range(3_000):
            log.append(draft(50 * number, 100))
            kept.append(log.memory_bytes)
        self.assertLess(max(kept), 400_000 + 20_000)
        self.assertGreater(min(kept[2_000:]), 200_000)

    def test_it_says_how_far_back_it_goes_and_which_bound_says_so(self) -> None:
        log = MemoryLog("here", 3_600_000, 400_000)
        self.assertEqual((log.retention_ms, log.is_shortened), (0, False))
        for number in range(10):
            log.append(draft(50 * number, 1))
        self.assertEqual((log.retention_ms, log.is_shortened), (500, False))
        for number in range(10, 3_000):
            log.append(draft(50 * number, 100))
        self.assertEqual((log.retention_ms, log.is_shortened), (3_000 * 50 - log.oldest_start_ms, True))
        for number in range(4_000):
            log.append(draft(10**7 + 5_000 * number, 0))
        self.assertFalse(log.is_shortened, "by age again")

    def test_the_newest_windows_are_at_hand_from_the_first_on(self) -> None:
        log = MemoryLog("here", 3_600_000, 1 << 30)
        for number in range(500):
            log.append(draft(50 * number, 100))
            kept = log.head.seq - log.tail.seq
            self.assertGreaterEqual(kept, min(number + 1, chronicle.PLAIN_MS // 50))
        self.assertLess(kept, chronicle.PLAIN_MS // 50 + chronicle.BLOCK_WINDOWS)
        for number in range(500):
            log.append(draft(10**6 + 1_000 * number, 100))
            self.assertGreaterEqual(log.head.seq - log.tail.seq, chronicle.PLAIN_WINDOWS)

    def test_an_hour_of_silence_takes_little(self) -> None:
        log = MemoryLog("here", 3_600_000, 1 << 30)
        for number in range(3_600):
            log.append(draft(1_000 * number, 0, 1_000))
        self.assertEqual(log.oldest, START)
        self.assertLess(log.memory_bytes, 1_000_000)

    def test_sealed_windows_say_what_they_said_before(self) -> None:
        seal_early(self.patch)
        log = MemoryLog("here", 3_600_000, 1 << 30)
        before: list[Window] = []
        log.listen(before.append)
        for number in range(60):
            log.append(made(number))
        behind = windows_of(log)
        self.assertIsInstance(behind[0], SealedWindow)
        for was, now_is in zip(before, behind, strict=True):
            for name in ("seq", "start_ms", "end_ms", "origin", "position", "counts", "types", "marks", "nodes"):
                self.assertEqual(getattr(was, name), getattr(now_is, name), name)
            self.assertEqual(was.shards, now_is.shards)
            self.assertEqual(list(was.fragments), list(now_is.fragments))
            self.assertEqual(b",".join(was.chunks), b",".join(now_is.chunks))
            for names in (["Wal.Fsync"], ["Raft.LeaderElected"], ["Wal.Fsync", "Raft.LeaderElected"], []):
                verdicts = Passing(names)
                fragments, counts = was.pick(verdicts)
                right = [each for facet, each in zip(was.facets, was.fragments, strict=True) if verdicts[facet]]
                self.assertEqual((list(fragments), sum(counts)), (right, len(right)))
                again, counted = now_is.pick(verdicts)
                self.assertEqual((list(again), list(counted)), (right, list(counts)))
                for each in (was, now_is):
                    self.assertEqual(list(each.tally(verdicts)), list(counts))
            self.assertEqual([str(each.kind) for each in was.facets], [str(each.kind) for each in now_is.facets])

    def test_whoever_wants_rare_types_gets_all_of_them_and_unpacks_nothing_else(self) -> None:
        seal_early(self.patch)
        log = MemoryLog("here", 3_600_000, 1 << 30)
        for number in range(60):
            log.append(made(number))
        raft = 1 << KINDS[RAFT].type.index
        self.patch(Packed, "unpack", unpacked := Counting(Packed.unpack))
        page = now(
            log.read(START, log.head, lambda summary: bool(summary.types & raft), PageLimits(60, 100_000, 1 << 30))
        )
        found = [window for window in page.windows if any(each.kind is KINDS[RAFT] for each in window.facets)]
        self.assertEqual([window.seq for window in found], [seq for seq in range(1, 61) if (seq - 1) % 10 == 3])
        sealed = [packed for (packed,) in unpacked.calls]
        self.assertTrue(sealed)
        self.assertTrue(all(sum(packed.counts) <= 2 for packed in sealed))


class Passing(dict[Facet, bool]):
    """Verdicts: facets of these kinds pass."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def __missing__(self, facet: Facet) -> bool:
        return str(facet.kind) in self._names


class Counting:
    """A function that remembers what it was called with."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._function = function

    def __get__(self, instance: Any, _owner: type) -> Callable[..., Any]:
        return lambda *arguments: self(instance, *arguments)

    def __call__(self, *arguments: Any) -> Any:
        self.calls.append(arguments)
        return self._function(*arguments)


RAFT = next(index for index, kind in enumerate(KINDS) if str(kind) == "Raft.LeaderElected")


def made(number: int) -> Draft:
    """A window of fsyncs, with an election in each tenth; some have nothing."""
    if number % 10 == 3:
        flood, election = draft(50 * number, 40, marks=[mark(40, 40)]), draft(50 * number, 1, kind=RAFT)
        return Draft(
            flood.opened_ms,
            50,
            [*flood.facets, *election.facets, *flood.facets],
            [*flood.fragments, *election.fragments, *flood.fragments],
            flood.marks,
        )
    return draft(50 * number, 40 * (number % 4 > 0))


def seal_early(patch: Callable[[Any, str, int], Any]) -> None:
    """So that a short run comes to it."""
    for name, value in SMALL.items():
        patch(chronicle, name, value)
    patch(pages, "SCANNED_PER_BLOCK", 2)


def windows_of(log: MemoryLog) -> list[Window]:
    page = now(log.read(log.oldest, log.tail, lambda _: True))
    windows, position = list(page.windows), page.position
    while (window := log.after(position)) is not None:
        windows.append(window)
        position = window.position
    return windows
