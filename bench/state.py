"""What the projection costs: per event, per key, per view, per step of a keyframe.

    python -m bench.state [--keys 1000 100000 1000000]

The reference, in the same run, is a plain dict that gets the same events: by facet for floods, and by keys that are
given where keys are many. It knows no order, no bounds and no views. Python's collector of cycles does not run while
something is timed, and times are of the CPU, since others use the machine as well.
"""

import argparse
import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import zstandard

from vizd.events.catalogue import KINDS
from vizd.events.facet import Facet, Facets
from vizd.log.window import Draft, Window
from vizd.state.keyframe import pieces, restore
from vizd.state.keys import Keys
from vizd.state.projection import Projection

MAX_AGE_MS = 3_600_000
WINDOW_EVENTS = 10_000
NODES, SHARDS = 5, 24
_KINDS = {str(kind): kind for kind in KINDS}
_HEAD = '{"ts":1765000000123,"node":%d,"event":{"type":"%s","data":{"node":%d,'
Event = tuple[Facet, bytes]


def fsyncs(facets: Facets, number: int) -> Event:
    """The flood: 120 keys."""
    node, shard = number % NODES + 1, number // NODES % SHARDS
    text = (_HEAD + '"seg":7,"kind":{"kind":"Fsync","ms":%d}}},"shard":%d}') % (node, "Wal", node, number % 97, shard)
    return facets.of(_KINDS["Wal.Fsync"], (node,), shard), text.encode()


def heats(facets: Facets, number: int) -> Event:
    """Each number is a key, of which 1,000 share a facet."""
    node, shard = number // 1_000 % NODES + 1, number // (1_000 * NODES)
    text = (_HEAD + '"level":%d,"slot":%d,"heat":0.25,"k":3}},"shard":%d}') % (
        node, "SlotHeat", node, number % 7, number % 1_000, shard,
    )  # fmt: skip
    return facets.of(_KINDS["SlotHeat"], (node,), shard), text.encode()


class Log:
    """Windows of ``WINDOW_EVENTS``."""

    def __init__(self) -> None:
        self._seq = 0

    def windows(self, events: Sequence[Event]) -> list[Window]:
        """With marks that nobody asks for."""
        made = []
        for at in range(0, len(events), WINDOW_EVENTS):
            some = events[at : at + WINDOW_EVENTS]
            self._seq += 1
            draft = Draft(0, 50, [facet for facet, _ in some], [fragment for _, fragment in some], ())
            made.append(Window(self._seq, self._seq * 50, "bench", draft, 0))
        return made


def timed_us(call: Callable[[], Any]) -> float:
    """How long a call takes."""
    began_s = time.thread_time()
    call()
    return (time.thread_time() - began_s) * 1e6


def fold(projection: Projection, windows: Sequence[Window]) -> tuple[float, float]:
    """Microseconds in all, and of the longest fold."""
    lasted = [timed_us(lambda window=window: projection.fold(window)) for window in windows]  # type: ignore[misc]
    return sum(lasted), max(lasted)


def reference_us(windows: Sequence[Window]) -> float:
    """Of the same events in a dict by facet."""
    newest: dict[Facet, bytes] = {}
    return sum(timed_us(lambda w=w: newest.update(zip(w.facets, w.fragments, strict=True))) for w in windows)  # type: ignore[misc]


def keyed_reference_us(windows: Sequence[Window]) -> float:
    """Of the same events in a dict by key, with the keys given."""
    keys = Keys()
    columns = [(list(map(keys.of, window.facets, window.fragments)), window.fragments) for window in windows]
    newest: dict[bytes, bytes] = {}

    def put(keys: list[bytes], fragments: Sequence[bytes]) -> None:
        for key, fragment in zip(keys, fragments, strict=True):
            newest[key] = fragment  # noqa: PERF403 -- what a fold would do

    return sum(timed_us(lambda each=each: put(*each)) for each in columns)  # type: ignore[misc]


