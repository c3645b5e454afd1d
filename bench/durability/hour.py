"""A directory with an hour of a cluster: how soon a daemon is there that has it, and how soon it answers."""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from twisted.internet.task import Clock

from bench.daemon import Daemon
from bench.durability.writing import RATE, Inline, size_bytes
from bench.speed.fresh import in_fresh_process
from bench.speed.logged import Filler
from vizd.folds import OF_USE_MS, Folds
from vizd.log.disk.log import DiskLog

__all__ = ["Hour", "hour"]

MAX_AGE_MS = 24 * 3_600_000
"""As long as can be asked for: the hour was a while ago when it is read."""
MAX_MB = 100_000
ANSWER_TIMEOUT_S = 300.0
ROUNDS = 3
QUERIES = {
    "nothing matches": "/api/history?nodes=4000000",
    "one type (Raft)": "/api/history?types=raft",
    "state now": "/api/state",
}
MIB = 1 << 20


@dataclass(slots=True)
class Hour:
    """:ivar start_s: until it is ready, of a daemon with all of it. :ivar empty_start_s: of one with nothing.
    :ivar query_s: by name, of each time. :ivar answer_bytes: by name.
    """

    minutes: float
    events: int = 0
    size_bytes: int = 0
    start_s: list[float] = field(default_factory=list)
    empty_start_s: list[float] = field(default_factory=list)
    query_s: dict[str, list[float]] = field(default_factory=dict)
    answer_bytes: dict[str, int] = field(default_factory=dict)


def hour(minutes: float, directory: Path, tell: Callable[[str], None]) -> Hour:
    """Fill a directory with so many minutes, and ask daemons that start on it."""
    found = Hour(minutes)
    data = directory / "data"
    begin_ms = time.time_ns() // 1_000_000 - int(minutes * 60_000)
    began_s = time.monotonic()
    found.events = in_fresh_process(_fill, minutes, data, begin_ms)
    found.size_bytes = size_bytes(data)
    tell(
        f"  {found.events:,} events take {found.size_bytes / MIB:,.0f} MiB; made in {time.monotonic() - began_s:.0f} s"
    )
    for number in range(ROUNDS):
        with _started(directory, directory / f"empty-{number}", found.empty_start_s):
            pass
        with _started(directory, data, found.start_s) as daemon:
            instants = {
                f"state at {share:.0%}": f"/api/state?at={begin_ms + int(minutes * 60_000 * share)}"
                for share in (0.1, 0.5, 0.9)
            }
            everything = {"everything": "/api/history"} if number == 0 else {}
            for name, path in {**QUERIES, **instants, **everything}.items():
                answered_s, found.answer_bytes[name] = _ask(daemon, path)
                found.query_s.setdefault(name, []).append(answered_s)
        tell(f"  start {found.start_s[-1]:.2f} s, empty {found.empty_start_s[-1]:.2f} s")
    for name, times in found.query_s.items():
        tell(f"  {name}: {median(times):.3f} s, {found.answer_bytes[name]:,} bytes")
    return found


def _fill(minutes: float, data: Path, begin_ms: int) -> int:
    """As a daemon does it, with its folds and keyframes, on a simulated clock; how many events."""
    folds = Folds(MAX_AGE_MS)
    log = DiskLog(data, "bench", MAX_AGE_MS, MAX_MB * MIB, Clock(), folds.parts, OF_USE_MS)
    folds.follow(log)
    log._start(Inline(), [Inline()])
    log._scribe._connection.execute("PRAGMA synchronous = OFF")  # Nothing is lost if this is.
    Filler(log, RATE, begin_ms).fill(minutes)
    log._scribe.close()
    return log.head.total_events


@contextmanager
def _started(directory: Path, data: Path, took_s: list[float]) -> Iterator[Daemon]:
    began_s = time.monotonic()
    daemon = Daemon(directory, f"--data-dir={data}", f"--buffer-mb={MAX_MB}", "--buffer-minutes=1440")
    try:
        daemon.get("/ready")
        took_s.append(time.monotonic() - began_s)
        yield daemon
    finally:
        daemon.kill()


def _ask(daemon: Daemon, path: str) -> tuple[float, int]:
    """Seconds, and bytes."""
    began_s = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", daemon.http_port, timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        taken = 0
        while piece := answer.read(MIB):
            taken += len(piece)
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"GET {path}: {answer.status}")
    return time.monotonic() - began_s, taken
