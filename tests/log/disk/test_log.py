"""The durable log keeps the contract of all logs, on real files, and that of its own."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis.stateful import rule, run_state_machine_as_test
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.log.contract import LogContract
from tests.log.disk.directories import Directories, opened_here
from tests.log.machine import LogMachine, now
from tests.log.test_memory import seal_early
from vizd.log import chronicle
from vizd.log.disk.log import DiskLog
from vizd.log.interfaces import ILog
from vizd.log.segment import Segment


class DiskLogContract(LogContract, Directories):
    TRIMS_LATE_BY = chronicle.BLOCK_WINDOWS_QUIET

    async def make(self, **options: Any) -> ILog:
        return await self.opened(self.directory(), **options)

    async def settle(self, log: ILog) -> None:
        await log.settled()


class DiskLogMachine(LogMachine):
    MAX_BYTES = 24_000
    OVERHEAD_BYTES = 2 * 5_000

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        super().__init__()

    def make(self) -> DiskLog:
        return opened_here(self.directory, Clock(), self.MAX_AGE_MS, self.MAX_BYTES)

    @rule()
    def close_and_open_again(self) -> None:
        """What was there is there, and goes on: positions, times, and what was trimmed stays away."""
        before = self.log
        now(before.close())
        self.log = self.make()
        assert (self.log.epoch, self.log.head, self.log.oldest) == (before.epoch, before.head, before.oldest)
        self.log.listen(lambda window: self.heard.append((window.seq, list(window.fragments))))

    def teardown(self) -> None:
        now(self.log.close())
        shutil.rmtree(self.directory)


class AnyHistory(TestCase):
    def test_whatever_happens_and_however_often_it_is_opened_the_log_is_the_end_of_the_list(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 300)
        run_state_machine_as_test(
            DiskLogMachine, settings=settings(deadline=None, max_examples=40, stateful_step_count=25)
        )
