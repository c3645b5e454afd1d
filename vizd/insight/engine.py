"""Storage engines that can't keep up: stalls that nobody works on, and pressure that stays."""

from typing import Any

from vizd.insight.cluster import Cluster, Event
from vizd.insight.rule import NodeRule, after_s
from vizd.insight.subjects import Subjects

__all__ = ["StallWithoutCompaction", "WritePressure"]


def _engine(event: Event) -> dict[str, Any]:
    """Its node, and its shard where it says one."""
    shard = {} if event.shard is None else {"shard": event.shard}
    return {"node": event.data["node"], **shard}


def _called(cluster: Cluster, event: Event) -> str:
    name = cluster.called(event.data["node"])
    return name if event.shard is None else f"shard {event.shard} on {name}"


class StallWithoutCompaction(NodeRule):
    """A stall while a compaction runs is what compactions are for."""

    name = "stall-without-compaction"
    severity = "critical"
    sentence = (
        "Writes of an engine stall for `after_s`, for level 0 has too many files, and none of its compactions runs."
    )
    closes = "A compaction starts; or no stall was reported for 5 s; or the node has gone."
    unknowable = (
        "A compaction that began before the log did and reports no progress. One of which nothing was heard for 10"
        " minutes counts as not running."
    )
    kinds = ("Lsm.L0Stall", "Compaction.Start", "Compaction.Progress", "Compaction.Finish")
    inputs = ("Lsm",)
    thresholds = (after_s(5),)

    STALL_LASTS_MS = 5_000
    COMPACTION_LASTS_MS = 600_000

    def prepare(self) -> None:
        """See ``Rule``."""
        # By level, of which there are 256 at most: when it was last heard of.
        self._running: Subjects[tuple[int, int | None], dict[int, int]] = self.remember(
            "running", tuple[tuple[int, int | None], dict[int, int]]
        )

    def follow(self, event: Event) -> None:
        """See ``Rule``."""
        engine = (event.data["node"], event.shard)
        running = self._running.get(engine, {})
        if event.kind == "L0Stall":
            if any(self.cluster.now_ms - heard_ms < self.COMPACTION_LASTS_MS for heard_ms in running.values()):
                self.cases.ceases(_engine(event))
            else:
                self._stall(event)
        elif event.kind == "Finish":
            running.pop(event.data["level"], None)
            if not running:
                self._running.pop(engine, None)
        else:
            running[event.data["level"]] = self.cluster.now_ms
            self._running.put(engine, running)
            self.cases.ceases(_engine(event))

    def _stall(self, event: Event) -> None:
        files, allowed, where = event.data["file_count"], event.data["threshold"], _called(self.cluster, event)
        self.cases.holds(
            _engine(event),
            f"Writes to {where} stall: {files} files in level 0, {allowed} are allowed, and no compaction runs.",
            witnesses=(event.node,),
            lapses_after_ms=self.STALL_LASTS_MS,
        )

    def gone(self, node: int, why: str) -> None:
        """See ``Rule``."""
        super().gone(node, why)
        if why != "disconnected":
            for engine in [each for each in self._running if each[0] == node]:
                del self._running[engine]


class WritePressure(NodeRule):
    """What is high is for the node to say."""

    name = "write-pressure"
    severity = "warning"
    sentence = "An engine says for `after_s` that its write pressure is high."
    closes = "It says that it is not; or it has said nothing for 60 s; or the node has gone."
    unknowable = "What was between two readings."
    kinds = ("Lsm.WritePressureUpdate",)
    inputs = ("Lsm.WritePressureUpdate",)
    thresholds = (after_s(30),)

    READING_LASTS_MS = 60_000

    def follow(self, event: Event) -> None:
        """See ``Rule``."""
        if not event.data["high"]:
            self.cases.ceases(_engine(event))
            return
        ratio = event.data["ratio"]  # What is no number is null.
        at = "" if ratio is None else f", at {ratio:.0%}"
        self.cases.holds(
            _engine(event),
            f"The write pressure of {_called(self.cluster, event)} stays high{at}.",
            witnesses=(event.node,),
            lapses_after_ms=self.READING_LASTS_MS,
        )
