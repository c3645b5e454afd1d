from itertools import pairwise

from twisted.trial.unittest import TestCase

from tests.sim.watched import WatchedStage
from vizd.sim.raft import Elections, RaftGroup


class RaftGroupTests(TestCase):
    def setUp(self) -> None:
        self.stage = WatchedStage()
        self.away: set[int] = set()
        self.group = RaftGroup(self.stage, Elections(self.stage), 4, [1, 2, 3], self.away)

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

    def test_many_elections_wait_for_each_other(self) -> None:
        elections = Elections(self.stage)
        delays_ms = [elections.delay_ms() for _ in range(10)]
        gaps_ms = [later - earlier for earlier, later in pairwise(delays_ms)]
        self.assertGreaterEqual(min(gaps_ms), self.stage.pace.election_ms - 0.01)
