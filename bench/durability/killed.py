"""Nodes publish to a daemon that is killed again and again: is everything that was acked in the log, once?"""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec

from bench.daemon import Daemon
from bench.filters import SUMMARY_NAMES
from bench.law.events import Forms, node_of, seq_of
from bench.law.publishers import Publisher

__all__ = ["Killed", "kill_rounds"]

NODES = 4
RATE = 2_000
LIFE_S = (0.05, 1.0)
"""Of a daemon since it has stored something; then it is killed in whatever it does."""
STORES_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Killed:
    """:ivar acked: events, of all nodes together. :ivar lost: of those. :ivar twice: events of the log."""

    rounds: int
    acked: int
    lost: int
    twice: int


def kill_rounds(rounds: int, directory: Path, tell: Callable[[str], None]) -> Killed:
    """So many times SIGKILL, at random moments."""
    chance = Random(rounds)
    options = [f"--data-dir={directory / 'killed'}", "--buffer-mb=2048"]
    daemon = Daemon(directory, *options)
    ports = [f"--port={daemon.http_port}", f"--grpc-port={daemon.grpc_port}"]
    publishers = [Publisher(daemon.grpc_port, node, RATE / NODES, 10**9, directory) for node in range(1, NODES + 1)]
    try:
        for each in publishers:
            each.start(time.monotonic())
        for number in range(1, rounds + 1):
            _wait_for_more(publishers)
            time.sleep(chance.uniform(*LIFE_S))
            daemon.kill()
            if number % 10 == 0:
                tell(f"  killed {number} times, {sum(each.acked for each in publishers):,} events acked")
            daemon = Daemon(directory, *options, *ports)
        _wait_for_more(publishers)
        for each in publishers:
            each.kill()
        acked = {each.node: each.acked for each in publishers}
        stored = _stored(daemon)
    finally:
        for each in publishers:
            each.kill()
        daemon.kill()
    lost = sum(not stored[node, seq] for node, through in acked.items() for seq in range(1, through + 1))
    return Killed(rounds, sum(acked.values()), lost, sum(count > 1 for count in stored.values()))


def _wait_for_more(publishers: list[Publisher]) -> None:
    """Until each was told that something more is stored."""
    before = {each: each.acked for each in publishers}
    give_up_s = time.monotonic() + STORES_TIMEOUT_S
    while any(each.acked <= before[each] for each in publishers):
        if time.monotonic() > give_up_s:
            raise RuntimeError(f"nothing is acked for {STORES_TIMEOUT_S:g} s")
        time.sleep(0.01)


def _stored(daemon: Daemon) -> Counter[tuple[int, int]]:
    """How often the log has each event, by node and seq."""
    forms = Forms(NODES, list(SUMMARY_NAMES))
    found: Counter[tuple[int, int]] = Counter()
    answer = json.loads(daemon.get("/api/history"))
    if answer["gaps"]:
        raise RuntimeError(f"a part of the log can't be read: {answer['gaps']}")
    for batch in answer["batches"]:
        ids = forms.ids_from_json(msgspec.json.encode(batch["events"]))
        found.update((node_of(each), seq_of(each)) for each in ids)
    return found
