"""How cost grows with one thing, the rest as it is: what one more of it costs at each size.

Cost that is linear is a flat line here, and one that falls is better than that.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.daemon import Daemon, cpu_s
from bench.speed import fanout
from bench.speed.crowd import Crowd
from bench.speed.fresh import in_fresh_process, settled_rss_bytes
from bench.speed.ingest import DAEMON_OPTIONS
from bench.speed.logged import Filler, unbounded_log
from bench.speed.publisher import UNLIMITED, Publisher
from bench.speed.servers import daemon
from bench.state import Log, empty, fold, heats
from vizd.events.facet import Facets

__all__ = ["BENDS_BY", "CURVES", "Curve"]

BENDS_BY = 1.3
"""So many times what it was at a smaller size: more than what a machine that others use adds by itself."""
SECONDS = 2.5
SETTLE_S = 0.7


@dataclass(slots=True)
class Curve:
    """Of one thing.

    :ivar of: what there is more and more of. :ivar unit: of the cost. :ivar points: how many, and what one costs.
    :ivar why: it bends, where that is known.
    """

    name: str
    of: str
    unit: str
    points: list[tuple[float, float]] = field(default_factory=list)
    why: str = ""

    @property
    def bends_at(self) -> float | None:
        """From where on one more costs clearly more than it did; ``None``: nowhere."""
        least = float("inf")
        for size, cost in sorted(self.points):
            if cost > least * BENDS_BY:
                return size
            least = min(least, cost)
        return None

    @property
    def verdict(self) -> str:
        """For people."""
        bend = self.bends_at
        if bend is None:
            return "linear or better"
        return f"bends at {bend:,.0f}" + (f": {self.why}" if self.why else "")


def _share(running: Daemon, crowd: Crowd | None = None) -> tuple[float, float]:
    """Of one core, and frames per second of the crowd."""
    time.sleep(SETTLE_S)
    began_s, used_s = time.monotonic(), cpu_s(running.pid)
    frames_per_s = 0.0
    if crowd is None:
        time.sleep(SECONDS)
    else:
        frames_per_s = crowd.over(SECONDS).frames_per_s
    return (cpu_s(running.pid) - used_s) / (time.monotonic() - began_s), frames_per_s


CLIENTS = (200, 500, 1_000, 1_500, 2_000)
"""What fewer add is lost in the noise of what the daemon does anyway."""
CLIENTS_S = 4.0


def clients() -> list[Curve]:
    """Up to 2,000 of them."""
    curve = Curve("clients", "clients of 10 KB windows, 20/s", "us of CPU a frame of a further client")
    with fanout.serving(peers=False) as servers:
        servers.all = servers.all[:1]
        measured = fanout.measure(servers, CLIENTS, 1, CLIENTS_S, lambda _: None)
    curve.points = [(size, cost.us[0]) for (name, size), cost in measured.costs.items() if name == fanout.DAEMON]
    return [curve]


def events() -> list[Curve]:
    """100 a second to as many as one core takes."""
    curve = Curve("events", "events per second", "us of CPU an event, beyond an idle daemon")
    with (
        TemporaryDirectory(prefix="vizd-curve-") as directory,
        daemon(Path(directory), *DAEMON_OPTIONS) as running,
        Publisher(running.grpc_port) as publisher,
    ):
        idle, _ = _share(running)
        for rate in (1_000, 3_000, 10_000, 30_000, 60_000, UNLIMITED):
            publisher.publish(rate)
            time.sleep(SETTLE_S)
            before = publisher.sent()
            share, _ = _share(running)
            after = publisher.sent()
            per_s = (after.stored - before.stored) / (after.at_s - before.at_s)
            curve.points.append((per_s, (share - idle) / per_s * 1e6))
            publisher.finish(30)
    return [curve]


FILTER_CLIENTS = 200
FILTER_RATE = 5_000


def filters() -> list[Curve]:
    """1 to 200 distinct ones, of as many clients."""
    curve = Curve("filters", f"distinct filters of {FILTER_CLIENTS} clients, {FILTER_RATE:,} events/s",
                  "us of CPU a window and further filter")  # fmt: skip
    # Each lets pass what two shards of 24 say: as much as the others.
    distinct = [f"shards={one},{other}" for one in range(24) for other in range(one)][:FILTER_CLIENTS]
    with (
        TemporaryDirectory(prefix="vizd-curve-") as directory,
        daemon(Path(directory), *DAEMON_OPTIONS) as running,
        Publisher(running.grpc_port) as publisher,
        Crowd() as crowd,
    ):
        publisher.publish(FILTER_RATE)
        shares = {}
        for count in (1, 10, 25, 50, 100, 200):
            queries = [f"json=true&state=false&{distinct[at % count]}" for at in range(FILTER_CLIENTS)]
            crowd.connect(running.http_port, queries)
            shares[count], _ = _share(running, crowd)
            crowd.leave()
    one = shares.pop(1)
    curve.points = [
        (count, (share - one) / (count - 1) / fanout.WINDOWS_PER_S * 1e6) for count, share in shares.items()
    ]
    return [curve]


BUFFER_RATE = 1_000


def buffer() -> list[Curve]:
    """0 to 60 minutes."""
    return in_fresh_process(_buffer)


def _buffer() -> list[Curve]:
    of = f"minutes of history, {BUFFER_RATE:,} events/s"
    cost = Curve("buffer", of, "us an event appended")
    memory = Curve("buffer-memory", of, "bytes of RSS an event")
    log = unbounded_log()
    filler = Filler(log, BUFFER_RATE)
    before_bytes = settled_rss_bytes()
    filler.fill(1)  # Of the first minute a part is not sealed yet, which would be cheaper.
    for minutes in (2, 5, 10, 20, 40, 60):
        filler.appended_ms.clear()
        before = log.head.total_events
        filler.fill(minutes)
        appended = log.head.total_events - before
        cost.points.append((minutes, sum(filler.appended_ms) * 1000 / appended))
        if minutes > 2:  # What is newer than some seconds is not compressed, and of two minutes a good part.
            memory.points.append((minutes, (settled_rss_bytes() - before_bytes) / log.head.total_events))
    return [cost, memory]


UPDATES = 100_000


def keys() -> list[Curve]:
    """1,000 to a million, of the state."""
    found = [in_fresh_process(_keys, count) for count in (1_000, 10_000, 100_000, 300_000, 1_000_000)]
    of = "keys in the state"
    return [
        Curve(
            "keys",
            of,
            "us an event that replaces one",
            [(count, us) for count, us, _ in found],
            "a plain dict of the same keys grows too, by far less; what the rest is has not been profiled",
        ),
        # A projection of a few keys is less than what an allocator takes at once.
        Curve("keys-memory", of, "bytes of RSS a key", [(count, size) for count, _, size in found if count > 1_000]),
    ]


def _keys(count: int) -> tuple[int, float, float]:
    log, facets = Log(), Facets()
    before_bytes = settled_rss_bytes()
    projection = empty(count)
    fold(projection, log.windows([heats(facets, number) for number in range(count)]))
    size_bytes = (settled_rss_bytes() - before_bytes) / count
    updates = log.windows([heats(facets, number * 7_919 % count) for number in range(UPDATES)])
    us, _ = fold(projection, updates)
    return count, us / UPDATES, size_bytes


CURVES: Sequence[Callable[[], list[Curve]]] = (clients, events, filters, buffer, keys)
"""In the order in which they are told, each by its own name."""
