from itertools import pairwise

from twisted.trial.unittest import TestCase

from tests.sim.watched import WatchedStage
from vizd.sim.raft import Elections, RaftGroup


class RaftGroupTests(TestCase):
    def setUp(self) -> None:
        self.stage = WatchedStage()
        self.away: set[int] = set()
        self.cut: set[int] = set()
        self.group = RaftGroup(self.stage, Elections(self.stage), 4, [1, 2, 3], self.away, self.cut)

    def test_a_leader_that_steps_down_is_followed_by_another_of_the_next_term(self) -> None:
        term = self.group.term
        self.group.step_down()
        self.stage.run_for(5_000)
        votes = ["Raft.VoteGranted"] * 3
        self.assertEqual(self.stage.kinds, ["Raft.StepDown", "Raft.VoteReq", *votes, "Raft.LeaderElected"])
        down, request, *_, elected = self.stage.reported
        self.assertEqual((down[0], down[1].raft.term), (1, term))
        self.assertNotEqual(self.group.leader, 1)
        self.assertEqual((elected[0], elected[1].raft.leader_elected.node), (self.group.leader, self.group.leader))
        self.assertEqual((request[1].raft.term, elected[1].raft.term), (term + 1, term + 1))
        self.assertEqual({event.raft.shard for _, event in self.stage.reported}, {4})

    def test_a_leader_that_died_says_nothing_and_does_not_vote(self) -> None:
        self.away.add(1)
        self.group.lose_leader()
        self.stage.run_for(5_000)
        self.assertEqual(
            self.stage.kinds, ["Raft.VoteReq", "Raft.VoteGranted", "Raft.VoteGranted", "Raft.LeaderElected"]
        )
        voters = {event.raft.vote_granted.from_node for _, event in self.stage.reported[1:3]}
        self.assertEqual(voters, {2, 3})

    def test_without_a_majority_there_is_no_leader_until_someone_is_back(self) -> None:
        self.away.update({1, 2})
        self.group.lose_leader()
        self.stage.run_for(10_000)
        self.assertEqual((self.group.leader, self.stage.kinds), (None, []))
        self.away.discard(2)
        self.stage.run_for(5_000)
        self.assertIn(self.group.leader, (2, 3))

    def test_a_candidate_that_goes_away_is_followed_by_another_of_a_higher_term(self) -> None:
        term = self.group.term
        self.group.step_down()
        while "Raft.VoteReq" not in self.stage.kinds:
            self.stage.run_for(1)
        candidate = self.stage.reported[-1][0]
        self.away.add(candidate)
        self.stage.run_for(5_000)
        self.assertEqual(self.group.term, term + 2)
        self.assertNotIn(self.group.leader, (None, candidate))

    def test_a_leader_that_hands_over_is_followed_at_once_by_the_one_it_names(self) -> None:
        term = self.group.term
        self.group.hand_over(3)
        self.stage.run_for(50)
        votes = ["Raft.VoteGranted"] * 3
        self.assertEqual(self.stage.kinds, ["Raft.StepDown", "Raft.VoteReq", *votes, "Raft.LeaderElected"])
        self.assertEqual((self.group.leader, self.group.term), (3, term + 1))

    def test_it_hands_over_to_nobody_who_is_away_has_no_replica_or_leads_already(self) -> None:
        self.away.add(3)
        for node in (1, 3, 4):
            self.group.hand_over(node)
        self.assertEqual((self.group.leader, self.stage.kinds), (1, []))

    def test_while_candidates_contend_each_has_its_own_vote_and_terms_rise(self) -> None:
        term = self.group.term
        self.group.contend(5_000)
        self.stage.run_for(4_900)
        self.assertIsNone(self.group.leader)
        self.assertGreater(self.group.term, term + 10)
        for node, event in self.stage.reported:
            if event.raft.HasField("vote_granted"):
                self.assertEqual(event.raft.vote_granted.from_node, node)
        self.assertNotIn("Raft.LeaderElected", self.stage.kinds)
        self.stage.run_for(2_000)
        self.assertIsNotNone(self.group.leader)

    def test_in_a_parted_network_the_larger_part_has_the_leader(self) -> None:
        self.cut.update({1, 5})
        self.assertEqual(self.group.present, [2, 3])
        self.group.check_quorum()
        self.stage.run_for(5_000)
        self.assertIn(self.group.leader, (2, 3))
        voters = {event.raft.vote_granted.from_node for _, event in self.stage.reported}
        self.assertEqual(voters - {0}, {2, 3})

    def test_a_leader_that_still_hears_a_majority_stays(self) -> None:
        self.cut.update({1, 2})
        self.group.check_quorum()
        self.assertEqual((self.group.leader, self.stage.kinds), (1, []))

    def test_a_second_leader_of_the_same_term_is_another_replica(self) -> None:
        term = self.group.term
        self.group.elect_second()
        elected = self.stage.reported[-1][1].raft
        self.assertEqual((self.stage.kinds[-1], elected.term, self.group.leader), ("Raft.LeaderElected", term, 1))
        self.assertIn(elected.leader_elected.node, (2, 3))

    def test_a_leader_that_relapses_is_elected_in_an_old_term_and_then_terms_go_on_from_the_highest(self) -> None:
        self.group.term = 9
        self.group.relapse(10_000)
        self.stage.run_for(9_000)
        node, event = self.stage.reported[-1]
        self.assertEqual((self.stage.kinds[-1], node, event.raft.term), ("Raft.LeaderElected", 1, 7))
        self.stage.run_for(5_000)
        self.assertEqual((self.stage.kinds[-1], self.group.term), ("Raft.LeaderElected", 10))

    def test_in_the_first_term_there_is_none_to_relapse_to(self) -> None:
        self.group.term = 1
        self.group.relapse(10_000)
        self.stage.run_for(20_000)
        self.assertEqual((self.stage.kinds, self.group.leader), ([], 1))

    def test_many_elections_wait_for_each_other(self) -> None:
        elections = Elections(self.stage)
        delays_ms = [elections.delay_ms() for _ in range(10)]
        gaps_ms = [later - earlier for earlier, later in pairwise(delays_ms)]
        self.assertGreaterEqual(min(gaps_ms), self.stage.pace.election_ms - 0.01)
