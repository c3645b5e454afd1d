"""The history of a simulated cluster, and questions about it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import inf

from tests.sim.watched import START_MS
from vizd.events.decode import kind_of
from vizd.sim.cluster import SimulatedCluster
from vizd.wire.vizd_pb2 import VizEvent


@dataclass(frozen=True, slots=True)
class Entry:
    """One event: who published it, when (seconds from the start), what it is called."""

    node: int
    at_s: float
    kind: str
    event: VizEvent


def progress_of(entry: Entry) -> int:
    """In per cent."""
    return entry.event.compaction.progress.pct


History = list[tuple[int, VizEvent]]


def history_of(cluster: SimulatedCluster, seconds: int) -> History:
    """What happens from the start, in steps of 20 ms."""
    ends_ms = range(START_MS + 20, START_MS + seconds * 1_000 + 1, 20)
    return [reported for end_ms in ends_ms for reported in cluster.advance(end_ms)]


class Chronicle:
    """What happened, but for the flood.

    :ivar entries: in the order of time.
    :ivar down: the stretches in which a node's process did not run: node, from, until, in seconds.
    """

    def __init__(self, cluster: SimulatedCluster, seconds: int, step_ms: int = 100) -> None:
        self.entries: list[Entry] = []
        self.down: list[tuple[int, float, float]] = []
        self.flood = 0
        down: dict[int, float] = {}
        for end_ms in range(START_MS, START_MS + seconds * 1_000 + 1, step_ms):
            for node, event in cluster.advance(end_ms):
                if event.wal.HasField("fsync") or event.WhichOneof("event") in ("slot_heat", "cache"):
                    self.flood += 1
                else:
                    self.entries.append(Entry(node, (event.ts_ms - START_MS) / 1_000, str(kind_of(event)), event))
            now_s = (end_ms - START_MS) / 1_000
            for node in set(cluster.down) - set(down):
                down[node] = now_s
            for node in set(down) - set(cluster.down):
                self.down.append((node, down.pop(node), now_s))

    def of(self, prefix: str, from_s: float = 0, until_s: float = inf) -> list[Entry]:
        """Those whose kind begins so, in a stretch of time."""
        entries = (entry for entry in self.entries if from_s <= entry.at_s <= until_s)
        return [entry for entry in entries if entry.kind.startswith(prefix)]

    def of_shard(self, shard: int) -> list[Entry]:
        """What its Raft group said."""
        return [entry for entry in self.of("Raft") if entry.event.raft.shard == shard]

    def leaders_at(self, at_s: float) -> dict[int, int]:
        """The leader of each shard that has one, at that moment."""
        leaders: dict[int, int] = {}
        for entry in self.of("Raft", until_s=at_s):
            if entry.kind == "Raft.LeaderElected":
                leaders[entry.event.raft.shard] = entry.event.raft.leader_elected.node
            elif entry.kind == "Raft.StepDown":
                leaders.pop(entry.event.raft.shard, None)
        return leaders

    def without_leader_s(self) -> Iterator[tuple[int, float]]:
        """Each time between a leader that stepped down and the next one: the shard, and how long it was."""
        since: dict[int, float] = {}
        for entry in self.of("Raft"):
            shard = entry.event.raft.shard
            if entry.kind == "Raft.StepDown":
                since[shard] = entry.at_s
            elif entry.kind == "Raft.LeaderElected" and shard in since:
                yield shard, entry.at_s - since.pop(shard)
        end_s = self.entries[-1].at_s
        yield from ((shard, end_s - at_s) for shard, at_s in since.items())

    def faults_of_raft(self) -> Iterator[str]:
        """What no Raft group does."""
        term: dict[int, int] = defaultdict(int)
        granted: dict[tuple[int, int, int], set[int]] = defaultdict(set)
        asked: set[tuple[int, int, int]] = set()
        elected: set[tuple[int, int]] = set()
        for entry in self.of("Raft"):
            raft = entry.event.raft
            shard, here = raft.shard, (raft.shard, raft.term, entry.node)
            if raft.term < term[shard]:
                yield f"{entry}: after term {term[shard]}"
            if entry.kind == "Raft.VoteReq":
                asked.add(here)
                if raft.term <= term[shard]:
                    yield f"{entry}: asks for votes in an old term"
            elif entry.kind == "Raft.VoteGranted":
                granted[here].add(raft.vote_granted.from_node)
                if here not in asked:
                    yield f"{entry}: a vote that nobody asked for"
            elif entry.kind == "Raft.LeaderElected":
                if here[:2] in elected:
                    yield f"{entry}: two leaders of one term"
                if term[shard] and len(granted[here]) < 2:
                    yield f"{entry}: without a majority"
                elected.add(here[:2])
            elif entry.kind == "Raft.StepDown" and here[:2] not in elected:
                yield f"{entry}: was never elected"
            term[shard] = raft.term

    def faults_of_compaction(self) -> Iterator[str]:
        """Phases out of order, and compactions that a node gave up though it lived."""
        following = {
            "Compaction.Scheduled": {"Compaction.Start"},
            "Compaction.Start": {"Compaction.Progress"},
            "Compaction.Progress": {"Compaction.Progress", "Compaction.Finish"},
            "Compaction.Finish": {"Compaction.Scheduled"},
        }
        last: dict[tuple[int, int, int], Entry] = {}
        end_s = self.entries[-1].at_s
        for entry in self.of("Compaction"):
            key = (entry.node, entry.event.owner_shard, entry.event.compaction.level)
            if entry.kind in following:
                before = last.get(key)
                if entry.kind not in (following[before.kind] if before else {"Compaction.Scheduled"}):
                    # What a process was at dies with it.
                    died = before and any(
                        node == entry.node and before.at_s <= from_s + 0.2 and until_s <= entry.at_s + 0.2
                        for node, from_s, until_s in self.down
                    )
                    if not died or entry.kind != "Compaction.Scheduled":
                        yield f"{entry}: after {before}"
                elif before and entry.kind == before.kind and progress_of(entry) <= progress_of(before):
                    yield f"{entry}: no progress since {before}"
                last[key] = entry
        for key, entry in last.items():
            died = any(node == key[0] and until_s > entry.at_s for node, _, until_s in self.down)
            if entry.kind != "Compaction.Finish" and end_s - entry.at_s > 30 and not died:
                yield f"{entry}: never finished"

    def faults_of_moves(self) -> Iterator[str]:
        """Steps out of order, and moves that don't end."""
        steps = ["Shard.Plan", "Shard.SnapshotStart", "Shard.SnapshotDone", "Shard.Cutover"]
        last: dict[int, Entry] = {}
        for entry in self.of("Shard"):
            before = last.get(entry.event.shard.shard)
            at = steps.index(before.kind) + 1 if before else 0
            if entry.kind != steps[at % 4]:
                yield f"{entry}: after {before}"
            last[entry.event.shard.shard] = entry
        for entry in last.values():
            if entry.kind != steps[-1] and self.entries[-1].at_s - entry.at_s > 15:
                yield f"{entry}: never cut over"


SECONDS = 150
RATE = 150


@cache
def chronicle_of(scenario: str, as_of_today: bool = False) -> Chronicle:
    """Of the usual cluster, at a rate at which the rare things stand out; made once for all tests."""
    cluster = SimulatedCluster(5, 24, RATE, 7, START_MS, scenario, as_of_today)
    return Chronicle(cluster, SECONDS)
