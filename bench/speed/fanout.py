"""What one more client costs, and how late the last of many gets its frame.

Everybody sends frames of one size, 20 times a second, to the same clients. The daemon gets events that make windows
of 10 KB; the references send one of its frames, as it was captured in this run. What a client costs is the difference
to one client alone, so that neither ingest nor the tick is in it. Servers take turns, so that all see the same machine.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory

import websockets.sync.client

from bench.measured import spread
from bench.speed.checked import Checked
from bench.speed.crowd import Counts, Crowd
from bench.speed.publisher import Publisher
from bench.speed.servers import Server, Unavailable, daemon, node_reference, reference
from bench.speed.table import Row

__all__ = ["DAEMON", "PACKED", "RAW", "SIZES", "Cost", "Fanout", "Servers", "measure", "rows", "serving"]

FRAME_BYTES = 10_240
WINDOWS_PER_S = 20
NODES, PER_MESSAGE = 1, 25
"""Small messages, so that no window gets much more than another; and few of them, since what they cost is taken away
from what clients cost."""
FIRST_RATE = 2_000
"""Events per second, until it is known how long they are."""
CAPTURED = 40
SIZES = (100, 200, 1_000)
"""Numbers of clients."""
SETTLE_S = 0.7
LONGER_BELOW = 1_000
"""So few clients take a few percent of a core: they, and one alone, are looked at for twice as long."""
WARM_UP_S = 1.0
DAEMON, PACKED, RAW = "the daemon", "the daemon, MessagePack", "raw loop"
WEBSOCKETS, WS, PICOWS = "websockets", "ws (node)", "picows"

_QUERY = "json=true&state=false&max_lag_ms=0"


@dataclass(slots=True)
class Cost:
    """Of one server and number of clients, in each round.

    :ivar us: of CPU for each frame of a further client. :ivar p99_ms: lateness of frames.
    :ivar frames_per_s: of a client; :ivar frame_bytes: in the mean.
    """

    us: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    frames_per_s: list[float] = field(default_factory=list)
    frame_bytes: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Fanout:
    """What was measured.

    :ivar costs: by name of the server and number of clients. :ivar missing: why a reference could not be had, by name.
    """

    costs: dict[tuple[str, int], Cost] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def us(self, name: str, clients: int) -> float:
        """CPU a client-frame: the median of the rounds."""
        return median(self.costs[name, clients].us)

    def us_ratio(self, name: str, other: str, clients: int) -> float:
        """The median of the rounds' ratios: what slowed the machine for a while hit both."""
        return _ratio(self.costs[name, clients].us, self.costs[other, clients].us)

    def p99_ratio(self, name: str, other: str, clients: int) -> float:
        """As ``us_ratio``."""
        return _ratio(self.costs[name, clients].p99_ms, self.costs[other, clients].p99_ms)


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return median(one / other for one, other in zip(ours, theirs, strict=True))


@dataclass(slots=True)
class Servers:
    """All that run.

    :ivar publisher: of the daemon; it publishes only while the daemon is measured.
    """

    all: list[Server]
    publisher: Publisher
    rate: float
    missing: dict[str, str]


@contextmanager
def serving(*, peers: bool) -> Iterator[Servers]:
    """The daemon and the raw loop.

    :param peers: those of other people, too.
    """
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="vizd-fanout-")))
        running = stack.enter_context(daemon(directory, "--max-clients=4096"))
        publisher = stack.enter_context(Publisher(running.grpc_port, nodes=NODES, per_message=PER_MESSAGE))
        frame, rate = _captured(running.http_port, publisher)
        (directory / "frame").write_bytes(frame)
        arguments = f"--frame={directory / 'frame'}", f"--per-second={WINDOWS_PER_S}"
        found = [
            Server(DAEMON, running.pid, running.http_port, _QUERY),
            stack.enter_context(reference("raw_loop", RAW, *arguments)),
        ]
        missing = {}
        if peers:
            found.append(Server(PACKED, running.pid, running.http_port, _QUERY.replace("true", "false", 1)))
            for name, start in (
                (WEBSOCKETS, lambda: reference("websockets_broadcast", WEBSOCKETS, *arguments)),
                (WS, lambda: node_reference(WS, *arguments)),
                (PICOWS, lambda: reference("picows_server", PICOWS, *arguments)),
            ):
                try:
                    found.append(stack.enter_context(start()))
                except Unavailable as why:
                    missing[name] = str(why)
        yield Servers(found, publisher, rate, missing)


def _captured(port: int, publisher: Publisher) -> tuple[bytes, float]:
    """A frame of about the right size, and the events per second that make such ones."""
    rate = float(FIRST_RATE)
    with websockets.sync.client.connect(f"ws://127.0.0.1:{port}/ws/events?{_QUERY}", compression=None) as client:
        client.recv()
        for _ in range(2):  # The first time to learn the size.
            publisher.publish(rate)
            frames = sorted((str(client.recv()).encode() for _ in range(CAPTURED)), key=len)
            used, rate = rate, rate * FRAME_BYTES / mean(map(len, frames))
    publisher.publish(0)
    return min(frames, key=lambda frame: abs(len(frame) - FRAME_BYTES)), used


