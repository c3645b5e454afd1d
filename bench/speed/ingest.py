"""What an event costs on its way in, and how many of them one core takes.

Beside a handler that decodes the same messages, counts their events and drops them: the same publishers, the same
options, the same core. Both take turns, so that both see the same machine.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.daemon import Daemon
from bench.measured import Spread, spread
from bench.speed.crowd import Counts, Crowd
from bench.speed.publisher import UNLIMITED, Publisher
from bench.speed.servers import Server, daemon, reference
from bench.speed.table import Row

__all__ = ["EventCost", "Saturated", "cost_row", "events_cost", "saturate", "saturated_row"]

SETTLE_S = 1.0
THIN_CLIENTS = 200
THIN_QUERY = "json=true&max_kbps=150"
WATCHING_QUERY = "json=true&state=false&types=cache&max_lag_ms=0"
"""Little of each window, and something of nearly every one: who asks for it sees each tick."""
FINISH_TIMEOUT_S = 30.0
LEAST_WINDOWS_PER_S = 19.0
"""Of 20: a tick that takes longer than a window makes the next one later, not more of them."""
DAEMON_OPTIONS = ("--buffer-mb=2000",)


@dataclass(slots=True)
class EventCost:
    """CPU in us an event, in each round."""

    rate: int
    daemon_us: list[float] = field(default_factory=list)
    handler_us: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median of the rounds'."""
        return median(ours / theirs for ours, theirs in zip(self.daemon_us, self.handler_us, strict=True))


@dataclass(slots=True)
class Flow:
    """What one server took in a while: events and CPU, a second."""

    events_per_s: float
    cpu_share: float
    counts: Counts | None = None

    @property
    def us(self) -> float:
        """CPU an event."""
        return self.cpu_share / self.events_per_s * 1e6


@dataclass(slots=True)
class Saturated:
    """Of each round.

    :ivar windows_per_s: that a client was sent which takes everything at once. :ivar lengths_ms: of those windows.
    :ivar faults: what was to hold, and did not.
    """

    daemon: list[Flow] = field(default_factory=list)
    handler: list[Flow] = field(default_factory=list)
    windows_per_s: list[float] = field(default_factory=list)
    lengths_ms: list[Spread] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Of the rates: the median of the rounds'."""
        pairs = zip(self.daemon, self.handler, strict=True)
        return median(ours.events_per_s / theirs.events_per_s for ours, theirs in pairs)


@dataclass(frozen=True, slots=True)
class _Both:
    """The daemon and the handler, and who publishes to each.

    :ivar ours: as a server that takes events.
    """

    running: Daemon
    ours: Server
    handler: Server
    to_daemon: Publisher
    to_handler: Publisher


@contextmanager
def _both() -> Iterator[_Both]:
    with (
        TemporaryDirectory(prefix="vizd-ingest-") as directory,
        daemon(Path(directory), *DAEMON_OPTIONS) as running,
        reference("grpc_drop", "gRPC handler") as handler,
        Publisher(running.grpc_port) as to_daemon,
        Publisher(handler.port) as to_handler,
    ):
        yield _Both(running, Server("the daemon", running.pid, running.grpc_port), handler, to_daemon, to_handler)


def _flow(server: Server, publisher: Publisher, rate: float, seconds: float, crowd: Crowd | None = None) -> Flow:
    publisher.publish(rate)
    time.sleep(SETTLE_S)
    before, used_s = publisher.sent(), server.cpu_s
    if crowd is None:
        time.sleep(seconds)
        counts = None
    else:
        counts = crowd.over(seconds)
    after = publisher.sent()
    lasted_s = after.at_s - before.at_s
    share = (server.cpu_s - used_s) / lasted_s
    publisher.publish(0)
    return Flow((after.stored - before.stored) / lasted_s, share, counts)


def events_cost(rates: Sequence[int], rounds: int, seconds: float, tell: Callable[[str], None]) -> list[EventCost]:
    """At rates that both can take.

    :param rates: events per second.
    """
    costs = [EventCost(rate) for rate in rates]
    with _both() as both:
        for number in range(rounds):
            for cost in costs:
                dropped = _flow(both.handler, both.to_handler, cost.rate, seconds)
                both.to_handler.finish(FINISH_TIMEOUT_S)
                taken = _flow(both.ours, both.to_daemon, cost.rate, seconds)
                both.to_daemon.finish(FINISH_TIMEOUT_S)
                cost.daemon_us.append(taken.us)
                cost.handler_us.append(dropped.us)
                tell(
                    f"  round {number + 1}: {taken.events_per_s:,.0f} events/s: {taken.us:.2f} us an event,"
                    f" {taken.cpu_share:.0%} of a core; handler {dropped.events_per_s:,.0f}: {dropped.us:.2f} us"
                )
    return costs


