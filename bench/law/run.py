"""One run: the daemon, its publishers and its clients, from the first start to the last word."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.daemon import Daemon, cpu_s, rss_bytes, rss_peak_bytes
from bench.filters import SUMMARY_NAMES
from bench.law.check import Checked, check
from bench.law.events import Forms
from bench.law.faults import Lives
from bench.law.fleet import Fleet
from bench.law.kinds import plans
from bench.law.publishers import Publishers
from bench.measured import MIB, RSS_ALLOWANCE_MIB, RSS_ALLOWANCE_SHARE

__all__ = ["Beside", "Options", "Ran", "Sample", "run"]

SAMPLE_EVERY_S = 1.0
TURN_S = 0.05
CALM_SHARE = 0.1
"""Of the time, at the end: nobody is killed any more."""
DELIVER_S = 60.0
FLAT_SHARE = 0.15
"""The last minute may take so much more than the median of the run, where that says something at all."""
FLAT_FROM_S = 240.0

_KEEP_LESS = """
from vizd.log.segment import Segment
Segment.MAX_AGE_MS = {segment_ms}
import vizd.history
_log = vizd.history.MemoryLog
vizd.history.MemoryLog = lambda **options: _log(**options | {{"max_age_ms": {age_ms}}})
"""
"""Run in the daemon's process before it starts: a log that keeps less than the minute that is the least it offers."""


