"""What one run measured, in plain values."""

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.filters import Asked
from bench.history import Compared
from bench.tally import Expected, Received

__all__ = ["Measured", "Sample", "Spread", "spread"]

MIB = 1 << 20

RSS_ALLOWANCE_SHARE = 0.1
"""Of ``--buffer-mb``: the log estimates its memory, and what the allocator can't give back comes on top."""
FULL_SHARE = 0.95
"""Of all cores: a machine that is busier than this makes everybody wait."""
RSS_ALLOWANCE_MIB = 96
"""For all that is not the log: three times 16 MiB of frames made once for many, messages on their way in, sockets."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Of many numbers."""

    p50: float
    p99: float
    most: float

    def __str__(self) -> str:
        return f"p50 {self.p50:,.1f}, p99 {self.p99:,.1f}, max {self.most:,.1f}"


def spread(values: Iterable[float]) -> Spread | None:
    """By the nearest rank; ``None`` of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None

    def rank(share: float) -> float:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return Spread(rank(0.5), rank(0.99), ordered[-1])


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the daemon while the cluster publishes. CPU times are totals, in seconds."""

    at_s: float
    rss_bytes: int
    daemon_cpu_s: float
    cluster_cpu_s: float
    readers_cpu_s: float
    machine_cpu_s: float
    buffer_bytes: int
    waiting_events: int
    tick_late_ms: int


@dataclass(slots=True)
class Measured:
    """One run.

    :ivar coalesce_ms: of the daemon.
    :ivar cluster: the simulator's own accounting. :ivar settled_s: from its end to the last event; ``None``: never.
    :ivar stats: ``/api/stats`` after everything was delivered.
    :ivar rss_base_bytes: the daemon's with all clients connected, before the first event.
    :ivar complaints: lines of the daemon's log that tell of an error.
    """

    options: dict[str, Any]
    asked: Sequence[Asked]
    coalesce_ms: int
    rss_base_bytes: int
    cluster: dict[str, Any] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    settled_s: float | None = None
    stats: dict[str, Any] = field(default_factory=dict)
    rss_peak_bytes: int = 0
    rss_end_bytes: int = 0
    history: Compared | None = None
    received: list[Received] = field(default_factory=list)
    expected: dict[str, Expected] = field(default_factory=dict)
    exit_status: int | None = None
    complaints: list[str] = field(default_factory=list)

    @property
    def reference(self) -> Received:
        """The reader of everything, in JSON."""
        return self.received[0]

    @property
    def rss_bound_bytes(self) -> int:
        """What the daemon may take."""
        buffer_mb = self.options["buffer_mb"]
        return self.rss_base_bytes + int((buffer_mb * (1 + RSS_ALLOWANCE_SHARE) + RSS_ALLOWANCE_MIB) * MIB)

    @property
    def seconds(self) -> float:
        """From the first sample to the last."""
        return self.samples[-1].at_s - self.samples[0].at_s

    def cpu_share(self, name: str) -> float:
        """Of one core, while the cluster published; ``name`` as in ``Sample``."""
        return (getattr(self.samples[-1], name) - getattr(self.samples[0], name)) / self.seconds

    @property
    def busiest_share(self) -> float:
        """The daemon's, between two samples."""
        pairs = zip(self.samples, self.samples[1:], strict=False)
        return max((b.daemon_cpu_s - a.daemon_cpu_s) / (b.at_s - a.at_s) for a, b in pairs)

    @property
    def others_share(self) -> float:
        """Of one core: what processes that are no part of the run took of the machine, and of the measurement."""
        ours = sum(map(self.cpu_share, ("daemon_cpu_s", "cluster_cpu_s", "readers_cpu_s")))
        return max(0.0, self.cpu_share("machine_cpu_s") - ours)

    @property
    def machine_is_full(self) -> bool:
        """Whoever is late on it may have waited for a core."""
        return self.cpu_share("machine_cpu_s") > FULL_SHARE * (os.cpu_count() or 1)

    @property
    def cpu_us_per_event(self) -> float:
        """Of the daemon, from node to dashboards: what a busy machine changes the least."""
        used_s = self.samples[-1].daemon_cpu_s - self.samples[0].daemon_cpu_s
        return used_s * 1e6 / max(1, int(self.cluster["acked"]))

    @property
    def emitted_per_s(self) -> float:
        """What the rate came to."""
        return float(self.cluster["emitted"] / self.options["seconds"])

    @property
    def lateness(self) -> Spread | None:
        """Of the reference: receipt minus ``window_end``, in milliseconds."""
        return spread(self.reference.late_ms)

    @property
    def worst_lateness(self) -> Spread | None:
        """Of the reader whose p99 is the highest; one that gets little says nothing of the rest of the time."""
        often = self.reference.batches / 2
        spreads = [spread(each.late_ms) for each in self.received if each.batches > often]
        return max((each for each in spreads if each), key=lambda each: each.p99, default=None)

    @property
    def tick_lateness(self) -> Spread | None:
        """Windows of the reference beyond ``coalesce_ms``: a late tick makes a long window."""
        return spread(max(0, each - self.coalesce_ms) for each in self.reference.lengths_ms)

    @property
    def long_windows(self) -> int:
        """Batches of the reference that stand for two ticks or more: one was missed, or it was behind the head."""
        return sum(each >= 2 * self.coalesce_ms for each in self.reference.lengths_ms)

    @property
    def longest_window_s(self) -> float:
        """When the longest one began, in seconds after the first."""
        starts, lengths = self.reference.starts_ms, self.reference.lengths_ms
        return (starts[lengths.index(max(lengths))] - starts[0]) / 1000 if starts else 0.0

    @property
    def windows_per_s(self) -> float:
        """Batches of the reader who got most of them: one that is behind gets several windows as one."""
        return max(each.batches for each in self.received) / self.options["seconds"]
