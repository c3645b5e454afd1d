"""A simulated NoriKV cluster: what its nodes report, as time goes on.

The same seed and the same start give the same events, in however many steps time is advanced. There is no
clock and no I/O: ``runner`` has those.
"""

from random import Random

from vizd.sim.engine import StorageEngine
from vizd.sim.flood import Flood
from vizd.sim.membership import Membership
from vizd.sim.moves import ShardMoves
from vizd.sim.pace import Pace
from vizd.sim.raft import Elections, RaftGroup
from vizd.sim.stage import Stage
from vizd.sim.timeline import Timeline
from vizd.wire.vizd_pb2 import VizEvent

__all__ = ["MAX_NODES", "MAX_RATE", "MAX_SHARDS", "MIN_RATE", "SimulatedCluster"]

MAX_NODES = 1_000
MAX_SHARDS = 10_000
MIN_RATE, MAX_RATE = 10, 50_000
MAX_STEP_MS = 1_000
"""Time that passes beyond this in one step passed while nobody was simulating: the cluster stood still."""

REPLICAS = 3
_TORN_LOG_CHANCE = 0.25


class SimulatedCluster:
    """Nodes 1 to ``nodes`` and shards 0 to ``shards - 1``.

    :ivar nodes: their numbers.
    """

    def __init__(self, nodes: int, shards: int, rate: int, seed: int, start_ms: int) -> None:
        """
        :param nodes: how many, 1 to ``MAX_NODES``.
        :param shards: how many, 1 to ``MAX_SHARDS``; each has three replicas, or as many as there are nodes.
        :param rate: events per second in total, ``MIN_RATE`` to ``MAX_RATE``.
        :param seed: of all chance.
        :param start_ms: the present, milliseconds since the Unix epoch.
        :raises ValueError: if a number is out of its range.
        """
        for name, value, low, high in (
            ("nodes", nodes, 1, MAX_NODES),
            ("shards", shards, 1, MAX_SHARDS),
            ("rate", rate, MIN_RATE, MAX_RATE),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} {value}: {low} to {high} is possible")
        self.nodes = range(1, nodes + 1)
        self._rate = rate
        self._reported: list[tuple[int, VizEvent]] = []
        # In thousandths of an event, so that a rate per second times milliseconds stays a whole number.
        self._flood_credit = 0
        self._flooded_ms = start_ms
        self._torn_log_chance = 1.0  # The first crash always tears a log, so that the kind is seen at all.
        self._rng = rng = Random(seed)  # noqa: S311
        replicas = min(REPLICAS, nodes)
        self._timeline = Timeline(start_ms)
        stage = Stage(self._timeline, rng, Pace.of(replicas * shards, shards, rate), self._report)
        self._stage = stage
        self._membership = Membership(stage, self.nodes, self._node_away, self._node_back)
        elections = Elections(stage)
        self._groups = [
            RaftGroup(
                stage,
                elections,
                shard,
                [(shard + offset) % nodes + 1 for offset in range(replicas)],
                self._membership.away,
            )
            for shard in range(shards)
        ]
        self._moves = ShardMoves(stage, self.nodes, self._groups, self._membership.away, self._shard_moved)
        self._engines = {
            (node, group.shard): StorageEngine(stage, node, group.shard)
            for group in self._groups
            for node in group.replicas
        }
        # A few shards get most of the writes, as keys do.
        self._shard_weights = [rng.choice((1, 1, 1, 2, 2, 4)) for _ in range(shards)]
        self._flood = Flood(rng, nodes, shards, rate)
        self._choose_readings()
        self._begin()

    def advance(self, to_ms: int) -> list[tuple[int, VizEvent]]:
        """What is reported until ``to_ms``, each event with its publishing node, in the order of rising ``ts_ms``.

        The first call also brings the state at the start: each node alive, each shard's leader.

        :param to_ms: milliseconds since the Unix epoch. More than ``MAX_STEP_MS`` ahead: the excess passes
            first, without events. Not ahead: nothing happens.
        """
        timeline = self._timeline
        idle_ms = to_ms - timeline.now_ms - MAX_STEP_MS
        if idle_ms > 0:
            timeline.postpone(idle_ms)
            self._flooded_ms += idle_ms
        while (due_ms := timeline.next_due_ms()) is not None and due_ms <= to_ms:
            self._flood_until(due_ms)
            timeline.make_next_call()
        self._flood_until(to_ms)
        timeline.now_ms = max(timeline.now_ms, to_ms)
        reported, self._reported = self._reported, []
        return reported

    def _begin(self) -> None:
        self._membership.report_all_alive()
        for group in self._groups:
            group.report_leader()
        self._flood_credit = 0  # The first state is a present.
        every, pace, pick = self._stage.every, self._stage.pace, self._rng.choice
        every(pace.cycle_ms, lambda: self._some_engine().flush())
        every(pace.pressure_ms, lambda: self._some_engine().come_under_pressure())
        every(pace.heat_ms, lambda: self._some_engine().move_heat())
        every(pace.transfer_ms, lambda: pick(self._groups).step_down())
        every(pace.move_ms, self._moves.begin)
        every(pace.disturbance_ms, self._membership.disturb)

    def _report(self, node: int, event: VizEvent) -> None:
        if node in self._membership.down:
            return  # What its parts still had on their list dies with it.
        event.ts_ms = self._timeline.now_ms
        self._reported.append((node, event))
        self._flood_credit -= 1_000

    def _flood_until(self, to_ms: int) -> None:
        """What the rate has left, evenly in time: only then do steps of any size give the same events."""
        rate, credit, from_ms = self._rate, self._flood_credit, self._flooded_ms
        if to_ms <= from_ms:
            return
        count = max(0, (credit + rate * (to_ms - from_ms)) // 1_000)
        read, reported = self._flood.read, self._reported
        for thousandths in range(1_000 - credit, 1_000 * count - credit + 1, 1_000):
            reported.append(read(from_ms - (-thousandths // rate)))
        self._flood_credit = credit + rate * (to_ms - from_ms) - 1_000 * count
        self._flooded_ms = to_ms

    def _some_engine(self) -> StorageEngine:
        down = self._membership.down
        while True:
            group = self._rng.choice(self._groups)
            node = self._rng.choice(group.replicas)
            if node not in down:
                return self._engines[node, group.shard]

    def _choose_readings(self) -> None:
        down = self._membership.down
        self._flood.draw_from(
            [
                (engine, self._shard_weights[shard])
                for (node, shard), engine in self._engines.items()
                if node not in down
            ],
            [node for node in self.nodes if node not in down],
        )

    def _node_away(self, node: int) -> None:
        for group in self._groups:
            if group.leader == node:
                if node in self._membership.down:
                    group.lose_leader()
                else:
                    group.step_down()
        if node in self._membership.down:
            self._choose_readings()

    def _node_back(self, node: int, crashed: bool) -> None:
        self._choose_readings()
        if crashed and self._rng.random() < self._torn_log_chance:
            self._torn_log_chance = _TORN_LOG_CHANCE
            mine = [engine for (where, _), engine in self._engines.items() if where == node]
            if mine:
                self._rng.choice(mine).recover_truncated()

    def _shard_moved(self, group: RaftGroup, source: int, target: int) -> None:
        del self._engines[source, group.shard]
        self._engines[target, group.shard] = StorageEngine(self._stage, target, group.shard)
        self._choose_readings()
