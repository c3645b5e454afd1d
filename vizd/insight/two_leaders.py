"""Two leaders of one shard in one term: what Raft promises never to happen."""

import msgspec

from vizd.insight.cluster import Event
from vizd.insight.rule import Rule
from vizd.insight.subjects import Subjects
from vizd.log.window import Position

__all__ = ["TwoLeaders"]

_MAX_TERMS = 8
"""Of a shard, that are remembered: an election that is told later than that has waited for very long."""
_MAX_REPORTERS = 64
"""Of an election: more nodes than hold one shard."""


class _Election(msgspec.Struct, array_like=True):
    """The first one that was told of its term.

    :ivar leader: ``data.node`` as it stands. :ivar at_ms: when it was told; ``position``: behind the window that did.
    :ivar reporters: its publishers, each with its incarnation.
    """

    leader: int
    at_ms: int
    position: Position
    reporters: dict[int, int | None] = {}


class TwoLeaders(Rule):
    """Leaders are compared as they are written, whether that names a known node or is a hash."""

    name = "two-leaders"
    severity = "critical"
    sentence = "Two different leaders were elected in one term of a shard."
    closes = "A later term elects a leader, or 10 minutes have passed."
    unknowable = (
        "An election that was only said again is no second one. When every node that reported the first one has"
        " restarted since, the cluster may have been wiped, and nothing is said."
    )
    kinds = ("Raft.LeaderElected",)
    inputs = ("Raft.LeaderElected",)

    LAPSES_AFTER_MS = 600_000

    def prepare(self) -> None:
        """See ``Rule``."""
        self._elections: Subjects[int | None, dict[int, _Election]] = self.remember(
            "elections", tuple[int | None, dict[int, _Election]]
        )

    def follow(self, event: Event) -> None:
        """See ``Rule``."""
        shard, term, leader = event.shard, event.data["term"], event.data["node"]
        if event.is_late:
            return
        elections = self._elections.get(shard, {})
        self._elections.put(shard, elections)
        known = elections.get(term)
        if known is not None and known.leader != leader and not self.cluster.processes.have_restarted(known.reporters):
            if not event.restated:
                self._tell(event, known)
            return
        if known is None or known.leader != leader:
            for earlier in elections:
                if earlier < term:
                    self.cases.ceases({"shard": shard, "term": earlier})
            known = elections[term] = _Election(leader, self.cluster.now_ms, self.cluster.position)
            if len(elections) > _MAX_TERMS:
                del elections[next(iter(elections))]
        if len(known.reporters) < _MAX_REPORTERS:
            known.reporters[event.node] = self.cluster.processes.incarnation(event.node)

    def _tell(self, event: Event, first: _Election) -> None:
        shard, term = event.shard, event.data["term"]
        reporter = next(iter(first.reporters))
        one, other = self._called(first.leader, reporter), self._called(event.data["node"], event.node)
        self.cases.holds(
            {"shard": shard, "term": term},
            f"Shard {shard} has elected two leaders in term {term}: {one} and {other}.",
            conclusive=self.cluster.is_whole((reporter, event.node), first.at_ms),
            since_ms=first.at_ms,
            lapses_after_ms=self.LAPSES_AFTER_MS,
            evidence=(first.position,),
        )

    def _called(self, leader: int, reporter: int) -> str:
        if self.cluster.knows(leader):
            return self.cluster.called(leader)
        return f"{leader} (reported by {self.cluster.called(reporter)})"