def saturate(rounds: int, seconds: float, tell: Callable[[str], None]) -> Saturated:
    """Everything that each can take, of publishers that send what they may."""
    found = Saturated()
    with _both() as both, Crowd() as crowd:
        crowd.connect(both.running.http_port, [WATCHING_QUERY, *[THIN_QUERY] * THIN_CLIENTS])
        for number in range(rounds):
            dropped = _flow(both.handler, both.to_handler, UNLIMITED, seconds)
            both.to_handler.finish(FINISH_TIMEOUT_S)
            taken = _flow(both.ours, both.to_daemon, UNLIMITED, seconds, crowd)
            _add(found, taken, dropped)
            sent = both.to_daemon.finish(FINISH_TIMEOUT_S)
            _check(found, both.running, sent.sent, taken)
            tell(
                f"  round {number + 1}: saturated: {taken.events_per_s:,.0f} events/s ({taken.cpu_share:.0%} of a"
                f" core), handler {dropped.events_per_s:,.0f} ({dropped.cpu_share:.0%});"
                f" {found.windows_per_s[-1]:.1f} windows/s, length {found.lengths_ms[-1]} ms"
            )
    return found


def _add(found: Saturated, taken: Flow, dropped: Flow) -> None:
    counts = taken.counts
    assert counts is not None
    lengths_ms = spread(end_ms - start_ms for start_ms, end_ms in counts.windows)
    if lengths_ms is None:
        raise RuntimeError(f"no window came to {WATCHING_QUERY} in {counts.seconds:.1f} s")
    found.daemon.append(taken)
    found.handler.append(dropped)
    found.windows_per_s.append(counts.batches[0] / counts.seconds)
    found.lengths_ms.append(lengths_ms)


def _check(found: Saturated, running: Daemon, sent: int, taken: Flow) -> None:
    assert taken.counts is not None
    stats = running.stats()
    if stats["total_events_received"] != sent:
        found.faults.append(f"{sent:,} events were sent and acked, {stats['total_events_received']:,} received")
    found.faults += [
        f"{stats['ingest'][name]:,} events {name}"
        for name in ("lost", "invalid", "unknown", "duplicates")
        if stats["ingest"][name]
    ]
    if taken.counts.gaps or taken.counts.closed:
        found.faults.append(f"{taken.counts.gaps} gaps and {taken.counts.closed} closed connections among the clients")


def cost_row(costs: Sequence[EventCost]) -> Row:
    """Of the table: the highest rate; the others are told beside it."""
    *others, most = sorted(costs, key=lambda cost: cost.rate)
    note = [f"at {most.rate:,} events/s", *(f"at {each.rate:,}: {each.ratio:.2f}" for each in others)]
    return Row(
        "event-cpu", f"{median(most.daemon_us):.2f} us", f"{median(most.handler_us):.2f} us", most.ratio,
        "; ".join(note),
    )  # fmt: skip


def saturated_row(found: Saturated) -> Row:
    """Of the table."""
    windows_per_s = median(found.windows_per_s)
    faults = list(found.faults)
    if windows_per_s < LEAST_WINDOWS_PER_S:
        faults.append(f"{windows_per_s:.1f} windows/s, not 20")
    ours, theirs = (median(each.events_per_s for each in flows) for flows in (found.daemon, found.handler))
    cores = ", ".join(f"{median(each.cpu_share for each in flows):.0%}" for flows in (found.daemon, found.handler))
    note = (
        f"clients of 150 kbit/s; {windows_per_s:.1f} windows/s to one that takes all;"
        f" window length p99 {median(each.p99 for each in found.lengths_ms):.0f} ms; all acked; cores used: {cores}"
    )
    return Row("saturated", f"{ours:,.0f}/s", f"{theirs:,.0f}/s", found.ratio, note, tuple(faults))
