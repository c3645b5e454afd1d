"""Tests of what a log in a directory does beside reading and writing: it waits, it fails, it stops and goes on."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.log.disk.directories import Directories, Here, opened_here
from tests.log.drafts import draft
from tests.log.machine import Wanted, now
from tests.log.test_memory import made, seal_early
from tests.stream.made import memory_log
from vizd.log.disk import log as disk_log
from vizd.log.disk.keyframes import STATE
from vizd.log.disk.log import MAX_TOGETHER, RETRY_S, DiskLog
from vizd.log.segment import Segment
from vizd.log.stall import stalling
from vizd.log.window import START, Window

T = TypeVar("T")
HOUR_MS = 3_600_000


class Held(Here):
    """A lane whose jobs wait until they are let go: a disk as slow as the test says."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], Any]] = []

    def run(self, job: Callable[[], T]) -> Deferred[T]:
        done: Deferred[T] = Deferred()
        self.jobs.append(lambda: execute(job).chainDeferred(done))
        return done

    def go(self) -> None:
        self.jobs.pop(0)()


class SlowDisk(SynchronousTestCase):
    def setUp(self) -> None:
        self.log = DiskLog(Path(self.mktemp()), "here", HOUR_MS, 1 << 30, Clock())
        self.lane = Held()
        self.log._start(self.lane, [Here()])
        self.heard: list[int] = []
        self.log.listen(lambda window: self.heard.append(window.seq))

    def tearDown(self) -> None:
        while self.lane.jobs:
            self.lane.go()
        now(self.log.close())

    def test_nobody_sees_or_hears_of_a_window_before_it_is_committed(self) -> None:
        self.log.append(draft(0))
        self.assertEqual((self.log.head, self.heard, self.log.after(START)), (START, [], None))
        self.lane.go()
        self.assertEqual((self.log.head.seq, self.heard), (1, [1]))

    def test_all_that_wait_are_committed_together(self) -> None:
        for number in range(10):
            self.log.append(draft(50 * number))
        self.lane.go()
        self.assertEqual(self.heard, [1])
        self.lane.go()
        self.assertEqual(self.heard, list(range(1, 11)))
        self.assertEqual(self.lane.jobs, [])

    def test_it_says_when_too_much_waits_and_when_there_is_room_again(self) -> None:
        self.patch(disk_log, "MAX_WAITING_BYTES", 200_000)
        appended = 0
        while self.log.has_room:
            self.log.append(draft(50 * appended))
            appended += 1
        self.assertGreater(appended, MAX_TOGETHER)
        self.lane.go()
        self.assertTrue(self.log.has_room)

    def test_however_much_waits_no_more_is_plain_than_when_nothing_does(self) -> None:
        seal_early(self.patch)
        self.patch(disk_log, "MAX_WAITING_BYTES", 200_000)
        appended = 0
        for _ in range(100):
            while self.log.has_room:
                self.log.append(draft(50 * appended, 5))
                appended += 1
            self.lane.go()
            self.assertLess(self.log.head.seq - self.log.tail.seq, 2 * MAX_TOGETHER)

    def test_a_listener_that_fails_stops_nothing(self) -> None:
        def fail(window: Window) -> None:
            if window.seq == 2:
                raise ValueError(window.seq)

        self.log.listen(fail)
        for number in range(5):
            self.log.append(draft(50 * number))
        while self.lane.jobs:
            self.lane.go()
        self.assertEqual(self.heard, [1, 2, 3, 4, 5])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_settled_is_when_all_is_committed(self) -> None:
        self.log.append(draft(0))
        self.log.append(draft(50))
        done: list[bool] = []
        settled = Deferred.fromCoroutine(self.log.settled())
        settled.addCallback(lambda _: done.append(True))
        self.lane.go()
        self.assertEqual(done, [])
        self.lane.go()
        self.assertEqual(done, [True])


