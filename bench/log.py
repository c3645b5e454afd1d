"""What the log in memory costs: bytes per event, reading, and how long an append holds the reactor.

    python -m bench.log [--events 1000000] [--rate 10000]

Simulated events on a simulated clock go through the real decoder, coalescer and log, without gRPC. Memory is
the process's resident set, before and after. The reference for reading is zstd alone, unpacking the same blocks
in the same run.
"""

import argparse
import asyncio
import gc
import time
from pathlib import Path

import zstandard

from bench.simulated import NODES, SHARDS, START_MS, TICK_MS, Arrivals
from vizd.log.coalescer import Coalescer
from vizd.log.memory import MemoryLog
from vizd.log.window import PageLimits, Position
from vizd.sim.cluster import SimulatedCluster
from vizd.stream.encoding import JSON
from vizd.stream.filter import Filter
from vizd.stream.frames import select


def rss_bytes() -> int:
    """Of this process."""
    fields = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()
    return int(fields[0]) * 1024


def fill(log: MemoryLog, events: int, rate: int) -> list[float]:
    """Append ``events`` simulated events; how long each append took, in ms."""
    cluster = SimulatedCluster(NODES, SHARDS, rate, 1, START_MS)
    simulated = Arrivals(cluster.names)
    coalescer = Coalescer(log, START_MS, 0)
    now_ms, lasted_ms = START_MS, []
    while log.head.total_events < events:
        now_ms += TICK_MS
        arrivals = simulated.of(cluster.advance(now_ms), now_ms)
        began_s = time.perf_counter()
        coalescer.tick(arrivals, now_ms, now_ms - START_MS)
        lasted_ms.append((time.perf_counter() - began_s) * 1000)
    return lasted_ms


def read(log: MemoryLog, by: Filter, position: Position, stop: Position) -> tuple[int, int, float]:
    """Events and bytes of JSON, and the longest page in ms."""
    events = size_bytes = 0
    longest_ms = 0.0

    async def pages() -> None:
        nonlocal position, events, size_bytes, longest_ms
        while position.seq < stop.seq:
            began_s = time.perf_counter()
            page = await log.read(position, stop, by.wants, PageLimits())
            for window in page.windows:
                part = select(window, by)
                if part is not None:
                    events += part.events
                    size_bytes += len(JSON.data(part.start_ms, part.end_ms, part.fragments, part.counts))
            position = page.position
            longest_ms = max(longest_ms, (time.perf_counter() - began_s) * 1000)

    asyncio.run(pages())
    return events, size_bytes, longest_ms


def percentile(values: list[float], share: float) -> float:
    """Of ``values``."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=10_000, help="events per second of simulated time")
    options = parser.parse_args()

    before_bytes = rss_bytes()
    log = MemoryLog("bench", 10**12, 1 << 40)
    lasted_ms = fill(log, options.events, options.rate)
    gc.collect()
    events = log.head.total_events
    grown_bytes = rss_bytes() - before_bytes
    print(f"{events:,} events, {(log.head.end_ms - START_MS) / 60_000:.1f} minutes of {options.rate:,} events/s")
    print(f"memory: {grown_bytes / events:.1f} bytes of RSS an event, {log.memory_bytes / events:.1f} by its own count")
    print(
        f"append: p50 {percentile(lasted_ms, 0.5):.2f} ms, p99 {percentile(lasted_ms, 0.99):.2f} ms,"
        f" max {max(lasted_ms):.2f} ms"
    )
    unpack = zstandard.ZstdDecompressor().decompress
    began_s = time.perf_counter()
    for block in log._blocks:
        unpack(block.all.lines)
    alone_s = time.perf_counter() - began_s
    print(f"zstd alone: {alone_s:.2f} s")
    last_minute = log.before_ms((log.head.end_ms or 0) - 60_000)
    for name, by, position in (
        ("all", Filter.of(), log.oldest),
        ("Raft", Filter.of(["raft"]), log.oldest),
        ("SlotHeat", Filter.of(["heat"]), log.oldest),
        ("Wal", Filter.of(["wal"]), log.oldest),
        ("node 1", Filter.of((), [1]), log.oldest),
        ("the last minute", Filter.of(), last_minute),
    ):
        rss = rss_bytes()
        began_s = time.perf_counter()
        found, size_bytes, longest_ms = read(log, by, position, log.head)
        took_s = time.perf_counter() - began_s
        print(
            f"read {name}: {found:,} events, {size_bytes / 1e6:,.1f} MB in {took_s:.2f} s,"
            f" {took_s / alone_s:.2f} of zstd alone; longest page {longest_ms:.1f} ms,"
            f" RSS {(rss_bytes() - rss) / 1e6:+.1f} MB"
        )


if __name__ == "__main__":
    main()
