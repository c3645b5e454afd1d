"""What a buffered event takes: resident memory, beside the same events as Python dicts and as structs of Rust."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from bench.measured import spread
from bench.speed.fresh import in_fresh_process, settled_rss_bytes
from bench.speed.logged import Filler, unbounded_log
from bench.speed.table import Row

__all__ = ["MINUTES", "RUST_STRUCT_BYTES", "Buffered", "bytes_per_event", "row"]

RUST_STRUCT_BYTES = 67
"""Of an event of the original, as the project's target names it."""
MINUTES = {10_000: 30, 1_000: 60}
"""Of the log, by its events per second: the first is the table's. Slower ones make blocks of fewer events."""
REPEATED_S = 20.0
"""So much of the cluster's time is said over and over: blocks are of a second, and compressed each by itself."""
DICTS = 100_000
DICTS_RATE = 10_000


@dataclass(frozen=True, slots=True)
class Buffered:
    """Bytes an event.

    :ivar rss: what the process has grown by. :ivar own: by the log's own estimate.
    """

    rate: int
    events: int
    rss: float
    own: float


def bytes_per_event(rate: int, minutes: float, tell: Callable[[str], None]) -> Buffered:
    """Of a log of that length; in a process of its own."""
    found, appended = in_fresh_process(_buffered, rate, minutes)
    tell(f"  {found.events:,} events at {rate:,}/s: {found.rss:.1f} bytes of RSS, {found.own:.1f} by its own count")
    tell(f"  an append: {appended} ms")
    return found


def _buffered(rate: int, minutes: float) -> tuple[Buffered, str]:
    log = unbounded_log()
    filler = Filler(log, rate, minute_s=REPEATED_S)
    filler.fill(0.01)  # What is made once is there.
    before_bytes, before = settled_rss_bytes(), log.head.total_events
    filler.fill(minutes)
    grown_bytes, total = settled_rss_bytes() - before_bytes, log.head.total_events
    appended = str(spread(filler.appended_ms))
    return Buffered(rate, total, grown_bytes / (total - before), log.memory_bytes / total), appended


def _dict_bytes(events: int) -> float:
    filler = Filler(unbounded_log(), DICTS_RATE, minute_s=events / DICTS_RATE)
    fragments = list(islice(filler.fragments(), events))
    before_bytes = settled_rss_bytes()
    dicts = [json.loads(fragment) for fragment in fragments]
    return (settled_rss_bytes() - before_bytes) / len(dicts)


def row(buffered: list[Buffered]) -> Row:
    """Of the table: the first; the others are told beside it."""
    first, *others = buffered
    dicts = in_fresh_process(_dict_bytes, DICTS)
    note = [f"{first.events:,} events at {first.rate:,}/s; {first.rss / dicts:.3f} of dicts"]
    note += [f"at {each.rate:,}/s: {each.rss:.1f} B" for each in others]
    reference = f"{RUST_STRUCT_BYTES} B; dicts {dicts:,.0f} B"
    return Row("memory", f"{first.rss:.1f} B", reference, first.rss / RUST_STRUCT_BYTES, "; ".join(note))
