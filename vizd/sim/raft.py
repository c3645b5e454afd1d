"""Who leads a shard: terms, votes, elections, and leaders that step down."""

from collections.abc import Set

from vizd.sim.stage import Stage
from vizd.wire.vizd_pb2 import RaftEvt, VizEvent

__all__ = ["Elections", "RaftGroup"]

_WITHOUT_QUORUM_MS = 1_000
"""After so long a group that found no majority tries again."""


class Elections:
    """Says when a group may elect, so that a node with many leaders does not become a burst of votes."""

    def __init__(self, stage: Stage) -> None:
        """:param stage: its pace has the least time between two elections."""
        self._stage = stage
        self._free_ms = float(stage.timeline.now_ms)

    def delay_ms(self) -> float:
        """Reserve the next turn; how long it is until then."""
        now_ms = self._stage.timeline.now_ms
        begins_ms = max(self._free_ms, now_ms + self._stage.rng.uniform(150, 300))
        self._free_ms = begins_ms + self._stage.pace.election_ms
        return begins_ms - now_ms


class RaftGroup:
    """The replicas of one shard.

    :ivar shard: its number.
    :ivar replicas: the nodes that have it.
    :ivar leader: one of them; ``None`` between two leaders.
    :ivar term: rises with each election.
    """

    def __init__(self, stage: Stage, elections: Elections, shard: int, replicas: list[int], away: Set[int]) -> None:
        """
        :param replicas: its first leader is the first of them.
        :param away: nodes that can't be reached at present; changed from outside.
        """
        self.shard = shard
        self.replicas = replicas
        self.leader: int | None = replicas[0]
        self.term = stage.rng.randint(1, 5)
        self._stage = stage
        self._elections = elections
        self._away = away

    def report_leader(self) -> None:
        """Say who leads."""
        if self.leader is not None:
            self._report(self.leader, RaftEvt(leader_elected=RaftEvt.LeaderElected(node=self.leader)))

    def step_down(self) -> None:
        """Let the leader give up; another is elected soon."""
        if self.leader is not None:
            self._report(self.leader, RaftEvt(step_down=RaftEvt.StepDown()))
            self.lose_leader()

    def lose_leader(self) -> None:
        """Let the leader be gone without a word; another is elected soon."""
        if self.leader is not None:
            former, self.leader = self.leader, None
            self._stage.timeline.after(self._elections.delay_ms(), lambda: self._campaign(former))

    def _campaign(self, former: int) -> None:
        timeline, rng = self._stage.timeline, self._stage.rng
        present = [node for node in self.replicas if node not in self._away]
        if 2 * len(present) <= len(self.replicas):
            timeline.after(_WITHOUT_QUORUM_MS, lambda: self._campaign(former))
            return
        candidate = rng.choice([node for node in present if node != former] or present)
        self.term += 1
        self._report(candidate, RaftEvt(vote_req=RaftEvt.VoteReq(from_node=candidate)))
        timeline.after(rng.uniform(1, 8), lambda: self._count_votes(candidate, present))

    def _count_votes(self, candidate: int, present: list[int]) -> None:
        if candidate in self._away:
            self._campaign(candidate)
            return
        for voter in present:
            self._report(candidate, RaftEvt(vote_granted=RaftEvt.VoteGranted(from_node=voter)))
        self.leader = candidate
        self.report_leader()

    def _report(self, node: int, raft: RaftEvt) -> None:
        raft.shard = self.shard
        raft.term = self.term
        self._stage.report(node, VizEvent(raft=raft))
