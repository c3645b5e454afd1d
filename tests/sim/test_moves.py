from twisted.trial.unittest import TestCase

from tests.sim.watched import WatchedStage
from vizd.sim.moves import ShardMoves
from vizd.sim.raft import Elections, RaftGroup

STEPS = ["Shard.Plan", "Shard.SnapshotStart", "Shard.SnapshotDone", "Shard.Cutover"]


class ShardMovesTests(TestCase):
    def setUp(self) -> None:
        self.stage = WatchedStage()
        self.away: set[int] = set()
        self.group = RaftGroup(self.stage, Elections(self.stage), 4, [1, 2, 3], self.away)
        self.moved: list[tuple[RaftGroup, int, int]] = []

    def moves(self, nodes: int) -> ShardMoves:
        return ShardMoves(
            self.stage, range(1, nodes + 1), [self.group], self.away, lambda *moved: self.moved.append(moved)
        )

    def test_a_follower_moves_step_by_step_to_a_node_that_had_no_replica(self) -> None:
        self.moves(4).begin()
        self.stage.run_for(60_000)
        self.assertEqual(self.stage.kinds, STEPS)
        ((group, source, target),) = self.moved
        self.assertIs(group, self.group)
        self.assertIn(source, (2, 3))
        self.assertEqual((target, set(self.group.replicas)), (4, {1, 2, 3, 4} - {source}))

    def test_where_all_nodes_have_a_replica_it_is_copied_in_its_place(self) -> None:
        self.moves(3).begin()
        self.stage.run_for(60_000)
        self.assertEqual((self.stage.kinds, self.moved, self.group.replicas), (STEPS, [], [1, 2, 3]))

    def test_with_the_lead_it_is_the_leader_that_moves_and_its_successor_leads(self) -> None:
        self.moves(4).begin(with_lead=True)
        self.stage.run_for(60_000)
        self.assertEqual(self.stage.kinds[:5], [*STEPS, "Raft.StepDown"])
        self.assertEqual((self.moved, self.group.replicas, self.group.leader), ([(self.group, 1, 4)], [4, 2, 3], 4))

    def test_where_all_nodes_have_a_replica_only_the_lead_moves(self) -> None:
        self.moves(3).begin(with_lead=True)
        self.stage.run_for(60_000)
        self.assertEqual((self.moved, self.group.replicas), ([], [1, 2, 3]))
        self.assertIn(self.group.leader, (2, 3))

    def test_nothing_moves_while_the_network_is_parted_or_the_shard_has_enough_to_do(self) -> None:
        def moves(cut: set[int], behind: bool) -> ShardMoves:
            nodes = range(1, 5)
            return ShardMoves(self.stage, nodes, [self.group], self.away, self.fail, cut, lambda group: behind)

        moves({2}, False).begin()
        moves(set(), True).begin()
        self.assertEqual(self.stage.kinds, [])

    def test_a_move_ends_though_the_leader_went_away_meanwhile(self) -> None:
        self.moves(4).begin()
        self.away.add(1)
        self.group.leader = None
        self.stage.run_for(60_000)
        self.assertEqual(self.stage.kinds, STEPS)
        self.assertNotIn(1, [node for node, _ in self.stage.reported[1:]])

    def test_a_torn_one_is_cut_over_without_a_snapshot_and_moves_again_when_it_can(self) -> None:
        self.moves(4).begin(torn=True)
        self.stage.run_for(10_000)
        self.assertEqual(self.stage.kinds, ["Shard.Plan", "Shard.SnapshotStart", "Shard.Cutover"])
        leader, self.group.leader = self.group.leader, None
        self.stage.run_for(60_000)
        self.assertEqual(len(self.stage.kinds), 3)
        self.group.leader = leader
        self.stage.run_for(10_000)
        self.assertEqual(self.stage.kinds[3:], STEPS)

    def test_a_shard_does_not_move_twice_at_once(self) -> None:
        moves = self.moves(4)
        moves.begin()
        moves.begin()
        self.assertEqual(self.stage.kinds, STEPS[:1])

    def test_a_shard_without_a_leader_does_not_move(self) -> None:
        self.group.leader = None
        self.moves(4).begin()
        self.assertEqual(self.stage.kinds, [])
