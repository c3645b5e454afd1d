"""Shards that move: planned, copied as a snapshot, cut over to the new replica."""

from collections.abc import Callable, Sequence, Set

from vizd.sim.raft import RaftGroup
from vizd.sim.stage import Stage
from vizd.wire.vizd_pb2 import (
    SHARD_KIND_CUTOVER,
    SHARD_KIND_PLAN,
    SHARD_KIND_SNAPSHOT_DONE,
    SHARD_KIND_SNAPSHOT_START,
    ShardEvt,
    ShardKind,
    VizEvent,
)

__all__ = ["ShardMoves"]

_REPAIRED_AFTER_MS = 20_000
"""What was torn is noticed, and moved again."""
_RETRY_MS = 500


class ShardMoves:
    """Moves one replica of a shard to a node that has none; where all have one, it is copied anew in its place."""

    def __init__(
        self,
        stage: Stage,
        nodes: Sequence[int],
        groups: Sequence[RaftGroup],
        away: Set[int],
        on_moved: Callable[[RaftGroup, int, int], object],
        cut: Set[int] = frozenset(),
        is_behind: Callable[[RaftGroup], bool] = lambda group: False,
    ) -> None:
        """
        :param nodes: of the whole cluster.
        :param away: nodes that can't be reached; changed from outside.
        :param cut: nodes that reach each other, but not the rest; changed from outside.
        :param on_moved: called with the group, the node that lost its replica and the one that got it.
        :param is_behind: whether a group has enough to do without being copied.
        """
        self._stage = stage
        self._nodes = nodes
        self._groups = groups
        self._away = away
        self._on_moved = on_moved
        self._cut = cut
        self._is_behind = is_behind
        self._moving: set[int] = set()

    def begin(self, with_lead: bool = False, torn: bool = False) -> None:
        """Plan a move of some shard that has a leader and does not move already; none while the network is parted.

        :param with_lead: it is the leader's replica that moves, or the lead alone, where all nodes have a replica.
        :param torn: it is cut over before its snapshot is done, and moves again later.
        """
        movable = [group for group in self._groups if self._can_move(group)]
        if movable:
            self._move(self._stage.rng.choice(movable), with_lead, torn)

    def _can_move(self, group: RaftGroup) -> bool:
        has_time = group.shard not in self._moving and not self._is_behind(group)
        return group.leader is not None and has_time and not self._cut

    def _move(self, group: RaftGroup, with_lead: bool = False, torn: bool = False) -> None:
        rng = self._stage.rng
        free = [node for node in self._nodes if node not in group.replicas and node not in self._away]
        target = rng.choice(free or [node for node in group.replicas if node != group.leader] or group.replicas)
        self._moving.add(group.shard)
        self._report(group, target, SHARD_KIND_PLAN)
        after = self._stage.timeline.after
        snapshot_ms = 500 + rng.uniform(3_000, 8_000)
        after(500, lambda: self._report(group, target, SHARD_KIND_SNAPSHOT_START))
        if torn:
            after(snapshot_ms + 500 + _REPAIRED_AFTER_MS, lambda: self._repair(group))
        else:
            after(snapshot_ms, lambda: self._report(group, target, SHARD_KIND_SNAPSHOT_DONE))
        after(snapshot_ms + 500, lambda: self._cut_over(group, target, with_lead))

    def _repair(self, group: RaftGroup) -> None:
        if self._can_move(group):
            self._move(group)
        else:
            self._stage.timeline.after(_RETRY_MS, lambda: self._repair(group))

    def _cut_over(self, group: RaftGroup, target: int, with_lead: bool) -> None:
        self._report(group, target, SHARD_KIND_CUTOVER)
        self._moving.discard(group.shard)
        leader = group.leader
        followers = [node for node in group.replicas if node != leader]
        if target not in group.replicas and followers:
            reachable = target not in self._away and target not in self._cut
            source = leader if with_lead and leader is not None and reachable else self._stage.rng.choice(followers)
            group.replicas[group.replicas.index(source)] = target
            self._on_moved(group, source, target)
        if with_lead:
            group.hand_over(target)

    def _report(self, group: RaftGroup, target: int, kind: ShardKind) -> None:
        # The leader says it; in an interregnum, whoever takes part and is there.
        sayers = [group.leader, target, *group.replicas]
        node = next(node for node in sayers if node is not None and node not in self._away)
        self._stage.report(node, VizEvent(shard=ShardEvt(shard=group.shard, kind=kind)))
