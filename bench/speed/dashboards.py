"""What the project is for: many dashboards on thin lines, and a busy cluster, on one core."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.daemon import cpu_s
from bench.measured import Spread, spread
from bench.speed.crowd import Crowd
from bench.speed.ingest import LEAST_WINDOWS_PER_S, WATCHING_QUERY
from bench.speed.publisher import Publisher
from bench.speed.servers import daemon
from bench.speed.table import Row

__all__ = ["FILTERS", "Served", "measure", "row"]

DASHBOARDS = 1_000
KBPS = 150
RATE = 100_000
"""Events per second."""
NODES = 10
SECONDS = 15.0
SETTLE_S = 8.0
"""A thousand who have just connected are sent the state first."""
BEYOND_MS = 20
LEAST_RATE_SHARE = 0.99
FILTERS = (
    "", "types=raft,swim,shard", "types=wal", "types=heat", "types=lsm,compaction", "types=cache",
    *(f"nodes={node}" for node in range(1, 9)), "nodes=9,10", "shards=1,2,3", "shards=4,5,6,7", "shards=8&types=wal",
    "nodes=1,2&types=lsm,raft", "nodes=3&shards=1,2,9",
)  # fmt: skip
"""20 distinct ones, as people have them: all, a type, a node, some shards."""


@dataclass(frozen=True, slots=True)
class Served:
    """What came of it.

    :ivar rate: events per second, acked. :ivar kbps: payload to a dashboard, in the mean, in kilobits a second.
    :ivar windows_per_s: to a client that takes everything at once.
    """

    cpu_share: float
    rate: float
    late: Spread
    windows_per_s: float
    frames_per_s: float
    kbps: float
    gaps: int
    closed: int


def measure(tell: Callable[[str], None]) -> Served:
    """See the module."""
    with (
        TemporaryDirectory(prefix="vizd-dashboards-") as directory,
        daemon(Path(directory), "--buffer-mb=2000", "--max-clients=2000") as running,
        Publisher(running.grpc_port, nodes=NODES) as publisher,
        Crowd() as crowd,
        Crowd() as watching,
    ):
        watching.connect(running.http_port, [WATCHING_QUERY])
        queries = [
            f"json=true&max_kbps={KBPS}&{FILTERS[number % len(FILTERS)]}".rstrip("&") for number in range(DASHBOARDS)
        ]
        crowd.connect(running.http_port, queries)
        publisher.publish(RATE)
        time.sleep(SETTLE_S)
        watching.counts()
        before, used_s = publisher.sent(), cpu_s(running.pid)
        counts = crowd.over(SECONDS)
        after, used_s = publisher.sent(), cpu_s(running.pid) - used_s
        windows = watching.counts()
        late = spread(counts.late_ms)
        if late is None:
            raise RuntimeError(f"nothing came to {DASHBOARDS} dashboards in {counts.seconds:.1f} s")
        served = Served(
            used_s / (after.at_s - before.at_s), (after.stored - before.stored) / (after.at_s - before.at_s), late,
            windows.batches[0] / windows.seconds, counts.frames_per_s,
            counts.size_bytes * 8 / 1000 / DASHBOARDS / counts.seconds, counts.gaps, counts.closed,
        )  # fmt: skip
    tell(f"  {served}")
    return served


def row(served: Served) -> Row:
    """Of the table."""
    faults = []
    if served.rate < LEAST_RATE_SHARE * RATE:
        faults.append(f"{served.rate:,.0f} events/s were taken, of {RATE:,}")
    if served.windows_per_s < LEAST_WINDOWS_PER_S:
        faults.append(f"{served.windows_per_s:.1f} windows/s, not 20")
    if served.gaps or served.closed:
        faults.append(f"{served.gaps} gaps were declared, {served.closed} connections closed")
    note = (
        f"{served.cpu_share:.0%} of the core; {served.rate:,.0f} events/s; p50 {served.late.p50:.1f} ms;"
        f" {served.windows_per_s:.1f} windows/s; {served.frames_per_s / DASHBOARDS:.1f} frames/s of each dashboard,"
        f" {served.kbps:.0f} kbit/s"
    )
    return Row("dashboards", f"p99 {served.late.p99:.1f} ms", f"{BEYOND_MS} ms", served.late.p99 / BEYOND_MS, note,
               tuple(faults))  # fmt: skip
