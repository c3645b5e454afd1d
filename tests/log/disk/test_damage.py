"""Whatever is wrong with the bytes on the disk: never wrong data, never a daemon that won't start.

What is delivered is as it was, and what is not is declared.
"""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.log.disk.directories import opened_here
from tests.log.machine import Wanted, now
from tests.log.test_memory import made, seal_early
from vizd.log.disk.log import DiskLog
from vizd.log.segment import Segment
from vizd.log.window import Draft, Gap, PageLimits, Position, Window

WINDOWS = 120
ROUNDS = 60
everything = Wanted(empty=True)


class DamageCase(SynchronousTestCase):
    """A log of some blocks, segments and plain windows, that was closed."""

    def setUp(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 1_000)
        self.directory = Path(self.mktemp())
        log = self.open()
        self.epoch = log.epoch
        for number in range(WINDOWS):
            log.append(made(number))
        self.head = log.head
        now(log.close())
        self.file = self.directory / "log.sqlite3"

    def open(self) -> DiskLog:
        return opened_here(self.directory, Clock(), 3_600_000, 1 << 30)

    def change(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.file)) as connection:
            self.assertEqual(connection.execute(statement, values).rowcount, 1)
            connection.commit()

    def read(self, log: DiskLog) -> tuple[list[Gap], list[Window]]:
        """All there is; the law holds."""
        gaps: list[Gap] = []
        windows: list[Window] = []
        position = log.oldest
        while position.seq < log.head.seq:
            page = now(log.read(position, log.head, everything))
            if page.gap:
                gaps.append(page.gap)
                self.assertEqual((page.gap.reason, page.gap.from_ms), ("corrupt", position.end_ms))
                self.assertEqual(list(page.windows), [])
                self.assertEqual(page.gap.windows, page.position.seq - position.seq)
                self.assertEqual(page.gap.events, page.position.total_events - position.total_events)
            else:
                self.assertEqual(
                    [window.seq for window in page.windows], list(range(position.seq + 1, page.position.seq + 1))
                )
            self.assertGreater(page.position.seq, position.seq)
            windows += page.windows
            position = page.position
        for window in windows:
            self.check(window)
        return gaps, windows

    def check(self, window: Window) -> None:
        """It is what it was."""
        draft: Draft = made(window.seq - 1)
        self.assertEqual(list(window.fragments), list(draft.fragments))
        self.assertEqual(list(window.marks), list(draft.marks))
        self.assertEqual([str(each.kind) for each in window.facets], [str(each.kind) for each in draft.facets])