def measure(
    servers: Servers, sizes: Sequence[int], rounds: int, seconds: float, tell: Callable[[str], None] = print
) -> Fanout:
    """Everybody with each number of clients, in each round.

    :param sizes: numbers of clients. :param seconds: of each measurement.
    """
    fanout = Fanout(missing=servers.missing)
    with Crowd() as crowd:
        for server in servers.all:
            _at(servers, server, crowd, max(sizes), WARM_UP_S)  # The first thousand meet caches that are cold.
        for number in range(rounds):
            # Alone before and after, and every server next to the others: what slows the machine meanwhile is in all.
            loads = [
                [_at(servers, server, crowd, clients, seconds) for server in servers.all] for clients in (1, *sizes, 1)
            ]
            alone = zip(loads[0], loads[-1], strict=True)
            for server, both, *own in zip(servers.all, alone, *loads[1:-1], strict=True):
                for clients, load in zip(sizes, own, strict=True):
                    cost = fanout.costs.setdefault((server.name, clients), Cost())
                    _add(cost, both, load, clients)
                    tell(
                        f"  round {number + 1}: {server.name}, {clients} clients: {cost.us[-1]:.2f} us a frame,"
                        f" p99 {cost.p99_ms[-1]:.1f} ms, {cost.frames_per_s[-1]:.1f} frames/s"
                        f" of {cost.frame_bytes[-1]:,.0f} bytes"
                    )
    return fanout


@dataclass(frozen=True, slots=True)
class _Load:
    cpu_share: float
    counts: Counts


def _at(servers: Servers, server: Server, crowd: Crowd, clients: int, seconds: float) -> _Load:
    if server.name in (DAEMON, PACKED):
        servers.publisher.publish(servers.rate)
    crowd.connect(server.port, [server.query] * clients)
    time.sleep(SETTLE_S)
    began_s, used_s = time.monotonic(), server.cpu_s
    counts = crowd.over(seconds * (2 if clients < LONGER_BELOW else 1))
    share = (server.cpu_s - used_s) / (time.monotonic() - began_s)
    crowd.leave()
    servers.publisher.publish(0)
    if counts.gaps or counts.closed:
        raise RuntimeError(f"{server.name}, {clients} clients: {counts.gaps} gaps, {counts.closed} connections closed")
    return _Load(share, counts)


def _add(cost: Cost, alone: Sequence[_Load], load: _Load, clients: int) -> None:
    frames_per_s = load.counts.frames_per_s
    alone_share = mean(each.cpu_share for each in alone)
    alone_per_s = mean(each.counts.frames_per_s for each in alone)
    cost.us.append((load.cpu_share - alone_share) / (frames_per_s - alone_per_s) * 1e6)
    late = spread(load.counts.late_ms)
    assert late is not None
    cost.p50_ms.append(late.p50)
    cost.p99_ms.append(late.p99)
    cost.frames_per_s.append(frames_per_s / clients)
    cost.frame_bytes.append(load.counts.size_bytes / sum(load.counts.batches))


_REFERENCES = {"raw": RAW, "websockets": WEBSOCKETS, "ws": WS, "picows": PICOWS}
"""By the keys of the table."""


def rows(fanout: Fanout, checked: Checked) -> list[Row]:
    """Of the table, as far as they were measured.

    :param checked: in the same set-up: a promise that was not kept fails every row.
    """
    faults = checked.violations
    found = []
    for key, name in _REFERENCES.items():
        for clients in SIZES:
            ours, theirs = (fanout.costs.get((each, clients)) for each in (DAEMON, name))
            if ours is None:
                continue
            us = f"{fanout.us(DAEMON, clients):.1f} us"
            if theirs is None:
                found.append(Row(f"frame-{key}-{clients}", us, "-", None, fanout.missing.get(name, ""), faults))
                continue
            packed = ""
            if key == "raw" and (PACKED, clients) in fanout.costs:
                packed = (
                    f"MessagePack, {median(fanout.costs[PACKED, clients].frame_bytes) / 1024:.1f} KB:"
                    f" {fanout.us(PACKED, clients):.1f} us"
                )
            ratio = fanout.us_ratio(DAEMON, name, clients)
            their_us = f"{fanout.us(name, clients):.1f} us"
            found.append(Row(f"frame-{key}-{clients}", us, their_us, ratio, packed, faults))
    largest = max(SIZES)
    if (DAEMON, largest) in fanout.costs:
        ours, theirs = fanout.costs[DAEMON, largest], fanout.costs[RAW, largest]
        p99, raw_p99 = (f"{median(each.p99_ms):.1f} ms" for each in (ours, theirs))
        note = (
            f"p50: {median(ours.p50_ms):.1f} and {median(theirs.p50_ms):.1f} ms; {len(faults)} violations in"
            f" {checked.messages:,} messages of clients that were checked, among {checked.clients}"
        )
        found.append(Row("delivery", p99, raw_p99, fanout.p99_ratio(DAEMON, RAW, largest), note, faults))
    return found