@dataclass(frozen=True, slots=True)
class Options:
    """Of one run.

    :ivar rate: of all events together, per second. :ivar retention_s: that the daemon's log keeps; 0: by its bytes
        alone. :ivar max_events_per_s: that a client with a filter gets.
    :ivar fault: of ``faults.FAULTS``, with history on disk; ``None``: none.
    """

    seconds: float
    clients: int
    rate: int
    nodes: int
    seed: int
    buffer_mb: int
    retention_s: float
    max_events_per_s: int
    fault: str | None = None

    @property
    def assumed_retention_s(self) -> float:
        """That clients go by who want to come too late: measured, with these events, as 15 bytes each."""
        return self.retention_s or self.buffer_mb * MIB / (15 * self.rate)


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the daemon."""

    at_s: float
    rss_bytes: int
    cpu_s: float


@dataclass(slots=True)
class Ran:
    """What happened.

    :ivar samples: while the publishers ran. :ivar acked: by node.
    :ivar daemon_kills: of the daemon itself. :ivar stalled_looks: how often it was seen that it stores nothing.
    """

    options: Options
    samples: list[Sample] = field(default_factory=list)
    oldest: list[tuple[int, int]] = field(default_factory=list)
    acked: dict[int, int] = field(default_factory=dict)
    expected: int = 0
    kills: int = 0
    daemon_kills: int = 0
    stalled_looks: int = 0
    rss_base_bytes: int = 0
    rss_peak_bytes: int = 0
    stats: dict[str, Any] = field(default_factory=dict)
    exit_status: int | None = None
    complaints: list[str] = field(default_factory=list)
    check_s: float = 0.0
    checked: Checked = field(default_factory=lambda: Checked([], [], {}))

    @property
    def violations(self) -> list[str]:
        """Of the clients' sentences, and of those on the run as a whole."""
        return [*self._of_the_whole(), *self.checked.violations]

    def _of_the_whole(self) -> list[str]:
        found = []
        if self.acked != self.checked.stored:
            found.append(f"what was acked is the log: acked {self.acked}, stored {self.checked.stored}")
        if sum(self.acked.values()) != self.expected:
            found.append(f"all is acked in time: {sum(self.acked.values()):,} of {self.expected:,}")
        received = self.stats.get("total_events_received")
        if received != sum(self.acked.values()):
            found.append(f"/api/stats: {received} events received, {sum(self.acked.values())} acked")
        ingest = self.stats.get("ingest", {})
        found += [
            f"/api/stats: {ingest[name]} events {name}" for name in ("lost", "invalid", "unknown") if ingest.get(name)
        ]
        if self.rss_peak_bytes > self.rss_bound_bytes:
            found.append(
                f"memory is bounded: {self.rss_peak_bytes / MIB:,.0f} MiB, of {self.rss_bound_bytes / MIB:,.0f}"
            )
        if self.options.seconds >= FLAT_FROM_S and self.rss_minutes[2] > self.rss_minutes[1] * (1 + FLAT_SHARE):
            found.append("memory is flat: the last minute takes more than the median of all")
        if self.exit_status != 0:
            found.append(f"the daemon's exit status is {self.exit_status}")
        return found + [f"the daemon's log: {line}" for line in self.complaints[:5]]

    @property
    def rss_bound_bytes(self) -> int:
        """What the daemon may take."""
        return self.rss_base_bytes + int((self.options.buffer_mb * (1 + RSS_ALLOWANCE_SHARE) + RSS_ALLOWANCE_MIB) * MIB)

    @property
    def rss_minutes(self) -> tuple[int, int, int]:
        """Medians of bytes: of the first minute, of all, of the last minute; of a third, where there are fewer."""
        values = [each.rss_bytes for each in self.samples]
        part = max(1, min(60, len(values) // 3))
        return _median(values[:part]), _median(values), _median(values[-part:])

    @property
    def cpu_share(self) -> float:
        """Of one core, by the daemon."""
        first, last = self.samples[0], self.samples[-1]
        return (last.cpu_s - first.cpu_s) / max(0.001, last.at_s - first.at_s)


def _median(values: Sequence[int]) -> int:
    return sorted(values)[len(values) // 2]


Beside = Callable[[Daemon], AbstractContextManager[object]]


def run(options: Options, directory: Path, beside: Beside = nullcontext) -> Ran:
    """From the daemon's start to its end, and the check of all transcripts.

    :param directory: for the daemon's log and for transcripts.
    :param beside: what else the daemon has to do; entered when all clients are connected, and before anything is said.
    """
    forms = Forms(options.nodes, list(SUMMARY_NAMES))
    planned = plans(
        options.clients, options.rate, options.max_events_per_s, forms, options.seed, options.assumed_retention_s,
        options.seconds,
    )  # fmt: skip
    ran = Ran(options)
    age_ms = int(options.retention_s * 1000)
    before = _KEEP_LESS.format(age_ms=age_ms, segment_ms=max(500, age_ms // 4)) if age_ms else ""
    lives = Lives(directory, [f"--buffer-mb={options.buffer_mb}"], options.fault, options.seed, before)
    planned = [replace(each, survives=options.fault == "killed") for each in planned]
    daemon = lives.daemon
    publishers = Publishers(daemon.grpc_port, options.nodes, options.rate, options.seconds, options.seed, directory)
    url = f"ws://127.0.0.1:{daemon.http_port}/ws/events"
    # The reference has a process to itself, and so have the clients of everything: what others cost makes none late.
    takes_all = [each for each in planned[1:] if each.asked.is_open]
    parts = [planned[:1], takes_all, [each for each in planned if not each.asked.is_open]]
    fleets: list[Fleet] = []
    try:
        fleets += [Fleet(url, part, options.nodes, directory) for part in parts if part]
        for fleet in fleets:
            fleet.wait_ready()
        with beside(daemon):
            ran.rss_base_bytes = rss_bytes(daemon.pid)
            _publish(publishers, lives, ran)
        daemon = lives.daemon
        ran.daemon_kills = lives.kills
        for fleet in fleets:
            fleet.begin_to_finish()
        for fleet in fleets:
            fleet.wait_finished()
        _look(daemon, ran)
        ran.stats = daemon.stats()
        ran.rss_peak_bytes = rss_peak_bytes(daemon.pid)
        ran.exit_status = daemon.stop()
        ran.complaints = lives.complaints
    finally:
        publishers.kill()
        for fleet in fleets:
            fleet.kill()
        lives.daemon.kill()
    began_s = time.monotonic()
    ran.checked = check(planned, options.nodes, ran.oldest, directory)
    ran.check_s = time.monotonic() - began_s
    return ran


def _publish(publishers: Publishers, lives: Lives, ran: Ran) -> None:
    publishers.start()
    began_s = sampled_s = time.monotonic()
    calm_s = began_s + ran.options.seconds * (1 - CALM_SHARE)
    while time.monotonic() < calm_s:
        publishers.turn()
        lives.turn()
        if time.monotonic() >= sampled_s:
            sampled_s += SAMPLE_EVERY_S
            _look(lives.daemon, ran)
            ran.stalled_looks += lives.has_stalled()
        time.sleep(TURN_S)
    publishers.finish(ran.options.seconds * CALM_SHARE + DELIVER_S)
    _look(lives.daemon, ran)
    ran.acked = {each.node: each.acked for each in publishers.all}
    ran.expected = publishers.expected
    ran.kills = sum(each.kills for each in publishers.all)


def _look(daemon: Daemon, ran: Ran) -> None:
    stats = daemon.stats()
    ran.samples.append(Sample(time.monotonic(), rss_bytes(daemon.pid), cpu_s(daemon.pid)))
    if stats["oldest_event_ms"] is not None:
        # After the answer: what it says was true before.
        ran.oldest.append((time.time_ns() // 1000, stats["oldest_event_ms"]))
