"""What the built-in page costs the browser that shows it, and how soon it shows something.

    python -m bench.page [--rates 1000,10000,36000] [--seconds 15] [--heap-minutes 10]

Each row is a real daemon, a simulated cluster and a real Chromium without a window, on this machine.
``--heap-minutes 0`` leaves out the last part, which takes so long.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.daemon import Daemon
from tests.page.browser import Page, open_page
from tests.page.cluster import Cluster

SETTLE_S = 3.0
"""From the first data to the beginning of a measurement: the first drawing of everything is another matter."""
HEAP_RATE = 10_000
HEAP_SAMPLES = 10
MIB = 1 << 20

_COUNT_FRAMES = """
const frames = window.benchFrames = {count: 0, longestMs: 0, last: performance.now()}
requestAnimationFrame(function frame(now) {
    frames.count += 1
    frames.longestMs = Math.max(frames.longestMs, now - frames.last)
    frames.last = now
    if (window.benchFrames === frames) requestAnimationFrame(frame)
})
"""
_SENT = """
const files = performance.getEntriesByType('resource').filter(each => each.name.includes('/static/'))
return [...performance.getEntriesByType('navigation'), ...files].map(each => each.encodedBodySize)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One rate. Shares are of the page's main thread, in [0, 1].

    :ivar published: events/s that the daemon stored meanwhile.
    """

    rate: int
    published: float
    first_data_ms: float
    fps: float
    longest_frame_ms: float
    busy: float
    script: float
    layout: float
    heap_bytes: int


@contextlib.contextmanager
def shown(rate: int, nodes: int, shards: int) -> Iterator[tuple[Daemon, Page]]:
    """The page of a daemon whose cluster publishes."""
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        daemon = Daemon(Path(directory))
        stack.callback(daemon.kill)
        cluster = Cluster(daemon.grpc_port, f"--rate={rate}", f"--nodes={nodes}", f"--shards={shards}")
        stack.callback(cluster.stop)
        while not daemon.stats()["total_events_received"] > rate:
            time.sleep(0.1)
        page = open_page(f"http://127.0.0.1:{daemon.http_port}/")
        stack.callback(page.close)
        page.first_data_ms()
        time.sleep(SETTLE_S)
        yield daemon, page


def heap_bytes(page: Page) -> int:
    """What is alive."""
    page.command("HeapProfiler.collectGarbage")
    return int(page.command("Runtime.getHeapUsage")["usedSize"])


def spent_s(page: Page) -> dict[str, float]:
    """By the main thread since the page was opened, by kind."""
    return {each["name"]: each["value"] for each in page.command("Performance.getMetrics")["metrics"]}


def row(rate: int, seconds: float, nodes: int, shards: int) -> Row:
    """Measure one rate."""
    with shown(rate, nodes, shards) as (daemon, page):
        page.command("Performance.enable", timeDomain="timeTicks")
        page.run(_COUNT_FRAMES)
        began, stored, began_s = spent_s(page), daemon.stats()["total_events_received"], time.monotonic()
        time.sleep(seconds)
        spent, frames = spent_s(page), page.run("return window.benchFrames")
        took_s = time.monotonic() - began_s

        def share(*names: str) -> float:
            return sum(spent[name] - began[name] for name in names) / took_s

        return Row(
            rate=rate,
            published=(daemon.stats()["total_events_received"] - stored) / took_s,
            first_data_ms=page.first_data_ms(),
            fps=frames["count"] / took_s,
            longest_frame_ms=frames["longestMs"],
            busy=share("TaskDuration"),
            script=share("ScriptDuration"),
            layout=share("LayoutDuration", "RecalcStyleDuration"),
            heap_bytes=heap_bytes(page),
        )


def heap_over(minutes: float, nodes: int, shards: int) -> list[tuple[float, int]]:
    """Minutes and bytes."""
    with shown(HEAP_RATE, nodes, shards) as (_, page):
        began_s = time.monotonic()
        found = [(0.0, heap_bytes(page))]
        for turn in range(1, HEAP_SAMPLES + 1):
            time.sleep(max(0.0, began_s + turn * minutes * 60 / HEAP_SAMPLES - time.monotonic()))
            found.append(((time.monotonic() - began_s) / 60, heap_bytes(page)))
        return found


def sent() -> list[int]:
    """Bytes of each file of the page, as a browser with an empty cache gets it."""
    with shown(1_000, 3, 8) as (_, page):
        return [int(each) for each in page.run(_SENT)]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__.splitlines()[0])
    parser.add_argument("--rates", default="1000,10000,36000", help="events/s, one row each (%(default)s)")
    parser.add_argument("--seconds", type=float, default=15, help="of each row (%(default)s)")
    parser.add_argument("--heap-minutes", type=float, default=10, help="0: not at all (%(default)s)")
    parser.add_argument("--nodes", type=int, default=5)
    parser.add_argument("--shards", type=int, default=24)
    options = parser.parse_args()
    files = sent()
    print(f"sent: {len(files)} files, {sum(files):,} bytes compressed\n")
    print(f"{options.nodes} nodes, {options.shards} shards, {options.seconds:g} s a row; shares of the main thread")
    print("   rate  stored/s  first data    fps  longest frame   busy  script  layout  heap")
    for rate in map(int, options.rates.split(",")):
        found = row(rate, options.seconds, options.nodes, options.shards)
        print(
            f"{found.rate:>7,}  {found.published:>8,.0f}  {found.first_data_ms:>7,.0f} ms  {found.fps:>5.1f}"
            f"  {found.longest_frame_ms:>10,.0f} ms  {found.busy:>5.1%}  {found.script:>6.1%}  {found.layout:>6.1%}"
            f"  {found.heap_bytes / MIB:.1f} MiB",
            flush=True,
        )
    if options.heap_minutes:
        print(f"\nheap at {HEAP_RATE:,} events/s")
        for minutes, size in heap_over(options.heap_minutes, options.nodes, options.shards):
            print(f"{minutes:>6.1f} min  {size / MIB:6.1f} MiB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
