"""A process that is killed at any moment has lost nothing of what it said is stored.

``ROUNDS=100 python -m twisted.trial tests.log.disk.test_killed`` does it so many times.
"""

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.log.disk.appender import MAX_AGE_MS, numbered
from tests.log.disk.directories import opened_here
from tests.log.machine import Wanted, now
from vizd.log.disk.log import DiskLog
from vizd.log.window import Window

ROUNDS = int(os.environ.get("ROUNDS", "20"))
TIMEOUT_S = 30


class Killed(SynchronousTestCase):
    def test_nothing_that_was_told_is_lost_whenever_it_is_killed(self) -> None:
        directory = Path(self.mktemp()).absolute()
        chance = random.Random(7)
        told: dict[int, int] = {}
        epochs = set()
        for _ in range(ROUNDS):
            before = len(told)
            self.live(directory, chance.randrange(1, 400), told)
            self.assertGreater(len(told), before)
            log = opened_here(directory, Clock(), MAX_AGE_MS, 1 << 30)
            epochs.add(log.epoch)
            self.check(log, told)
            now(log.close())
            trimmed = log.oldest.seq
        self.assertEqual(len(epochs), 1)
        self.assertGreater(trimmed, 0, "some of it while it was trimmed")
        self.assertEqual(set(told), set(range(1, max(told) + 1)))

    def live(self, directory: Path, windows: int, told: dict[int, int]) -> None:
        """Run until it has told of so many windows, then kill it in whatever it does; what it told until then."""
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.log.disk.appender", str(directory)],
            stdout=subprocess.PIPE, cwd=Path(__file__).parents[3], text=True,
        )  # fmt: skip
        assert child.stdout is not None
        stuck = threading.Timer(TIMEOUT_S, child.kill)
        stuck.start()
        lines = []
        try:
            for line in child.stdout:
                lines.append(line)
                if len(lines) == windows:
                    child.kill()
        finally:
            child.kill()
            child.wait()
            stuck.cancel()
            child.stdout.close()
        for line in lines:
            if line.endswith("\n"):
                seq, start_ms = map(int, line.split())
                self.assertNotIn(seq, told, "a position is given once")
                told[seq] = start_ms

    def check(self, log: DiskLog, told: dict[int, int]) -> None:
        """Windows without a gap, as they were appended; those that were told are among them, or trimmed."""
        newest = max(told)
        self.assertGreaterEqual(log.head.seq, newest)
        self.assertLess(log.oldest.seq, newest - 200 if newest > 1_000 else 1_000)
        position, windows = log.oldest, list[Window]()
        while position.seq < log.head.seq:
            page = now(log.read(position, log.head, Wanted(empty=True)))
            self.assertIsNone(page.gap)
            windows += page.windows
            position = page.position
        self.assertEqual([window.seq for window in windows], list(range(log.oldest.seq + 1, log.head.seq + 1)))
        starts = [window.start_ms for window in windows]
        self.assertEqual(starts, sorted(set(starts)))
        for window in windows:
            self.assertEqual(list(window.fragments), list(numbered(window.seq).fragments))
            self.assertEqual(list(window.marks), list(numbered(window.seq).marks))
            told.setdefault(window.seq, window.start_ms)
            self.assertEqual(told[window.seq], window.start_ms)
