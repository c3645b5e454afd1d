"""What do the timeline and coverage cost? ``python -m bench.timeline``

Windows of fsyncs and some readings of pressure, of ``--nodes`` nodes on a simulated clock, are folded in this process;
then ranges are asked for. Nothing else is in the way: no log, no sockets.
"""

import argparse
import gzip
import time
from collections.abc import Iterator
from random import Random

from vizd.events.catalogue import KINDS
from vizd.events.facet import Facet, Facets
from vizd.log.window import Draft, Mark, Publisher, Window
from vizd.state.chart import chart
from vizd.state.coverage import Coverage
from vizd.state.timeline import Timeline

_TICK_MS = 50
_BEGIN_MS = 1_765_000_000_000
_PATTERNS = 40
"""Different windows; what is counted are their facets and the ends of their fragments."""

_KIND = {str(kind): kind for kind in KINDS}


def _fragment(name: str, node: int, shard: int, rest: str) -> bytes:
    event = f'{{"type":"{name}","data":{{"node":{node},{rest}}}}}'
    return f'{{"ts":{_BEGIN_MS},"node":{node},"event":{event},"shard":{shard}}}'.encode()


def _patterns(nodes: int, shards: int, rate: int, rng: Random) -> list[tuple[list[Facet], list[bytes], list[Mark]]]:
    """What windows hold: mostly fsyncs, and some pressure."""
    facets_of, patterns = Facets(), []
    for _ in range(_PATTERNS):
        facets: list[Facet] = []
        fragments: list[bytes] = []
        marks: list[Mark] = []
        for node in range(1, nodes + 1):
            count = rate * _TICK_MS // 1_000 // nodes
            marks.append(Mark(Publisher(node, f"node-{node}", node), 1, count, events=count))
            for number in range(count):
                shard = rng.randrange(shards)
                if number == 0 and rng.random() < 0.1:
                    kind = f'{{"kind":"WritePressureUpdate","ratio":{rng.random():.2f},"high":false,"threshold":0.8}}'
                    facets.append(facets_of.of(_KIND["Lsm.WritePressureUpdate"], (node,), shard))
                    fragments.append(_fragment("Lsm", node, shard, f'"kind":{kind}'))
                    continue
                ms = int(rng.lognormvariate(1 + node % 7 / 4, 0.6))
                facets.append(facets_of.of(_KIND["Wal.Fsync"], (node,), shard))
                kind = f'{{"kind":"Fsync","ms":{ms}}}'
                fragments.append(_fragment("Wal", node, shard, f'"seg":{rng.randrange(9_999)},"kind":{kind}'))
        patterns.append((facets, fragments, marks))
    return patterns


def _windows(minutes: float, patterns: list[tuple[list[Facet], list[bytes], list[Mark]]]) -> Iterator[Window]:
    events, rng = 0, Random(2)
    for number in range(int(minutes * 60_000 / _TICK_MS)):
        at_ms = _BEGIN_MS + number * _TICK_MS
        yield (window := Window(number + 1, at_ms, "bench", Draft(at_ms, _TICK_MS, *rng.choice(patterns)), events))
        events = window.position.total_events


def _milliseconds(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return (
        f"p50 {ordered[len(ordered) // 2] * 1e3:.2f}, p99 {ordered[len(ordered) * 99 // 100] * 1e3:.2f},"
        f" longest {ordered[-1] * 1e3:.2f} ms"
    )


def _fold(asked: argparse.Namespace) -> Timeline:
    timeline = Timeline(Coverage())
    spent = {"coverage": 0.0, "timeline": 0.0}
    folds: list[float] = []
    events = 0
    for window in _windows(asked.minutes, _patterns(asked.nodes, asked.shards, asked.rate, Random(1))):
        events = window.position.total_events
        begin = time.perf_counter()
        timeline.coverage.fold(window)
        between = time.perf_counter()
        timeline.fold(window)
        end = time.perf_counter()
        spent["coverage"] += between - begin
        spent["timeline"] += end - between
        folds.append(end - begin)
    print(f"{asked.minutes:g} minutes of {asked.nodes} nodes with {asked.shards} shards each, {events:,} events")
    for name, seconds in spent.items():
        print(f"{name:>9}: {seconds / events * 1e6:.3f} us per event, {seconds / len(folds) * 1e6:.0f} us per window")
    print(f" one fold: {_milliseconds(folds)}")
    print(f"     kept: {timeline.memory_bytes / 1e6:.1f} MB of timeline, estimated")
    return timeline


def _ask(timeline: Timeline, title: str, from_ms: int | None, step_ms: int | None) -> None:
    slices, parts = [], []
    whole = chart(timeline, timeline.steps(from_ms, None, step_ms))
    while True:
        begin = time.perf_counter()
        part = next(whole, None)
        slices.append(time.perf_counter() - begin)
        if part is None:
            break
        parts.append(part)
    text = b"".join(parts)
    packed = len(gzip.compress(text, 1))
    print(f"{title}: {sum(slices) * 1e3:.0f} ms, {len(text) / 1e3:.0f} kB, gzipped {packed / 1e3:.0f} kB")
    print(f"   slices: {len(slices)}, {_milliseconds(slices)}")


def main() -> None:
    """Fold, ask, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--nodes", type=int, default=100)
    options.add_argument("--shards", type=int, default=10)
    options.add_argument("--rate", type=int, default=20_000, help="events a second")
    options.add_argument("--minutes", type=float, default=60)
    timeline = _fold(options.parse_args())
    newest_ms = timeline.coverage.newest_ms or 0
    _ask(timeline, "all of it", None, None)
    _ask(timeline, "15 minutes", newest_ms - 900_000, None)
    _ask(timeline, "5 minutes by the second", newest_ms - 300_000, 1_000)


if __name__ == "__main__":
    main()
