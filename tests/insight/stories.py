"""A story for each rule: which scenario goes wrong in its way, what the finding is about, and what shows it.

What a finding should be about is told by the same story once more, without a daemon: a simulation repeats itself.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.insight.simulated import SEED, START_MS, troubled_node
from tests.sim.chronicle import Chronicle, Entry
from vizd.log.window import Mark, Window
from vizd.sim.cluster import SimulatedCluster

Subject = dict[str, Any]


class Evidence:
    """What stands in the windows that a finding names.

    :ivar events: flat: the fields of type and kind, ``kind`` as a text.
    """

    def __init__(self, windows: Iterable[Window]) -> None:
        windows = list(windows)
        self.events = [_flat(json.loads(fragment)) for window in windows for fragment in window.fragments]
        self._marks = [mark for window in windows for mark in window.marks]

    def of(self, kind: str, subject: Subject) -> list[dict[str, Any]]:
        """The events of a kind that are about the subject."""
        wanted = {"kind": kind} | {key: value for key, value in subject.items() if key != "name"}
        return [event for event in self.events if wanted.items() <= event.items()]

    def marks(self, subject: Subject) -> list[Mark]:
        """Those of the subject's node."""
        return [mark for mark in self._marks if mark.publisher.node == subject["node"]]

    def __repr__(self) -> str:
        return f"{Counter(event['kind'] for event in self.events)}, {self._marks}"


def _flat(said: dict[str, Any]) -> dict[str, Any]:
    data = {"shard": said.get("shard"), "kind": None} | said["event"]["data"]
    return data | data["kind"] if isinstance(data["kind"], dict) else data


@dataclass(frozen=True)
class Story:
    """How one rule is put to the test.

    :ivar subject: of the first finding, but for the node's name.
    :ivar is_shown: the evidence holds what the rule is about.
    :ivar seconds: until the finding is closed. :ivar rate: events per second.
    """

    scenario: str
    seconds: int
    subject: Callable[["Story"], Subject]
    is_shown: Callable[[Evidence, Subject], Any]
    rate: int = 200
    tick_ms: int = 100

    @property
    def chronicle(self) -> Chronicle:
        """What happens in it."""
        return _chronicle(self.scenario, self.rate, self.seconds)


@cache
def _chronicle(scenario: str, rate: int, seconds: int) -> Chronicle:
    return Chronicle(SimulatedCluster(5, 24, rate, SEED, START_MS, scenario), seconds)


def _term_with_two_leaders(story: Story) -> Subject:
    elected = story.chronicle.of("Raft.LeaderElected")
    terms = Counter((entry.event.raft.shard, entry.event.raft.term) for entry in elected)
    (twice,) = (term for term, count in terms.items() if count > 1)
    return {"shard": twice[0], "term": twice[1]}


def _shard_with_a_term_that_was_over(story: Story) -> Subject:
    highest: dict[int, int] = {}
    for entry in story.chronicle.of("Raft.LeaderElected"):
        raft = entry.event.raft
        if raft.term < highest.get(raft.shard, 0):
            return {"shard": raft.shard}
        highest[raft.shard] = raft.term
    raise AssertionError("none")


def _shard_that_contends(story: Story) -> Subject:
    asked = Counter(entry.event.raft.shard for entry in story.chronicle.of("Raft.VoteReq", until_s=15))
    return {"shard": asked.most_common(1)[0][0]}


def _terms(evidence: Evidence, subject: Subject) -> set[int]:
    kinds = ("VoteReq", "VoteGranted", "LeaderElected")
    return {event["term"] for kind in kinds for event in evidence.of(kind, subject)}


def _shard_cut_over_without_a_snapshot(story: Story) -> Subject:
    before: dict[int, str] = {}
    for entry in story.chronicle.of("Shard"):
        shard = entry.event.shard.shard
        if entry.kind == "Shard.Cutover" and before[shard] != "Shard.SnapshotDone":
            return {"shard": shard}
        before[shard] = entry.kind
    raise AssertionError("none")


def _engine(entry: Entry) -> Subject:
    return {"node": entry.node, "shard": entry.event.owner_shard}


def _engine_that_stalls(story: Story) -> Subject:
    return _engine(story.chronicle.of("Lsm.L0Stall")[0])


def _engine_under_pressure(story: Story) -> Subject:
    readings = story.chronicle.of("Lsm.WritePressureUpdate")
    return _engine(next(entry for entry in readings if entry.event.lsm.write_pressure_update.high))


