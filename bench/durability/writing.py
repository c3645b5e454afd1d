"""What a window costs on disk and in memory: the same ones in one process, on a simulated clock, without the folds."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import TypeVar

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock

from bench.speed.fresh import in_fresh_process
from bench.speed.logged import Filler, unbounded_log
from vizd.log.disk.log import DiskLog
from vizd.log.disk.scribe import Scribe, Turn, Written

__all__ = ["RATE", "Inline", "Writing", "size_bytes", "write_times"]

T = TypeVar("T")
RATE = 10_000


class Inline:
    """A lane whose jobs run at once: so the clock of one thread sees all the work."""

    def run(self, job: Callable[[], T]) -> Deferred[T]:
        """See ``ILane``."""
        return execute(job)

    def stop(self) -> None:
        """See ``ILane``."""


@dataclass(slots=True)
class Writing:
    """:ivar memory_us: of CPU for each window, in each round. :ivar disk_us: the same. :ivar commit_ms: each took."""

    windows: int = 0
    memory_us: list[float] = field(default_factory=list)
    disk_us: list[float] = field(default_factory=list)
    commit_ms: list[float] = field(default_factory=list)

    @property
    def commit_p50_p99_ms(self) -> tuple[float, float]:
        """Of one transaction; there is one for each window here."""
        return median(self.commit_ms), quantiles(self.commit_ms, n=100)[98]


def write_times(minutes: float, rounds: int, directory: Path) -> Writing:
    """In a process of its own."""
    return in_fresh_process(_write_times, minutes, rounds, directory)


def _write_times(minutes: float, rounds: int, directory: Path) -> Writing:
    found = Writing()
    write = Scribe.write

    def timed(scribe: Scribe, turn: Turn) -> Written:
        began_s = time.perf_counter()
        try:
            return write(scribe, turn)
        finally:
            if turn.entries:
                found.commit_ms.append((time.perf_counter() - began_s) * 1000)

    Scribe.write = timed  # type: ignore[method-assign]
    for number in range(rounds):
        memory = unbounded_log()
        found.memory_us.append(_fill(Filler(memory, RATE), minutes))
        found.windows = memory.head.seq
        disk = DiskLog(directory / f"round-{number}", "bench", 10**12, 1 << 40, Clock())
        disk._start(Inline(), [Inline()])
        found.disk_us.append(_fill(Filler(disk, RATE), minutes))
        disk._scribe.close()
    return found


def _fill(filler: Filler, minutes: float) -> float:
    """Microseconds of CPU for each window."""
    began_s = time.process_time()
    filler.fill(minutes)
    return (time.process_time() - began_s) * 1e6 / len(filler.appended_ms)


def size_bytes(directory: Path) -> int:
    """What its files take on disk."""
    return sum(each.stat().st_blocks * 512 for each in os.scandir(directory))
