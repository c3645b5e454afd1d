"""What befalls a simulated cluster: stories with an end, told again and again.

In every one ordinary life goes on: flushes and compactions, heat that moves, leaderships handed over, now and then
a shard that moves. A story is a function over what the parts of the cluster can do; ``SCENARIOS`` names them all.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from vizd.sim.disk import Disk
from vizd.sim.engine import StorageEngine
from vizd.sim.membership import Membership
from vizd.sim.moves import ShardMoves
from vizd.sim.raft import RaftGroup
from vizd.sim.stage import Stage

__all__ = ["DEFAULT_SCENARIO", "SCENARIOS", "Cast", "Scenario"]

DEFAULT_SCENARIO = "lively"

_MINUTE_MS = 60_000
_ENGINES_BEHIND = 3
_LARGEST_MINORITY = 20
"""As many as a rack has."""
_QUORUM_TIMEOUT_MS = 300
_CATCH_UP_MS = 6_000


@dataclass(frozen=True, slots=True)
class Cast:
    """The parts of a cluster that stories are told with.

    :ivar nodes: their numbers.
    :ivar engines: by node and shard; where replicas move, they change.
    :ivar disks: by node.
    """

    stage: Stage
    nodes: Sequence[int]
    membership: Membership
    groups: Sequence[RaftGroup]
    moves: ShardMoves
    engines: Mapping[tuple[int, int], StorageEngine]
    disks: Mapping[int, Disk]

    def some_engine(self) -> StorageEngine:
        """One of a node that runs."""
        rng, down = self.stage.rng, self.membership.down
        while True:
            group = rng.choice(self.groups)
            node = rng.choice(group.replicas)
            if node not in down:
                return self.engines[node, group.shard]

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


def _ordinary_life(cast: Cast) -> None:
    stage, pace = cast.stage, cast.stage.pace
    stage.every(pace.cycle_ms, lambda: cast.some_engine().flush())
    stage.every(pace.heat_ms, lambda: cast.some_engine().move_heat())
    stage.every(pace.transfer_ms, lambda: stage.rng.choice(cast.groups).hand_over())
    stage.every(pace.move_ms, cast.moves.begin)


def _healthy(cast: Cast) -> None:
    _ordinary_life(cast)
    rng = cast.stage.rng
    cast.stage.every(
        cast.stage.pace.pressure_ms, lambda: cast.some_engine().come_under_pressure(rng.uniform(0.4, 0.7), 0)
    )


def _lively(cast: Cast) -> None:
    _ordinary_life(cast)
    stage, uniform = cast.stage, cast.stage.rng.uniform
    stage.every(
        stage.pace.pressure_ms,
        lambda: cast.some_engine().come_under_pressure(uniform(0.9, 1.0), uniform(2_000, 4_000)),
    )
    stage.every(stage.pace.disturbance_ms, cast.membership.disturb)


def _node_crash(cast: Cast) -> None:
    _healthy(cast)
    cast.again(5_000, _MINUTE_MS, _crash)


def _crash(cast: Cast) -> None:
    victim = cast.first_leader()
    led = cast.led_by(victim)
    cast.membership.crash(victim, then=lambda: _catch_up(cast, victim, led))


def _catch_up(cast: Cast, node: int, led: Sequence[RaftGroup]) -> None:
    """What it missed is flushed; then it gets back what it led."""
    after, pace = cast.stage.timeline.after, cast.stage.pace
    flushes = cast.engines_of(node)[: round(_CATCH_UP_MS / pace.cycle_ms)]
    for turn, engine in enumerate(flushes):
        after(turn * pace.cycle_ms, engine.flush)
    for turn, group in enumerate(led):
        after(_CATCH_UP_MS + turn * max(200, pace.election_ms), partial(group.hand_over, node))


def _partition(cast: Cast) -> None:
    _healthy(cast)
    cast.again(5_000, _MINUTE_MS, _part)


def _part(cast: Cast) -> None:
    first = cast.first_leader()
    others = [node for node in cast.nodes if node != first]
    minority = min((len(cast.nodes) - 1) // 2, _LARGEST_MINORITY)
    cast.membership.part([first, *cast.stage.rng.sample(others, minority - 1)], for_ms=15_000)
    for group in cast.groups:
        cast.stage.timeline.after(_QUORUM_TIMEOUT_MS, group.check_quorum)


def _election_storm(cast: Cast) -> None:
    _healthy(cast)
    cast.again(5_000, _MINUTE_MS / 2, lambda cast: cast.stage.rng.choice(cast.groups).contend(8_000))


def _compaction_backlog(cast: Cast) -> None:
    _healthy(cast)
    cast.again(3_000, 2 * _MINUTE_MS, _fall_behind)


def _fall_behind(cast: Cast) -> None:
    rng = cast.stage.rng
    engines = cast.engines_of(rng.choice([node for node in cast.nodes if cast.engines_of(node)]))
    for engine in rng.sample(engines, min(_ENGINES_BEHIND, len(engines))):
        engine.fall_behind(80_000)


def _slow_disk(cast: Cast) -> None:
    _healthy(cast)
    cast.again(3_000, _MINUTE_MS, lambda cast: cast.disks[cast.first_leader()].ail(cast.stage.timeline, 40, 15_000))


def _shard_move(cast: Cast) -> None:
    _healthy(cast)
    for turn in range(3):
        cast.again(3_000 + 2_000 * turn, _MINUTE_MS / 2, lambda cast: cast.moves.begin(with_lead=True))


SCENARIOS: Mapping[str, Scenario] = {
    "lively": Scenario(
        "a little of everything: every 40 s a node is suspected, crashes or leaves, and comes back; every 25 s an "
        "engine stalls for some seconds",
        _lively,
    ),
    "healthy": Scenario("ordinary life, and nothing wrong in it", _healthy),
    "node-crash": Scenario(
        "5 s in, and then every minute, the node that leads most shards dies: it is suspected, confirmed dead, its "
        "shards elect elsewhere; 8 to 15 s later its process is back, catches up and leads again",
        _node_crash,
        fewest_nodes=3,
    ),
    "partition": Scenario(
        "5 s in, and then every minute, a minority of the nodes is cut off for 15 s: both sides suspect each other, "
        "leaders without a majority step down, and each shard elects where its majority is",
        _partition,
        fewest_nodes=3,
    ),
    "election-storm": Scenario(
        "5 s in, and then every half minute, the candidates of one shard ask against each other for 8 s: terms race "
        "up, and only then one is elected",
        _election_storm,
        fewest_nodes=3,
    ),
    "compaction-backlog": Scenario(
        "3 s in, and then every two minutes, three engines of a node wait 80 s for a compaction: files pile up in L0, "
        "write pressure passes its threshold, writes stall in bursts; then it drains within 10 s",
        _compaction_backlog,
    ),
    "slow-disk": Scenario(
        "3 s in, and then every minute, fsyncs of one node become 40 times slower within 12 s, stay so for 15 s, and "
        "recover in 12",
        _slow_disk,
    ),
    "shard-move": Scenario(
        "3 s in, and then every half minute, three shards move, each planned, copied and cut over within 10 s, and "
        "the new replica takes the lead",
        _shard_move,
        fewest_nodes=2,
    ),
}
"""By name."""
