"""A filesystem that is nearly full: the oldest goes earlier, and where that does not help, nothing more is stored.

On a small filesystem of its own where one may be mounted, else in a directory whose filesystem has room for ballast.
"""

import os
import subprocess
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.log.disk.directories import Here
from tests.log.machine import Wanted, now
from tests.log.test_memory import seal_early
from tests.stream.made import draft, fsyncs
from vizd.log.disk.log import RETRY_S, DiskLog
from vizd.log.segment import Segment

MIB = 1 << 20
HOUR_MS = 3_600_000


class Room(SynchronousTestCase):
    def setUp(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 1_000)
        self.place = Path(self.mktemp()).absolute()
        self.place.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64m", "vizd-test", str(self.place)], capture_output=True, check=False
        )
        if mounted.returncode == 0:
            self.addCleanup(subprocess.run, ["umount", "--lazy", str(self.place)], check=True)
        self.clock = Clock()
        self.log = DiskLog(
            self.place / "data", "here", HOUR_MS, 1 << 30, self.clock,
            monotonic=self.clock.seconds, min_free_bytes=self.free_bytes() - 24 * MIB,
        )  # fmt: skip
        self.log._start(Here(), [Here()])

    def tearDown(self) -> None:
        now(self.log.close())

    def free_bytes(self) -> int:
        filesystem = os.statvfs(self.place)
        return filesystem.f_bavail * filesystem.f_frsize

    def take(self, size_bytes: int) -> None:
        """By somebody else."""
        with (self.place / "ballast").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size_bytes)

    def make_room(self) -> None:
        (self.place / "ballast").unlink()

    def append(self, windows: int) -> None:
        """Of which hardly anything can be compressed away, 25 kB each."""
        for _ in range(windows):
            number = self.log._appended.seq
            events = [(facet, text[:-1] + b',"x":"%s"}' % os.urandom(64).hex().encode())
                      for facet, text in fsyncs(150, 1, number * 150)]  # fmt: skip
            self.log.append(draft(50 * number, events))
            self.clock.advance(0.05)

    def file_bytes(self) -> int:
        return (self.place / "data" / "log.sqlite3").stat().st_size

    def test_with_room_nothing_goes_before_its_time(self) -> None:
        self.append(200)
        self.assertEqual((self.log.oldest.seq, self.log.head.seq, self.log.stall), (0, 200, None))

    def test_the_oldest_goes_earlier_and_the_file_gives_back_what_it_took(self) -> None:
        self.append(400)
        before = self.file_bytes()
        self.take(self.free_bytes() - self.log._min_free_bytes + MIB)
        self.append(300)
        self.assertIsNone(self.log.stall)
        self.assertEqual(self.log.head.seq, 700)
        self.assertGreater(self.log.oldest.seq, 100)
        self.assertTrue(self.log.is_shortened)
        self.assertLess(self.file_bytes(), before)
        kept = self.log.oldest
        self.append(40)
        self.assertLess(self.log.oldest.seq, self.log.head.seq - 100, "and no more than is needed")
        page = now(self.log.read(kept, self.log.head, Wanted(empty=True)))
        self.assertTrue(page.windows)

    def test_where_that_does_not_help_nothing_is_stored_until_there_is_room(self) -> None:
        self.append(100)
        self.take(40 * MIB)
        self.append(100)
        stall = self.log.stall
        assert stall is not None
        self.assertRegex(stall.reason, r"\d+ MiB are free on the filesystem of .*/data, and \d+ should be: make room")
        stored = self.log.head.seq
        self.append(20)
        self.assertEqual(self.log.head.seq, stored)
        self.assertEqual(self.log.waiting, self.log._appended.seq - stored)
        self.make_room()
        self.clock.advance(RETRY_S)
        self.assertEqual((self.log.stall, self.log.head.seq), (None, 220))