class FullDisk(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.directory = Path(self.mktemp())
        self.log = opened_here(self.directory, self.clock, HOUR_MS, 1 << 30)
        self.heard: list[int] = []
        self.log.listen(lambda window: self.heard.append(window.seq))

    def bound(self, pages: int) -> None:
        self.log._scribe._connection.execute(f"PRAGMA max_page_count = {pages}")

    def fill(self) -> int:
        """Append until nothing more is committed; how many were."""
        [pages] = self.log._scribe._connection.execute("PRAGMA page_count").fetchone()
        self.bound(pages + 20)
        while self.log.trouble is None:
            self.log.append(made(self.log.head.seq))
        return len(self.heard)

    def test_what_is_committed_stays_and_can_be_read_and_nothing_more_is_told(self) -> None:
        committed = self.fill()
        self.assertIn("full", self.log.trouble)
        self.log.append(made(committed + 1))
        self.assertEqual((len(self.heard), self.log.head.seq), (committed, committed))
        page = now(self.log.read(START, self.log.head, Wanted(empty=True)))
        self.assertGreater(len(page.windows), 0)
        now(self.log.close())
        again = opened_here(self.directory, self.clock, HOUR_MS, 1 << 30)
        self.assertEqual(again.head.seq, committed)
        now(again.close())

    def test_when_there_is_room_again_it_goes_on_with_what_waits_each_once(self) -> None:
        committed = self.fill()
        for number in range(committed + 1, committed + 30):
            self.log.append(made(number))
        self.clock.advance(RETRY_S)
        self.assertEqual(len(self.heard), committed)
        self.bound(1 << 20)
        self.clock.advance(RETRY_S)
        self.assertIsNone(self.log.trouble)
        self.assertEqual(self.heard, list(range(1, committed + 31)))
        now(self.log.close())
        again = opened_here(self.directory, self.clock, HOUR_MS, 1 << 30)
        self.assertEqual(again.head.seq, committed + 30)
        now(again.close())


class Stalling(SynchronousTestCase):
    """What is known of windows that have to wait for long."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.log = DiskLog(Path(self.mktemp()), "here", HOUR_MS, 1 << 30, self.clock, monotonic=self.clock.seconds)
        self.lane = Held()
        self.log._start(self.lane, [Here()])
        self.told = 0
        self.log.listen_stalled(self.hear)

    def tearDown(self) -> None:
        while self.lane.jobs:
            self.lane.go()
        now(self.log.close())

    def hear(self) -> None:
        self.told += 1

    def wait(self, windows: int, seconds: float = 0.5) -> None:
        """So many windows, each so long after the one before."""
        for _ in range(windows):
            self.log.append(draft(int(self.clock.seconds() * 1000)))
            self.clock.advance(seconds)

    def test_a_commit_that_takes_a_second_is_none(self) -> None:
        self.wait(2)
        self.assertEqual((self.log.stall, self.log.waiting_after(0), self.told), (None, None, 0))
        self.assertEqual(self.log.waiting, 2)

    def test_after_more_than_a_second_what_waits_is_shown_in_order(self) -> None:
        self.wait(4)
        stall = self.log.stall
        assert stall is not None
        self.assertEqual((stall.reason, stall.for_s), ("the disk is slow", 2.0))
        shown = [window.seq for seq in range(6) if (window := self.log.waiting_after(seq))]
        self.assertEqual(shown, [1, 2, 3, 4])
        self.assertEqual(self.told, 1, "by the window that came in it")
        self.assertEqual(self.log.head, START)

    def test_it_ends_with_a_commit_and_all_that_waited_until_then_came_late(self) -> None:
        self.wait(4)
        self.lane.go()
        self.assertEqual((self.log.stall, self.log.late_through), (None, 4))
        self.lane.go()
        self.assertEqual(self.log.head.seq, 4)
        self.wait(1)
        self.lane.go()
        self.assertEqual((self.log.head.seq, self.log.late_through), (5, 4))

    def test_where_nothing_waits_nothing_stalls_however_long(self) -> None:
        self.wait(1)
        self.lane.go()
        self.clock.advance(60)
        self.assertIsNone(self.log.stall)
        self.wait(1)
        self.assertIsNone(self.log.stall)

    def test_what_fails_is_one_at_once(self) -> None:
        self.log._scribe._connection.execute("PRAGMA query_only = ON")
        self.wait(1)
        self.lane.go()
        assert self.log.stall is not None
        self.assertIn("readonly", self.log.stall.reason)
        self.assertEqual(self.told, 1)
        self.log._scribe._connection.execute("PRAGMA query_only = OFF")
        self.clock.advance(RETRY_S)
        self.lane.go()
        self.assertEqual((self.log.stall, self.log.head.seq), (None, 1))

    def test_what_is_damaged_says_what_to_do(self) -> None:
        database = next(self.log._store._directory.glob("log.sqlite3"))
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with database.open("r+b") as file:
            file.seek(4_096)
            file.write(b"\xff" * (database.stat().st_size - 4_096))
        self.log._scribe._connection.execute("PRAGMA shrink_memory")
        self.wait(1)
        self.lane.go()
        assert self.log.stall is not None
        self.assertIn("restart the daemon", self.log.stall.reason)

    def test_of_a_log_in_memory_it_is_said_that_it_never_does(self) -> None:
        never = stalling(memory_log())
        self.assertEqual((never.stall, never.waiting, never.late_through, never.waiting_after(0)), (None, 0, 0, None))
        self.assertIs(stalling(self.log), self.log)


class Restart(Directories):
    async def test_a_clock_that_was_set_back_between_two_lives_turns_nothing_round(self) -> None:
        directory = self.directory()
        log = await self.opened(directory)
        for number in range(100):
            log.append(draft(HOUR_MS + 50 * number))
        await self.shut(log)
        again = await self.opened(directory)
        for number in range(100):
            again.append(draft(50 * number))
        await again.settled()
        windows: list[Window] = []
        while (window := again.after(windows[-1].position if windows else again.tail)) is not None:
            windows.append(window)
        starts = [window.start_ms for window in windows]
        self.assertEqual(starts, sorted(set(starts)))
        self.assertEqual(windows[-1].seq, 200)
        self.assertEqual(again.before_ms(starts[150]).seq, windows[149].seq)

    async def test_positions_totals_and_the_epoch_go_on(self) -> None:
        directory = self.directory()
        log = await self.opened(directory)
        for number in range(500):
            log.append(draft(50 * number, number % 4))
        await self.shut(log)
        again = await self.opened(directory)
        for name in ("epoch", "head", "tail", "oldest", "oldest_start_ms", "oldest_event_ms", "newest_event_ms"):
            self.assertEqual(getattr(again, name), getattr(log, name), name)
        again.append(draft(50 * 500, 7))
        await again.settled()
        self.assertEqual((again.head.seq, again.head.total_events), (501, log.head.total_events + 7))

    async def test_bounds_that_are_smaller_than_before_are_kept_soon(self) -> None:
        directory = self.directory()
        log = await self.opened(directory)
        for number in range(4_000):
            log.append(draft(50 * number, 5))
            if not log.has_room:
                await log.settled()
        await self.shut(log)
        again = await self.opened(directory, max_age_ms=60_000)
        again.append(draft(50 * 4_000))
        await again.settled()
        self.assertGreater(again.oldest.seq, 1_000)
        await self.shut(again)
        third = await self.opened(directory, max_age_ms=60_000)
        self.assertEqual(third.oldest, again.oldest)


class Recalling(SynchronousTestCase):
    """What a daemon that starts again is given to fold: the newest keyframe, and all behind it."""

    def setUp(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 1_000)
        self.directory = Path(self.mktemp())
        self.folded: list[int] = []

    def open(self) -> DiskLog:
        log = DiskLog(self.directory, "here", HOUR_MS, 1 << 30, Clock(), self.parts, {"newest": 0, "minute": 3_000})
        log.listen(lambda window: self.folded.append(window.seq))
        return log

    def parts(self) -> Any:
        """The state is the seqs of all windows; the other parts are of the newest."""
        newest = b"%d" % self.folded[-1]
        of_state = [(STATE, b" ".join(b"%d" % seq for seq in self.folded[part::2])) for part in range(2)]
        return [*of_state, ("newest", newest), ("minute", newest)]

    def live(self, windows: int) -> DiskLog:
        """Open, append, close."""
        log = self.open()
        log._start(Here(), [Here()])
        for _ in range(windows):
            log.append(made(log.head.seq))
        now(log.close())
        return log

    def test_state_and_windows_are_all_there_was(self) -> None:
        for windows in (300, 1, 50, 7):
            head = self.live(windows).head
            log = self.open()
            with log.recalled() as recalled:
                state = sorted(int(seq) for piece in recalled.newest(STATE) for seq in piece.split())
                behind = [window.seq for window in recalled.windows()]
                self.assertEqual(state + behind, list(range(1, head.seq + 1)))
                self.assertEqual(state[-1], recalled.position.seq)
                self.assertLess(len(behind), 60, "and little has to be folded")
            now(log.close())

    def test_parts_are_kept_as_long_as_they_are_of_use(self) -> None:
        self.live(300)
        log = self.open()
        with log.recalled() as recalled:
            place = recalled.position
            self.assertEqual([int(piece) for piece in recalled.newest("newest")], [place.seq])
            minutes = [[int(piece) for piece in pieces] for pieces in recalled.history("minute")]
            self.assertEqual(len(list(recalled.history("newest"))), 1)
            self.assertGreater(len(list(recalled.history(STATE))), len(minutes))
        self.assertEqual(minutes[-1], [place.seq])
        self.assertGreater(len(minutes), 1)
        self.assertGreater(minutes[0][0] * 50, place.end_ms - 3_000 - 50)
        now(log.close())

    def test_of_an_empty_log_there_is_nothing(self) -> None:
        log = self.open()
        with log.recalled() as recalled:
            self.assertEqual((recalled.position, list(recalled.windows())), (START, []))
        now(log.close())
