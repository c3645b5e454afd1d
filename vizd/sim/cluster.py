"""A simulated NoriKV cluster: what its nodes report, as time goes on.

The same seed and the same start give the same events, in however many steps time is advanced. There is no
clock and no I/O: ``runner`` has those. What befalls the cluster is told in ``scenarios``.
"""

from collections.abc import Mapping, Set
from random import Random

from vizd.sim.cast import Cast
from vizd.sim.disk import Disk
from vizd.sim.encoded import EncodedEvent, decoded, encoded, shifted
from vizd.sim.engine import StorageEngine
from vizd.sim.flood import Flood
from vizd.sim.membership import Membership
from vizd.sim.moves import ShardMoves
from vizd.sim.pace import Pace
from vizd.sim.raft import Elections, RaftGroup
from vizd.sim.scenarios import DEFAULT_SCENARIO, SCENARIOS
from vizd.sim.stage import Stage
from vizd.sim.timeline import Timeline
from vizd.sim.today import is_emitted, number_of, raft_number_of
from vizd.sim.uplink import Uplink
from vizd.wire.vizd_pb2 import VizEvent

__all__ = ["MAX_NODES", "MAX_RATE", "MAX_SHARDS", "MIN_RATE", "SimulatedCluster"]

MAX_NODES = 1_000
MAX_SHARDS = 10_000
MIN_RATE, MAX_RATE = 10, 100_000
MAX_STEP_MS = 1_000
"""Time that passes beyond this in one step passed while nobody was simulating: the cluster stood still."""

REPLICAS = 3
_TORN_LOG_CHANCE = 0.25