class OnePlace(DamageCase):
    def test_an_untouched_log_has_no_gaps(self) -> None:
        log = self.open()
        gaps, windows = self.read(log)
        self.assertEqual((gaps, len(windows), log.head), ([], WINDOWS, self.head))
        now(log.close())

    def test_a_block_whose_events_are_damaged_is_a_gap_and_all_else_is_there(self) -> None:
        for column in ("whole", "rest"):
            self.change(f"UPDATE blocks SET {column} = randomblob(500) WHERE seq = 4")
            log = self.open()
            gaps, windows = self.read(log)
            self.assertEqual(log.head, self.head)
            self.assertEqual([(gap.windows, gap.to_ms) for gap in gaps], [(3, windows[3].start_ms)])
            self.assertEqual(len(windows), WINDOWS - 3)
            now(log.close())

    def test_however_small_its_pages_a_reader_comes_past_it(self) -> None:
        self.change("UPDATE blocks SET whole = x'00' WHERE seq = 4")
        log = self.open()
        for limits in (PageLimits(scanned=1), PageLimits(windows=1), PageLimits(memory_bytes=1)):
            position, gaps = log.oldest, 0
            while position.seq < log.head.seq:
                page = now(log.read(position, log.head, everything, limits))
                self.assertGreater(page.position.seq, position.seq)
                gaps += page.gap is not None
                position = page.position
            self.assertEqual(gaps, 1)
        now(log.close())

    def test_a_reader_who_does_not_want_it_is_told_nothing(self) -> None:
        self.change("UPDATE blocks SET whole = x'00' WHERE seq = 4")
        log = self.open()
        page = now(log.read(log.oldest, log.head, lambda _: False))
        self.assertIsNone(page.gap)
        now(log.close())

    def test_a_block_whose_head_is_damaged_is_a_gap_of_the_same_size(self) -> None:
        self.change("UPDATE blocks SET head = x'0011' WHERE seq = 4")
        log = self.open()
        gaps, windows = self.read(log)
        self.assertEqual((log.head, log.epoch), (self.head, self.epoch))
        self.assertEqual([gap.windows for gap in gaps], [3])
        at_ms = windows[3].start_ms - 1
        self.assertIn(log.before_ms(at_ms).seq, (3, 6))
        now(log.close())

    def test_a_row_in_another_ones_place_is_damaged(self) -> None:
        with closing(sqlite3.connect(self.file)) as connection:
            whole, *_ = connection.execute("SELECT whole FROM blocks WHERE seq = 7").fetchone()
        self.change("UPDATE blocks SET whole = ? WHERE seq = 4", whole)
        log = self.open()
        self.assertEqual([gap.windows for gap in self.read(log)[0]], [3])
        now(log.close())

    def test_a_newest_window_that_is_damaged_is_a_gap_and_the_place_behind_it_stays(self) -> None:
        for seq in (WINDOWS, WINDOWS - 1):
            self.change("UPDATE blocks SET whole = x'00' WHERE seq = ?", seq)
            log = self.open()
            gaps, windows = self.read(log)
            self.assertEqual((log.head, log.epoch), (self.head, self.epoch))
            self.assertEqual(sum(gap.windows or 0 for gap in gaps), WINDOWS - len(windows))
            now(log.close())
        log = self.open()
        log.append(made(WINDOWS))
        self.assertEqual(log.head.seq, WINDOWS + 1)
        self.assertEqual(len(self.read(log)[1]), WINDOWS - 1)
        now(log.close())

    def test_an_end_whose_length_nobody_knows_is_cut_and_positions_of_before_mean_nothing(self) -> None:
        self.change("UPDATE blocks SET head = x'00' WHERE seq = ?", WINDOWS)
        log = self.open()
        self.assertEqual(log.head.seq, WINDOWS - 1)
        self.assertNotEqual(log.epoch, self.epoch)
        log.append(made(WINDOWS - 1))
        gaps, windows = self.read(log)
        self.assertEqual((gaps, len(windows)), ([], WINDOWS))
        now(log.close())

    def test_a_row_that_is_gone_is_a_gap(self) -> None:
        self.change("DELETE FROM blocks WHERE seq = 4")
        log = self.open()
        self.assertEqual([gap.windows for gap in self.read(log)[0]], [3])
        now(log.close())

    def test_a_keyframe_that_is_damaged_is_not_used(self) -> None:
        log = self.open()
        keyframe = now(log.keyframe(self.head))
        now(log.close())
        self.change("UPDATE keyframes SET pieces = x'00' WHERE seq = ? AND part = 'state'", keyframe.position.seq)
        log = self.open()
        self.assertLess(now(log.keyframe(self.head)).position.seq, keyframe.position.seq)
        now(log.close())


class AnyPlace(DamageCase):
    """Seeded, so that what fails fails again."""

    def setUp(self) -> None:
        super().setUp()
        self.sound = Path(self.mktemp())
        shutil.copytree(self.directory, self.sound)
        self.size_bytes = self.file.stat().st_size

    def damage(self, chance: random.Random) -> None:
        """Overwrite some bytes, anywhere."""
        shutil.rmtree(self.directory)
        shutil.copytree(self.sound, self.directory)
        with self.file.open("r+b") as file:
            for _ in range(chance.choice((1, 1, 3, 30))):
                file.seek(chance.randrange(self.size_bytes))
                file.write(chance.randbytes(chance.choice((1, 8, 100, 4_096))))
            if chance.random() < 0.1:
                file.truncate(chance.randrange(self.size_bytes))

    def test_bytes_that_are_overwritten_anywhere_never_become_wrong_data(self) -> None:
        kept = whole = 0
        for seed in range(ROUNDS):
            self.damage(random.Random(seed))
            log = self.open()
            gaps, windows = self.read(log)
            kept += len(windows)
            whole += not gaps and len(windows) == WINDOWS
            for number in range(log.head.seq, log.head.seq + 10):
                log.append(made(number))
            if log.trouble is None:
                self.read(log)
            else:
                self.assertTrue((self.directory / "log.sqlite3.suspect").exists(), log.trouble)
            now(log.close())
            again = self.open()
            self.read(again)
            self.assertIsNone(again.trouble)
            now(again.close())
        self.assertGreater(kept, ROUNDS * WINDOWS // 3)
        self.assertLess(whole, ROUNDS)


class Positions(DamageCase):
    def test_a_place_within_what_is_lost_goes_on_behind_it(self) -> None:
        self.change("UPDATE blocks SET head = x'00' WHERE seq = 4")
        log = self.open()
        page = now(log.read(Position(4, 0, 200), log.head, everything))
        self.assertIsNotNone(page.gap)
        self.assertEqual((page.gap.windows, page.position.seq), (2, 6))
        now(log.close())
