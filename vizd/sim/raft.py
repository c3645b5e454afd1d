"""Who leads a shard: terms, votes, elections, and leaders that step down."""

from collections.abc import Set

from vizd.sim.stage import Stage
from vizd.wire.vizd_pb2 import RaftEvt, VizEvent

__all__ = ["Elections", "RaftGroup"]

_WITHOUT_QUORUM_MS = 1_000
"""After so long a group that found no majority tries again."""
_CONTENTION_PACE = 0.4
"""An election without a winner has two events of five."""
_RELAPSE_TERMS = 3
"""As a copy of some elections ago; the one that follows is counted on from there."""


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

    def __init__(
        self,
        stage: Stage,
        elections: Elections,
        shard: int,
        replicas: list[int],
        away: Set[int],
        cut: Set[int] = frozenset(),
    ) -> None:
        """
        :param replicas: its first leader is the first of them.
        :param away: nodes that can't be reached at present; changed from outside.
        :param cut: nodes that reach each other, but not the rest; changed from outside.
        """
        self.shard = shard
        self.replicas = replicas
        self.leader: int | None = replicas[0]
        self.term = stage.rng.randint(1, 5)
        self._stage = stage
        self._elections = elections
        self._away = away
        self._cut = cut
        self._contended_until_ms = 0.0

    @property
    def present(self) -> list[int]:
        """The replicas that are there and reach each other; of two parts, the larger one."""
        there = [node for node in self.replicas if node not in self._away]
        if not self._cut:
            return there
        sides = ([node for node in there if node not in self._cut], [node for node in there if node in self._cut])
        return max(sides, key=len)

    def report_leader(self) -> None:
        """Say who leads."""
        if self.leader is not None:
            self._report(self.leader, RaftEvt(leader_elected=RaftEvt.LeaderElected(node=self.leader)))

    def hand_over(self, to: int | None = None) -> None:
        """Let the leader give up for another, who asks for votes at once: nearly no time without a leader.

        :param to: a node that has a replica; ``None``: any other. Nothing happens if it can't be reached.
        """
        others = [node for node in self.present if node != self.leader and to in (node, None)]
        if self.leader is not None and others:
            self._report(self.leader, RaftEvt(step_down=RaftEvt.StepDown()))
            self.leader = None
            heir = self._stage.rng.choice(others)
            self._stage.timeline.after(self._stage.rng.uniform(5, 30), lambda: self._ask_for_votes(heir))

    def step_down(self) -> None:
        """Let the leader give up; another is elected soon."""
        if self.leader is not None:
            self._report(self.leader, RaftEvt(step_down=RaftEvt.StepDown()))
            self.lose_leader()

    def check_quorum(self) -> None:
        """Let a leader give up who no longer hears a majority."""
        present = self.present
        if self.leader not in present or not self._is_majority(present):
            self.step_down()

    def lose_leader(self) -> None:
        """Let the leader be gone without a word; another is elected soon."""
        if self.leader is not None:
            former, self.leader = self.leader, None
            self._stage.timeline.after(self._elections.delay_ms(), lambda: self._campaign(former))

    def contend(self, for_ms: float) -> None:
        """Let the leader give up, and each candidate have no vote but its own until ``for_ms`` have passed."""
        self._contended_until_ms = self._stage.timeline.now_ms + for_ms
        self.step_down()

    def elect_second(self) -> None:
        """Let the others elect one of them in the term that has a leader: what Raft forbids."""
        others = [node for node in self.present if node != self.leader]
        if self.leader is not None and others:
            second = self._stage.rng.choice(others)
            self._report(second, RaftEvt(vote_req=RaftEvt.VoteReq(from_node=second)))
            for voter in others:
                self._grant(second, voter)
            self._report(second, RaftEvt(leader_elected=RaftEvt.LeaderElected(node=second)))

    def relapse(self, for_ms: float) -> None:
        """Let the leader be elected once more in a term that is over: what Raft forbids, too.

        Nothing happens without a leader, or in the first term.

        :param for_ms: until it steps down, and terms go on from the highest one.
        """
        if self.leader is None or self.term < 2:
            return
        highest, self.term = self.term, max(0, self.term - _RELAPSE_TERMS)

        def recover() -> None:
            self.step_down()
            self.term = max(self.term, highest)

        candidate, self.leader = self.leader, None
        self._ask_for_votes(candidate)
        self._stage.timeline.after(for_ms, recover)

    def _campaign(self, former: int) -> None:
        present = self.present
        if not self._is_majority(present):
            self._stage.timeline.after(_WITHOUT_QUORUM_MS, lambda: self._campaign(former))
            return
        self._ask_for_votes(self._stage.rng.choice([node for node in present if node != former] or present))

    def _ask_for_votes(self, candidate: int) -> None:
        self.term += 1
        self._report(candidate, RaftEvt(vote_req=RaftEvt.VoteReq(from_node=candidate)))
        self._stage.timeline.after(self._stage.rng.uniform(1, 8), lambda: self._count_votes(candidate))

    def _count_votes(self, candidate: int) -> None:
        timeline, rng, present = self._stage.timeline, self._stage.rng, self.present
        if candidate not in present or not self._is_majority(present):
            self._campaign(candidate)
        elif timeline.now_ms < self._contended_until_ms and len(present) > 1:
            self._grant(candidate, candidate)
            again_ms = max(rng.uniform(150, 300), _CONTENTION_PACE * self._stage.pace.election_ms)
            timeline.after(again_ms, lambda: self._campaign(candidate))
        else:
            for voter in present:
                self._grant(candidate, voter)
            self.leader = candidate
            self.report_leader()

    def _is_majority(self, nodes: list[int]) -> bool:
        return 2 * len(nodes) > len(self.replicas)

    def _grant(self, candidate: int, voter: int) -> None:
        self._report(candidate, RaftEvt(vote_granted=RaftEvt.VoteGranted(from_node=voter)))

    def _report(self, node: int, raft: RaftEvt) -> None:
        raft.shard = self.shard
        raft.term = self.term
        self._stage.report(node, VizEvent(raft=raft))