class SimulatedCluster:
    """Nodes called ``node-1`` to ``node-N``, and shards 0 to ``shards - 1``.

    :ivar names: of the nodes, by the number that their engines carry: 1 to ``nodes``, or the hash of the name.
    :ivar uplinks: by node, how its process is to publish at present.
    :ivar clocks_off_ms: by node, where its clock is not right at present: its clock minus the right one.
    """

    def __init__(
        self,
        nodes: int,
        shards: int,
        rate: int,
        seed: int,
        start_ms: int,
        scenario: str = DEFAULT_SCENARIO,
        as_of_today: bool = False,
    ) -> None:
        """
        :param nodes: how many, 1 to ``MAX_NODES``.
        :param shards: how many, 1 to ``MAX_SHARDS``; each has three replicas, or as many as there are nodes.
        :param rate: events per second in total, ``MIN_RATE`` to ``MAX_RATE``.
        :param seed: of all chance.
        :param start_ms: the present, milliseconds since the Unix epoch.
        :param scenario: what befalls it, one of ``SCENARIOS``.
        :param as_of_today: only what real nodes emit as of today, under the numbers that they give: see ``today``.
        :raises ValueError: if a number is out of its range, or there is no such scenario.
        """
        for name, value, low, high in (
            ("nodes", nodes, 1, MAX_NODES),
            ("shards", shards, 1, MAX_SHARDS),
            ("rate", rate, MIN_RATE, MAX_RATE),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} {value}: {low} to {high} is possible")
        if scenario not in SCENARIOS:
            raise ValueError(f"scenario {scenario!r}: one of {', '.join(SCENARIOS)} is possible")
        if nodes < SCENARIOS[scenario].fewest_nodes:
            raise ValueError(f"nodes {nodes}: {scenario} needs {SCENARIOS[scenario].fewest_nodes} or more")
        numbered = ((number, f"node-{number}") for number in range(1, nodes + 1))
        self.names: Mapping[int, str] = {number_of(name) if as_of_today else number: name for number, name in numbered}
        numbers = tuple(self.names)
        self.uplinks: Mapping[int, Uplink] = {node: Uplink() for node in numbers}
        self.clocks_off_ms: dict[int, int] = {}
        self._as_of_today = as_of_today
        self._rate = rate
        self._reported: list[tuple[int, EncodedEvent]] = []
        # In thousandths of an event, so that a rate per second times milliseconds stays a whole number.
        self._flood_credit = 0
        self._flooded_ms = start_ms
        self._torn_log_chance = 1.0  # The first crash always tears a log, so that the kind is seen at all.
        self._rng = rng = Random(seed)  # noqa: S311
        replicas = min(REPLICAS, nodes)
        self._timeline = Timeline(start_ms)
        stage = Stage(self._timeline, rng, Pace.of(replicas * shards, shards, rate), self._report)
        self._stage = stage
        self._membership = membership = Membership(stage, numbers, self._node_away, self._node_back)
        elections = Elections(stage)
        self._groups = [
            RaftGroup(
                stage,
                elections,
                shard,
                [numbers[(shard + offset) % nodes] for offset in range(replicas)],
                membership.away,
                membership.cut,
            )
            for shard in range(shards)
        ]
        self._disks = {node: Disk() for node in numbers}
        self._engines: dict[tuple[int, int], StorageEngine] = {}
        self._retired: dict[tuple[int, int], StorageEngine] = {}
        for group in self._groups:
            for node in group.replicas:
                self._begin_replica(node, group.shard)
        # A few shards get most of the writes, as keys do.
        self._shard_weights = [rng.choice((1, 1, 1, 2, 2, 4)) for _ in range(shards)]
        self._flood = Flood(rng, nodes, shards, rate, caches=not as_of_today)
        self._choose_readings()
        self._begin(scenario)

    @property
    def down(self) -> Set[int]:
        """The nodes whose processes don't run at present: dead, or gone."""
        return self._membership.down

    def advance(self, to_ms: int) -> list[tuple[int, VizEvent]]:
        """As ``advance_encoded``, for who wants to look at the events."""
        return [(node, decoded(event)) for node, event in self.advance_encoded(to_ms)]

    def advance_encoded(self, to_ms: int) -> list[tuple[int, EncodedEvent]]:
        """What is reported until ``to_ms``, each event with its publishing node, in the order of rising ``ts_ms``.

        Of a node whose clock is off, they are off as much. The first call also brings the state at the start: each
        node alive, each shard's leader.

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

    def _begin(self, scenario: str) -> None:
        self._membership.report_all_alive()
        for group in self._groups:
            group.report_leader()
        self._flood_credit = 0  # The first state is a present.
        moves = ShardMoves(
            self._stage,
            tuple(self.names),
            self._groups,
            self._membership.away,
            self._shard_moved,
            self._membership.cut,
            self._is_behind,
        )
        SCENARIOS[scenario].begin(
            Cast(
                self._stage,
                tuple(self.names),
                self._membership,
                self._groups,
                moves,
                self._engines,
                self._disks,
                self.uplinks,
                self.clocks_off_ms,
                self._rate,
            )
        )

    def _report(self, node: int, event: VizEvent) -> None:
        if node in self._membership.down:
            return  # What its parts still had on their list dies with it.
        if self._as_of_today:
            if not is_emitted(event):
                return
            if event.HasField("raft"):
                event.raft.leader_elected.node = raft_number_of(self.names[node], event.raft.shard)
        event.ts_ms = self._timeline.now_ms + self.clocks_off_ms.get(node, 0)
        self._reported.append((node, encoded(event)))
        self._flood_credit -= 1_000

    def _flood_until(self, to_ms: int) -> None:
        """What the rate has left, evenly in time: only then do steps of any size give the same events."""
        rate, credit, from_ms = self._rate, self._flood_credit, self._flooded_ms
        if to_ms <= from_ms:
            return
        count = max(0, (credit + rate * (to_ms - from_ms)) // 1_000)
        thousandths = range(1_000 - credit, 1_000 * count - credit + 1, 1_000)
        before = len(self._reported)
        self._flood.read([from_ms - (-each // rate) for each in thousandths], self._reported)
        if self.clocks_off_ms:
            read, off_ms = self._reported[before:], self.clocks_off_ms
            self._reported[before:] = [(node, shifted(event, off_ms.get(node, 0))) for node, event in read]
        self._flood_credit = credit + rate * (to_ms - from_ms) - 1_000 * count
        self._flooded_ms = to_ms

    def _choose_readings(self) -> None:
        down = self._membership.down
        self._flood.draw_from(
            [
                (engine, self._shard_weights[shard])
                for (node, shard), engine in self._engines.items()
                if node not in down
            ],
            [node for node in self.names if node not in down],
        )

    def _node_away(self, node: int) -> None:
        for group in self._groups:
            if group.leader == node:
                if node in self._membership.down:
                    group.lose_leader()
                else:
                    group.step_down()
        if node in self._membership.down:
            for engines in (self._engines, self._retired):
                for (where, _), engine in engines.items():
                    if where == node:
                        engine.die()
            self._choose_readings()

    def _node_back(self, node: int, crashed: bool) -> None:
        self._choose_readings()
        if crashed and self._rng.random() < self._torn_log_chance:
            self._torn_log_chance = _TORN_LOG_CHANCE
            if mine := self._engines_of(node):
                self._rng.choice(mine).recover_truncated()

    def _engines_of(self, node: int) -> list[StorageEngine]:
        return [engine for (where, _), engine in self._engines.items() if where == node]

    def _is_behind(self, group: RaftGroup) -> bool:
        return any(self._engines[node, group.shard].behind for node in group.replicas)

    def _shard_moved(self, group: RaftGroup, source: int, target: int) -> None:
        # It ends what it is at; and should the replica come back before, it is still at that.
        self._retired[source, group.shard] = self._engines.pop((source, group.shard))
        self._begin_replica(target, group.shard)
        self._choose_readings()
        if self._membership.cut:
            group.check_quorum()

    def _begin_replica(self, node: int, shard: int) -> None:
        former = self._retired.pop((node, shard), None)
        self._engines[node, shard] = former or StorageEngine(self._stage, node, shard, self._disks[node])
