"""A log in memory, full of what a simulated cluster emits: by the real decoder and coalescer, on a simulated clock."""

import time
from collections.abc import Iterator
from dataclasses import replace

from bench.simulated import NODES, SHARDS, START_MS, TICK_MS, Arrivals
from vizd.log.coalescer import Arrival, Coalescer
from vizd.log.memory import MemoryLog
from vizd.sim.cluster import SimulatedCluster

__all__ = ["Filler", "unbounded_log"]

_SEED = 1


def unbounded_log() -> MemoryLog:
    """One that trims nothing."""
    return MemoryLog("bench", 10**12, 1 << 40)


class Filler:
    """Appends to a log: what a minute of the cluster emits, over and over.

    :ivar appended_ms: how long each append has taken.
    """

    def __init__(self, log: MemoryLog, rate: int, start_ms: int = START_MS, minute_s: float = 60.0) -> None:
        """
        :param rate: events per second of simulated time. :param start_ms: of the log, ms since the Unix epoch.
        :param minute_s: after so long it begins again.
        """
        self._log = log
        cluster = SimulatedCluster(NODES, SHARDS, rate, _SEED, START_MS)
        simulated = Arrivals(cluster.names)
        ends_ms = range(START_MS + TICK_MS, START_MS + int(minute_s * 1000) + 1, TICK_MS)
        self._minute = [simulated.of(cluster.advance(end_ms), end_ms) for end_ms in ends_ms]
        self._coalescer = Coalescer(log, start_ms, 0)
        self._start_ms = self._now_ms = start_ms
        self._ticks = 0
        self.appended_ms: list[float] = []

    def fill(self, minutes: float) -> None:
        """Until the log has been running for so long."""
        end_ms = self._start_ms + minutes * 60_000
        while self._now_ms < end_ms:
            arrivals = [_copied(each) for each in self._minute[self._ticks % len(self._minute)]]
            self._ticks += 1
            self._now_ms += TICK_MS
            began_s = time.perf_counter()
            self._coalescer.tick(arrivals, self._now_ms, self._now_ms - self._start_ms)
            self.appended_ms.append((time.perf_counter() - began_s) * 1000)

    def fragments(self) -> Iterator[bytes]:
        """The JSON of each event of the minute."""
        for arrivals in self._minute:
            for arrival in arrivals:
                yield from arrival.fragments


def _copied(arrival: Arrival) -> Arrival:
    """With bytes of its own: what a log keeps of it must not be kept here already."""
    return replace(arrival, fragments=[bytes(bytearray(each)) for each in arrival.fragments])
