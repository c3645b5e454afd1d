"""A shard without a leader that is known."""

import msgspec

from vizd.insight.cluster import Event
from vizd.insight.rule import Rule, after_s
from vizd.insight.subjects import Subjects
from vizd.state.leadership import Lead, Leadership

__all__ = ["ShardWithoutLeader"]

_MAX_CANDIDATES = 8
"""Of a shard, that are counted."""
_MAX_REPORTERS = 16
"""Of a shard, that are asked whether something of theirs is missing."""
_GONE = {
    "disconnected": "is disconnected",
    "restarted": "has restarted",
    "left": "has left",
    "dead": "was confirmed dead",
}


class _Shard(msgspec.Struct, array_like=True):
    """What is known of one.

    :ivar leader: the node that leads it, or did when it went away; ``None``: none is known.
    :ivar is_away: it has gone, and may come back. :ivar why: there is no leader.
    :ivar candidates: those that asked for votes since. :ivar reporters: nodes that have told something of it.
    :ivar lead: what its newest election or StepDown is judged by.
    """

    leader: int | None = None
    is_away: bool = False
    why: str = "none was known before"
    candidates: set[int] = set()
    reporters: set[int] = set()
    lead: Lead | None = None


class ShardWithoutLeader(Rule):
    """What counts as the newest election or StepDown is said in ``state.leadership``."""

    name = "shard-without-leader"
    severity = "critical"
    sentence = (
        "A shard's leader has stepped down, or its node is confirmed dead, has left, restarted or disconnected, and no"
        " election was reported for `after_s`; or votes are cast for a shard of which no leader was ever known."
    )
    closes = "A leader is elected; or a node that was only away is back; or the log has nothing of the shard any more."
    unknowable = "A leader that a disconnected node still is, or that only such a node could report."
    kinds = ("Raft.LeaderElected", "Raft.StepDown", "Raft.VoteReq", "Raft.VoteGranted")
    inputs = ("Raft.LeaderElected", "Raft.StepDown")
    thresholds = (after_s(3),)

    def prepare(self) -> None:
        """See ``Rule``."""
        self._leadership = Leadership(self.cluster.processes.incarnation)
        self._shards: Subjects[int, _Shard] = self.remember("shards", tuple[int, _Shard])
        self._led: dict[int, set[int]] = {}

    def restored(self) -> None:
        """See ``Rule``."""
        for number, shard in self._shards.items():
            if shard.leader is not None:
                self._led.setdefault(shard.leader, set()).add(number)
            if shard.lead is not None:
                self._leadership.put(_key(number), shard.lead)

    def follow(self, event: Event) -> None:
        """See ``Rule``."""
        number = event.data["shard"]
        shard = self._shards.get(number)
        if shard is None:
            shard = _Shard()
            if len(self._shards) >= self._shards.MAX:
                self._forget(next(iter(self._shards)))
        self._shards.put(number, shard)
        if len(shard.reporters) < _MAX_REPORTERS:
            shard.reporters.add(event.node)
        if event.kind in ("VoteReq", "VoteGranted"):
            self._vote(number, shard, event)
            return
        is_newest = self._leadership.follow(_key(number), event.facet, event.data["term"])
        shard.lead = self._leadership.get(_key(number))
        if is_newest and event.kind == "StepDown":
            self._step_down(number, shard, event)
        elif is_newest:
            self._elect(number, shard, event)

    def _elect(self, number: int, shard: _Shard, event: Event) -> None:
        self._unlead(number, shard)
        shard.leader = event.data["node"] if self.cluster.knows(event.data["node"]) else event.node
        self._led.setdefault(shard.leader, set()).add(number)
        self.cases.ceases({"shard": number})

    def _step_down(self, number: int, shard: _Shard, event: Event) -> None:
        self._unlead(number, shard)
        shard.why = f"{self.cluster.called(event.node)} stepped down from term {event.data['term']}"
        self._say(number, shard)

    def _vote(self, number: int, shard: _Shard, event: Event) -> None:
        if shard.leader is not None and not shard.is_away:
            return
        if len(shard.candidates) < _MAX_CANDIDATES:
            shard.candidates.add(event.data["from"] if event.kind == "VoteReq" else event.node)
        self._say(number, shard)

    def gone(self, node: int, why: str) -> None:
        """See ``Rule``."""
        for number in sorted(self._led.get(node, ())):
            shard = self._shards[number]
            if why == "restarted":  # What it is now, it will say; it does not lead because it is back.
                self._unlead(number, shard)
            shard.is_away = why != "restarted"
            shard.why = f"its leader {self.cluster.called(node)} {_GONE[why]}"
            shard.candidates.clear()
            self._say(number, shard)

    def back(self, node: int) -> None:
        """See ``Rule``."""
        for number in sorted(self._led.get(node, ())):  # As in every life: findings are told in this order.
            self._shards[number].is_away = False
            self.cases.ceases({"shard": number})

    def _say(self, number: int, shard: _Shard) -> None:
        detail = f"Shard {number} has no leader: {shard.why}"
        if count := len(shard.candidates):
            detail += f"; {count} candidate{'s' if count > 1 else ''}, no majority"
        self.cases.holds({"shard": number}, detail + ".", witnesses=shard.reporters)

    def _unlead(self, number: int, shard: _Shard) -> None:
        shard.candidates.clear()
        if shard.leader is not None:
            led = self._led[shard.leader]
            led.discard(number)
            if not led:
                del self._led[shard.leader]
            shard.leader, shard.is_away = None, False

    def _forget(self, number: int) -> None:
        self._unlead(number, self._shards[number])
        self._leadership.forget(_key(number))
        self.cases.ends({"shard": number})
        del self._shards[number]


def _key(shard: int) -> bytes:
    return b"%d" % shard
