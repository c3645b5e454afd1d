"""Logs in directories of their own, for tests."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred, execute
from twisted.trial.unittest import TestCase

from vizd.log.disk.keyframes import STATE
from vizd.log.disk.log import DiskLog

T = TypeVar("T")


class Here:
    """A lane whose jobs run at once, in the thread that gives them: for histories that need no waiting."""

    def run(self, job: Callable[[], T]) -> Deferred[T]:
        return execute(job)

    def stop(self) -> None:
        pass


class Directories(TestCase):
    """Mixed in, or inherited: what is opened is closed with the test."""

    def directory(self) -> Path:
        """A new one."""
        return Path(self.mktemp())

    async def opened(
        self,
        directory: Path,
        *,
        max_age_ms: int = 3_600_000,
        max_bytes: int = 1 << 30,
        keyframe: Callable[[], Iterable[bytes]] = tuple,
    ) -> DiskLog:
        """The log of ``directory``."""
        log = DiskLog(
            directory, "here", max_age_ms, max_bytes, reactor, lambda: ((STATE, piece) for piece in keyframe())
        )
        log.start()
        self._open = [*getattr(self, "_open", []), log]
        return log

    async def shut(self, log: DiskLog) -> None:
        """Close it before the test's end."""
        self._open.remove(log)
        await log.close()

    async def tearDown(self) -> None:
        for log in getattr(self, "_open", []):
            await log.close()


def opened_here(directory: Path, clock: Any, max_age_ms: int, max_bytes: int) -> DiskLog:
    """A log that waits for nobody."""
    log = DiskLog(directory, "here", max_age_ms, max_bytes, clock)
    log._start(Here(), [Here()])
    return log
