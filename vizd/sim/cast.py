"""What stories about a cluster are told with: its parts, and the form of a story."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vizd.sim.disk import Disk
from vizd.sim.engine import StorageEngine
from vizd.sim.membership import Membership
from vizd.sim.moves import ShardMoves
from vizd.sim.raft import RaftGroup
from vizd.sim.stage import Stage
from vizd.sim.uplink import Uplink

__all__ = ["MINUTE_MS", "Cast", "Scenario"]

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Cast:
    """The parts of a cluster.

    :ivar nodes: their numbers.
    :ivar engines: by node and shard; where replicas move, they change.
    :ivar disks: by node. :ivar uplinks: by node.
    :ivar clocks_off_ms: by node, where its clock is not right: its clock minus the right one.
    :ivar rate: events per second, of all nodes together.
    """

    stage: Stage
    nodes: Sequence[int]
    membership: Membership
    groups: Sequence[RaftGroup]
    moves: ShardMoves
    engines: Mapping[tuple[int, int], StorageEngine]
    disks: Mapping[int, Disk]
    uplinks: Mapping[int, Uplink]
    clocks_off_ms: dict[int, int]
    rate: int

    def some_engine(self) -> StorageEngine:
        """One of a node that runs."""
        rng, down = self.stage.rng, self.membership.down
        while True:
            group = rng.choice(self.groups)
            node = rng.choice(group.replicas)
            if node not in down:
                return self.engines[node, group.shard]

    def some_uplink(self) -> Uplink:
        """One of any node."""
        return self.uplinks[self.stage.rng.choice(self.nodes)]

    def engines_of(self, node: int) -> list[StorageEngine]:
        """Those of one node."""
        return [engine for (where, _), engine in self.engines.items() if where == node]

    def led_by(self, node: int) -> list[RaftGroup]:
        """The shards that it leads."""
        return [group for group in self.groups if group.leader == node]

    def first_leader(self) -> int:
        """The node that leads most shards: what becomes of it is seen best."""
        leaders = Counter(group.leader for group in self.groups if group.leader is not None)
        return max(self.nodes, key=leaders.__getitem__)

    def again(self, first_ms: float, every_ms: float, act: Callable[["Cast"], object]) -> None:
        """Let ``act`` happen after ``first_ms``, and then each ``every_ms``."""

        def once() -> None:
            act(self)
            self.stage.timeline.after(every_ms, once)

        self.stage.timeline.after(first_ms, once)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story.

    :ivar sentence: what happens, and when.
    :ivar begin: called once, when the cluster is as it is at the start.
    :ivar fewest_nodes: with which it can be told.
    """

    sentence: str
    begin: Callable[[Cast], object]
    fewest_nodes: int = 1
