"""A term that goes back: what Raft promises never to happen, unless a disk has lost what was on it."""

import msgspec

from vizd.insight.cluster import Event
from vizd.insight.rule import Rule, Threshold
from vizd.insight.subjects import Subjects
from vizd.log.window import Position

__all__ = ["TermBack"]

_MAX_REPORTERS = 64
"""Of a shard: more nodes than hold one."""


class _Report(msgspec.Struct, array_like=True, frozen=True):
    """Of a term, by a process, and when and where in the log it was."""

    term: int
    incarnation: int | None
    at_ms: int
    position: Position


class _Shard(msgspec.Struct, array_like=True):
    """:ivar highest: of each node's process. :ivar elections: of the highest term that was elected in, by reporter."""

    highest: dict[int, _Report] = {}
    elections: dict[int, _Report] = {}

    @property
    def elected(self) -> _Report | None:
        return next(iter(self.elections.values()), None)


class TermBack(Rule):
    """Compares what one process says with what the same process said before: that comes in the order in which it was.

    Of two nodes the one may simply be late. Between them only elections are compared, since a leader needs a majority,
    and only where the later one can't have waited: its publisher was there without a hole since the higher one.
    """

    name = "term-back"
    severity = "critical"
    sentence = (
        "A process reports a term of a shard below one that it has reported before; or a leader is elected in a term"
        " below that of an election which another node reported at least `late_s` earlier."
    )
    closes = "A leader is elected in a higher term than any before, or 10 minutes have passed."
    unknowable = (
        "What a node reports that was disconnected or lost events since may only be late. When every node that"
        " reported the higher term has restarted since, the cluster may have been wiped. Of both nothing is said."
    )
    kinds = ("Raft.LeaderElected", "Raft.StepDown", "Raft.VoteReq", "Raft.VoteGranted")
    inputs = ("Raft",)
    thresholds = (Threshold("late_s", 30, 1, 600, "seconds by which what a node reports may be late"),)

    LAPSES_AFTER_MS = 600_000

    def prepare(self) -> None:
        """See ``Rule``."""
        self._shards: Subjects[int | None, _Shard] = self.remember("shards", tuple[int | None, _Shard])

    def follow(self, event: Event) -> None:
        """See ``Rule``."""
        if event.is_late or (event.kind == "VoteReq" and event.data["from"] != event.node):
            return  # Who asks others may ask in an old term.
        shard = self._shards.get(event.shard) or _Shard()
        self._shards.put(event.shard, shard)
        if not event.restated and (higher := self._own(event, shard) or self._elected(event, shard)):
            self._tell(event, higher)
        self._remember(event, shard)

    def _own(self, event: Event, shard: _Shard) -> _Report | None:
        """A higher term of the same process."""
        own = shard.highest.get(event.node)
        if own is None or own.incarnation != self._incarnation(event.node) or event.data["term"] >= own.term:
            return None
        # A StepDown may name the term that has just ended.
        return own if event.kind != "StepDown" or self._is_long_ago(own) else None

    def _elected(self, event: Event, shard: _Shard) -> _Report | None:
        """An election in a higher term, so long ago that this one can't have been before it."""
        elected = shard.elected
        if event.kind != "LeaderElected" or elected is None or event.data["term"] >= elected.term:
            return None
        was_there = self.cluster.coverage.covered(event.node, elected.at_ms - 1, elected.at_ms) is not None
        is_timely = was_there and self.cluster.is_whole((event.node,), elected.at_ms)
        return elected if is_timely and self._is_long_ago(elected) and not self._was_wiped(shard) else None

    def _tell(self, event: Event, higher: _Report) -> None:
        who, term = self.cluster.called(event.node), event.data["term"]
        self.cases.holds(
            {"shard": event.shard},
            f"Shard {event.shard} went back from term {higher.term} to {term}: {who} reports it.",
            conclusive=self.cluster.is_whole((event.node,), higher.at_ms),
            lapses_after_ms=self.LAPSES_AFTER_MS,
            evidence=(higher.position,),
        )

    def _remember(self, event: Event, shard: _Shard) -> None:
        term, incarnation = event.data["term"], self._incarnation(event.node)
        report = _Report(term, incarnation, self.cluster.now_ms, self.cluster.position)
        own, elected = shard.highest.get(event.node), shard.elected
        if own is None or own.incarnation != incarnation or term > own.term:
            _put(shard.highest, event.node, report)
        if event.kind == "LeaderElected":
            if elected is None or term > elected.term or self._was_wiped(shard):
                shard.elections = {}
                self.cases.ceases({"shard": event.shard})
            if elected is None or term >= elected.term or not shard.elections:
                _put(shard.elections, event.node, report)

    def _was_wiped(self, shard: _Shard) -> bool:
        reporters = {node: report.incarnation for node, report in shard.elections.items()}
        return self.cluster.processes.have_restarted(reporters)

    def _is_long_ago(self, report: _Report) -> bool:
        return self.cluster.now_ms - report.at_ms >= self.limits["late_s"] * 1_000

    def _incarnation(self, node: int) -> int | None:
        return self.cluster.processes.incarnation(node)


def _put(reports: dict[int, _Report], node: int, report: _Report) -> None:
    if node in reports or len(reports) < _MAX_REPORTERS:
        reports[node] = report
