"""How fast the past is read: beside zstd alone, which unpacks the same blocks in the same process."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from bench.speed.fresh import in_fresh_process
from bench.speed.logged import Filler, unbounded_log
from bench.speed.table import Row
from vizd.events.catalogue import TYPES
from vizd.log.memory import MemoryLog
from vizd.log.zstd import decompress
from vizd.stream.filter import Filter
from vizd.stream.frames import select
from vizd.stream.history import PAGE
from vizd.web.formats import format_for

__all__ = ["Reading", "read_times", "rows"]

RATE = 10_000
MINUTES = 2
RARE = "Raft"
"""The type of the table's row."""


@dataclass(slots=True)
class Reading:
    """Of a log of ``events`` events, in seconds; each in every round.

    :ivar alone: zstd. :ivar everything: all of it, as ``/api/history`` writes it. :ivar types: one type each.
    :ivar longest_page_ms: a page is one turn of the daemon's reactor.
    """

    events: int
    alone: list[float] = field(default_factory=list)
    everything: list[float] = field(default_factory=list)
    types: dict[str, list[float]] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    longest_page_ms: float = 0.0

    @property
    def ratio(self) -> float:
        """1: as fast as zstd alone."""
        return median(alone / all_s for alone, all_s in zip(self.alone, self.everything, strict=True))

    def times_faster(self, name: str) -> float:
        """One type, than everything."""
        return median(all_s / one for all_s, one in zip(self.everything, self.types[name], strict=True))


def read_times(minutes: float, rounds: int, tell: Callable[[str], None]) -> Reading:
    """In a process of its own."""
    reading = in_fresh_process(_read_times, minutes, rounds)
    tell(
        f"  {reading.events:,} events: zstd alone {median(reading.alone):.3f} s, everything"
        f" {median(reading.everything):.3f} s; longest page {reading.longest_page_ms:.1f} ms"
    )
    for name, times in reading.types.items():
        tell(
            f"  {name}: {reading.found[name]:,} events in {median(times):.4f} s,"
            f" {reading.times_faster(name):.1f} times faster than everything"
        )
    return reading


def _read_times(minutes: float, rounds: int) -> Reading:
    log = unbounded_log()
    Filler(log, RATE, minute_s=min(60, minutes * 60)).fill(minutes)
    reading = Reading(log.tail.total_events)
    for _ in range(rounds):
        reading.alone.append(_unpack(log))
        reading.everything.append(_read(log, Filter.of(), reading)[0])
        for each in TYPES:
            took_s, found = _read(log, Filter.of([each.name]), reading)
            reading.types.setdefault(each.name, []).append(took_s)
            reading.found[each.name] = found
    return reading


def _unpack(log: MemoryLog) -> float:
    began_s = time.perf_counter()
    for block in log._heads:
        decompress(block.all.events)
    return time.perf_counter() - began_s


def _read(log: MemoryLog, by: Filter, reading: Reading) -> tuple[float, int]:
    """What ``/api/history`` does between two looks at the socket, for all that is sealed; seconds, and events."""

    async def pages() -> int:
        position, events = log.oldest, 0
        form = format_for([])
        while position.seq < log.tail.seq:
            page_s = time.perf_counter()
            page = await log.read(position, log.tail, by.wants, PAGE)
            parts = [part for window in page.windows if (part := select(window, by))]
            b"".join([piece for part in parts for piece in form.batch(part)])
            events += sum(part.events for part in parts)
            position = page.position
            reading.longest_page_ms = max(reading.longest_page_ms, (time.perf_counter() - page_s) * 1000)
        return events

    began_s = time.perf_counter()
    events = asyncio.run(pages())
    return time.perf_counter() - began_s, events


def rows(reading: Reading) -> list[Row]:
    """Of the table."""
    all_s, alone_s = median(reading.everything), median(reading.alone)
    types = ", ".join(f"{name} {reading.times_faster(name):.1f}" for name in reading.types if name != RARE)
    return [
        Row(
            "history-read", f"{reading.events / all_s / 1e6:.2f} M events/s",
            f"{reading.events / alone_s / 1e6:.2f} M events/s", reading.ratio,
            f"in process, {reading.events:,} events; longest page {reading.longest_page_ms:.1f} ms",
        ),
        Row(
            "one-type", f"{RARE}: {median(reading.types[RARE]) * 1000:.1f} ms", f"{all_s * 1000:.0f} ms",
            reading.times_faster(RARE), f"{reading.found[RARE]:,} events; the others: {types}",
        ),
    ]  # fmt: skip
