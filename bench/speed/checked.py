"""Speed never costs a promise: the transcripts of some clients, checked, while the daemon serves a crowd.

The crowd, the windows and their size are those of the fan-out; beside it are clients of the kinds that the contract
knows, which take, filter, stall and come back, and publishers that are killed. See ``bench.law``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.daemon import Daemon
from bench.law.run import Options, run
from bench.speed.crowd import Counts, Crowd

__all__ = ["Checked", "check"]

CLIENTS = 14
"""The reference, others of everything in both encodings, and those with filters."""
NODES = 4
RATE = 1_900
"""Events per second, which makes windows of 10 KB."""
QUERY = "json=true&state=false"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found.

    :ivar crowd: what the others were sent meanwhile. :ivar messages: in the transcripts.
    """

    violations: tuple[str, ...]
    crowd: Counts
    messages: int
    clients: int


def check(clients: int, seconds: float, seed: int = 1) -> Checked:
    """
    :param clients: in the crowd. :param seconds: for which something is published.
    """
    counted: list[Counts] = []

    @contextmanager
    def crowded(daemon: Daemon) -> Iterator[None]:
        with Crowd() as crowd:
            crowd.connect(daemon.http_port, [QUERY] * clients)
            crowd.counts()
            yield
            counted.append(crowd.counts())

    options = Options(
        seconds=seconds, clients=CLIENTS, rate=RATE, nodes=NODES, seed=seed, buffer_mb=64, retention_s=0,
        max_events_per_s=500,
    )  # fmt: skip
    with TemporaryDirectory(prefix="vizd-checked-") as directory:
        ran = run(options, Path(directory), beside=crowded)
    [crowd] = counted
    violations = list(ran.violations)
    if crowd.closed or crowd.gaps:
        violations.append(f"the crowd: {crowd.gaps} gaps, {crowd.closed} connections closed")
    messages = sum(row.messages for row in ran.checked.rows)
    return Checked(tuple(violations), crowd, messages, clients + CLIENTS)
