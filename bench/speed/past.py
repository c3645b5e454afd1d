"""What it costs the daemon, and its live clients, that somebody reads an hour of the past.

The daemon begins with an hour in its log: put there in its own process, by a simulated clock. Then a cluster publishes,
and live clients are measured alone and beside a reader of all of ``/api/history``, in turns.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.daemon import Daemon, rss_bytes, rss_peak_bytes
from bench.measured import MIB, spread
from bench.speed.cores import CLIENTS, on
from bench.speed.crowd import Crowd
from bench.speed.logged import Filler
from bench.speed.publisher import Publisher
from bench.speed.servers import daemon
from bench.speed.table import Row
from vizd.log.memory import MemoryLog

__all__ = ["Beside", "measure", "put_an_hour_into", "rows"]

MINUTES = 60
PAST_RATE = 1_000
LIVE_RATE = 2_000
"""Events per second."""
LIVE_CLIENTS = 10
LIVE_QUERY = "json=true&state=false&max_lag_ms=0"
SECONDS = 8.0
SETTLE_S = 2.0
ADDED_MIB = 64
"""May be added."""
_PUT_AN_HOUR = """
import sys
sys.path.insert(0, {tree!r})
import vizd.history
from bench.speed.past import put_an_hour_into
_log = vizd.history.MemoryLog
vizd.history.MemoryLog = lambda **options: put_an_hour_into(_log(**options))
"""
"""Run in the daemon's process before it starts."""
_READ_FOR_EVER = """
import sys, time, urllib.request
while True:
    began_s, size = time.monotonic(), 0
    with urllib.request.urlopen(sys.argv[1]) as answer:
        while piece := answer.read(1 << 20):
            size += len(piece)
    print(time.monotonic() - began_s, size, flush=True)
"""


@dataclass(slots=True)
class Beside:
    """In each round.

    :ivar added_bytes: the daemon's peak while it was read, minus what it took before.
    :ivar idle_ms: p99 of the lateness of live frames. :ivar beside_ms: the same while it is read without a pause.
    :ivar reads: seconds and bytes of each answer. :ivar events: that the log held.
    """

    events: int
    added_bytes: list[int] = field(default_factory=list)
    idle_ms: list[float] = field(default_factory=list)
    beside_ms: list[float] = field(default_factory=list)
    reads: list[tuple[float, int]] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Of the lateness: the median of the rounds'."""
        return median(beside / idle for beside, idle in zip(self.beside_ms, self.idle_ms, strict=True))


def put_an_hour_into(log: MemoryLog) -> MemoryLog:
    """In the daemon's process: what a cluster has said in the hour until now."""
    Filler(log, PAST_RATE, time.time_ns() // 1_000_000 - MINUTES * 60_000).fill(MINUTES)
    return log


def measure(rounds: int, tell: Callable[[str], None]) -> Beside:
    """See the module."""
    before = _PUT_AN_HOUR.format(tree=str(Path(__file__).parents[2]))
    with (
        Crowd() as crowd,
        TemporaryDirectory(prefix="vizd-past-") as directory,
        daemon(Path(directory), "--buffer-mb=4096", "--buffer-minutes=120", before=before) as running,
        Publisher(running.grpc_port) as publisher,
    ):
        found = Beside(running.stats()["buffer_events"])
        publisher.publish(LIVE_RATE)
        crowd.connect(running.http_port, [LIVE_QUERY] * LIVE_CLIENTS)
        time.sleep(SETTLE_S)
        for number in range(rounds):
            found.idle_ms.append(_p99_ms(crowd))
            _beside_a_reader(running, crowd, found)
            tell(
                f"  round {number + 1}: p99 {found.idle_ms[-1]:.1f} ms idle, {found.beside_ms[-1]:.1f} beside a"
                f" reader; {found.added_bytes[-1] / MIB:+.1f} MiB; {len(found.reads)} answers so far"
            )
    return found


def _p99_ms(crowd: Crowd) -> float:
    counts = crowd.over(SECONDS)
    late = spread(counts.late_ms)
    if late is None or counts.gaps or counts.closed:
        raise RuntimeError(f"live clients: {counts.gaps} gaps, {counts.closed} closed, {len(counts.late_ms)} frames")
    return late.p99


def _beside_a_reader(running: Daemon, crowd: Crowd, found: Beside) -> None:
    # From now on the kernel takes the present for the peak.
    Path(f"/proc/{running.pid}/clear_refs").write_text("5")
    before_bytes = rss_bytes(running.pid)
    command = [sys.executable, "-c", _READ_FOR_EVER, f"http://127.0.0.1:{running.http_port}/api/history"]
    with on(CLIENTS):
        reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        found.beside_ms.append(_p99_ms(crowd))
        found.added_bytes.append(rss_peak_bytes(running.pid) - before_bytes)
    finally:
        reader.kill()
        said, _ = reader.communicate()
    for line in said.splitlines():
        seconds, size = line.split()
        found.reads.append((float(seconds), int(size)))


def rows(found: Beside) -> list[Row]:
    """Of the table."""
    added = median(found.added_bytes) / MIB
    note = f"{found.events:,} events"
    if found.reads:
        seconds = median(each for each, _ in found.reads)
        note += f", {found.reads[0][1] / MIB:,.0f} MiB of JSON in {seconds:.1f} s"
    idle, beside = f"{median(found.idle_ms):.1f} ms", f"{median(found.beside_ms):.1f} ms"
    return [
        Row("past-memory", f"{added:+.1f} MiB", f"{ADDED_MIB} MiB", added / ADDED_MIB, note),
        Row("past-lateness", beside, idle, found.ratio, f"p99 of {LIVE_CLIENTS} clients of everything"),
    ]