def steps_us(steps: Iterator[Any]) -> list[float]:
    """Of an iterator."""
    lasted = []
    while True:
        began_s = time.thread_time()
        if next(steps, steps) is steps:
            return lasted
        lasted.append((time.thread_time() - began_s) * 1e6)


def say(name: str, folded: tuple[float, float], count: int, what: str, plain_us: float) -> None:
    """A row."""
    us, longest_us = folded
    print(
        f"  {name:<20}{us / count:7.3f} us {what}, {us / plain_us:5.1f} times the dict;"
        f" longest window {longest_us / 1000:.1f} ms"
    )


def say_steps(name: str, lasted: Sequence[float], keys: int) -> None:
    """A row."""
    ordered = sorted(lasted)
    print(
        f"  {name:<20}{sum(lasted) / keys:7.3f} us a key, {len(lasted):,} steps: mean {sum(lasted) / len(lasted):.0f}"
        f" us, p99 {ordered[int(len(ordered) * 0.99)]:.0f}, max {ordered[-1]:.0f}"
    )


def empty(keys: int) -> Projection:
    """With room for all."""
    return Projection(MAX_AGE_MS, max_keys=2 * keys + 1_000, max_bytes=1 << 40)


def measure(keys: int) -> None:
    """With so many keys."""
    print(f"{keys:,} keys")
    log, facets = Log(), Facets()
    given = log.windows([heats(facets, number) for number in range(keys)])
    measure_memory(given, keys)
    projection = empty(keys)
    say("new keys", fold(projection, given), keys, "a key", keyed_reference_us(given))
    some = min(keys, 100_000)
    updates = log.windows([heats(facets, number * 7_919 % keys) for number in range(some)])
    say("updates, any order", fold(projection, updates), some, "a key", keyed_reference_us(updates))
    flood = [fsyncs(facets, number) for number in range(200_000)]
    windows = log.windows(flood)
    say("flood of 120 keys", fold(projection, windows), len(flood), "an event", reference_us(windows))
    mixed = [heats(facets, at * 7_919 % keys) if at % 50 == 0 else event for at, event in enumerate(flood)]
    windows = log.windows(mixed)
    say("with 2% SlotHeat", fold(projection, windows), len(mixed), "an event", reference_us(windows))

    views, view_us = [], []
    for window in log.windows(flood):
        projection.fold(window)
        view_us.append(timed_us(lambda: views.append(projection.view())))
    print(f"  view              {sum(view_us) / len(view_us):9.0f} us, max {max(view_us):.0f}")
    say_steps("walked", steps_us(views[0].slices()), keys)
    keyframe: list[bytes] = []
    say_steps("keyframe made", steps_us(keyframe.append(piece) for piece in pieces(views[-1])), keys)
    say_steps("keyframe restored", steps_us(restore(empty(keys), keyframe)), keys)
    packed = sum(len(zstandard.compress(piece, 1)) for piece in keyframe)
    print(
        f"  keyframe          {sum(map(len, keyframe)) / keys:9.0f} bytes a key, {packed / keys:.0f} with each piece in"
        " zstd-1"
    )


def measure_memory(windows: Sequence[Window], keys: int) -> None:
    """What a projection of these takes, and how long Python's collector of cycles is busy with it."""
    gc.collect()
    bare_us = timed_us(gc.collect)
    tracemalloc.start()
    projection = empty(keys)
    fold(projection, windows)
    grown_bytes = tracemalloc.get_traced_memory()[0] + sum(len(each) + 33 for w in windows for each in w.fragments)
    tracemalloc.stop()
    gc.collect()
    print(
        f"  memory            {grown_bytes / keys:9.0f} bytes a key with its event, by its own count"
        f" {projection.memory_bytes / keys:.0f}; collection {(timed_us(gc.collect) - bare_us) / 1000:+.1f} ms"
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, nargs="+", default=[1_000, 100_000])
    gc.disable()
    for keys in parser.parse_args().keys:
        measure(keys)


if __name__ == "__main__":
    main()