def _compaction_that_hangs(story: Story) -> Subject:
    started: dict[tuple[int, int, int], float] = {}
    for entry in story.chronicle.of("Compaction"):
        key = (entry.node, entry.event.owner_shard, entry.event.compaction.level)
        if entry.kind == "Compaction.Start":
            started[key] = entry.at_s
        elif entry.kind == "Compaction.Progress" and entry.at_s - started.pop(key, entry.at_s) > 600:
            return _engine(entry) | {"level": entry.event.compaction.level}
    raise AssertionError("none")


def _node_with_a_slow_disk(story: Story) -> Subject:
    cluster = SimulatedCluster(5, 24, story.rate, SEED, START_MS, story.scenario)
    waited_ms: Counter[int] = Counter()
    for second in range(1, 20):
        for node, event in cluster.advance(START_MS + 1_000 * second):
            waited_ms[node] += event.wal.fsync.ms
    return {"node": waited_ms.most_common(1)[0][0]}


def _member(kind: str) -> Callable[[Story], Subject]:
    return lambda story: {"node": story.chronicle.of(kind, from_s=1)[0].event.swim.node}


def _publisher(story: Story) -> Subject:
    return {"node": troubled_node(story.scenario, story.rate)}


STORIES = {
    "two-leaders": Story(
        "split-brain",
        20,
        _term_with_two_leaders,
        lambda evidence, subject: len({event["node"] for event in evidence.of("LeaderElected", subject)}) == 2,
    ),
    "term-back": Story(
        "old-term",
        20,
        _shard_with_a_term_that_was_over,
        lambda evidence, subject: len(_terms(evidence, subject)) == 2,
    ),
    "shard-without-leader": Story(
        "election-storm",
        20,
        _shard_that_contends,
        lambda evidence, subject: evidence.of("StepDown", subject) and evidence.of("VoteReq", subject),
    ),
    "election-storm": Story(
        "election-storm", 110, _shard_that_contends, lambda evidence, subject: len(_terms(evidence, subject)) > 5
    ),
    "cutover-without-snapshot": Story(
        "torn-move",
        40,
        _shard_cut_over_without_a_snapshot,
        lambda evidence, subject: evidence.of("Cutover", subject) and not evidence.of("SnapshotDone", subject),
    ),
    "node-dead": Story(
        "node-crash", 30, _member("Swim.Confirm"), lambda evidence, subject: evidence.of("Confirm", subject)
    ),
    "node-suspected": Story(
        "node-crash", 30, _member("Swim.Suspect"), lambda evidence, subject: evidence.of("Suspect", subject)
    ),
    "swim-flapping": Story(
        "flapping",
        360,
        _member("Swim.Suspect"),
        lambda evidence, subject: len(evidence.of("Suspect", subject)) > 1,
        rate=50,
        tick_ms=250,
    ),
    "two-processes": Story(
        "twin",
        110,
        _publisher,
        lambda evidence, subject: any(mark.refused for mark in evidence.marks(subject)),
        tick_ms=200,
    ),
    "node-silent": Story(
        "silent-node",
        30,
        _publisher,
        lambda evidence, subject: any(mark.connected is False for mark in evidence.marks(subject)),
    ),
    "node-lossy": Story(
        "lossy-node",
        90,
        _publisher,
        lambda evidence, subject: any(mark.lost for mark in evidence.marks(subject)),
        rate=500,
    ),
    "clock-skew": Story(
        "clock-skew",
        40,
        _publisher,
        lambda evidence, subject: any(abs(mark.skew_ms or 0) > 2_500 for mark in evidence.marks(subject)),
    ),
    "stall-without-compaction": Story(
        "l0-stall", 45, _engine_that_stalls, lambda evidence, subject: evidence.of("L0Stall", subject)
    ),
    "write-pressure": Story(
        "compaction-backlog",
        100,
        _engine_under_pressure,
        lambda evidence, subject: any(reading["high"] for reading in evidence.of("WritePressureUpdate", subject)),
    ),
    "fsync-slow": Story(
        "slow-disk",
        60,
        _node_with_a_slow_disk,
        lambda evidence, subject: any(fsync["ms"] > 100 for fsync in evidence.of("Fsync", subject)),
        rate=1_000,
    ),
    "compaction-unfinished": Story(
        "stuck-compaction",
        700,
        _compaction_that_hangs,
        lambda evidence, subject: evidence.of("Start", subject),
        rate=50,
        tick_ms=500,
    ),
}
"""By rule."""

ALSO = {
    "node-crash": {"node-dead", "node-suspected", "node-silent"},
    "election-storm": {"shard-without-leader", "election-storm"},
    "flapping": {"node-suspected"},
    "silent-node": {"shard-without-leader"},
}
"""By scenario, the rules that find something in it beside the one that it is told for: rightly so."""
