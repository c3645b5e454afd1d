"""Tests of ``vizd.insight.leaderless``."""

from tests.insight.watched import START_MS, RuleTests, restated
from tests.state.windows import mark
from tests.stream.made import Made, made


def elected(leader: int = 1, term: int = 5, shard: int = 7, publisher: int | None = None) -> Made:
    return made("Raft.LeaderElected", leader if publisher is None else publisher, shard=shard, term=term, node=leader)


def stepped_down(node: int = 1, term: int = 5, shard: int = 7) -> Made:
    return made("Raft.StepDown", node, shard=shard, term=term)


def asked(candidate: int, term: int, shard: int = 7) -> Made:
    return made("Raft.VoteReq", candidate, shard=shard, term=term, **{"from": candidate})


class ShardWithoutLeaderTests(RuleTests):
    """A shard whose leader is not known for 3 s."""

    rule = "shard-without-leader"

    def setUp(self) -> None:
        super().setUp()
        self.connect(1, 2)

    def test_it_opens_three_seconds_after_a_step_down_and_closes_with_an_election(self) -> None:
        self.happen([elected()])
        self.happen([stepped_down()])
        self.wait(2_900)
        self.assertNothing()
        self.wait(150)
        finding = self.one()
        self.assertEqual((finding.severity, finding.subject), ("critical", {"shard": 7}))
        self.assertEqual(finding.detail, "Shard 7 has no leader: node-1 stepped down from term 5.")
        self.assertEqual(finding.first_ms, START_MS + 150)
        self.assertEqual([each.end_ms for each in finding.positions], [START_MS + 150, START_MS + 3_200])
        self.assertEqual(finding.id, f"shard-without-leader/shard-7/{finding.positions[-1].seq}")
        self.assertTrue(finding.conclusive)
        self.happen([elected(2, 6)])
        self.assertClosed()
        self.assertEqual(self.watched.words(self.rule), ["opened", "closed"])
        self.assertEqual(self.all[0].last_ms, self.watched.now_ms)

    def test_an_election_within_three_seconds_is_ordinary_life(self) -> None:
        for term in range(5, 10):
            self.happen([elected(term=term)])
            self.happen([stepped_down(term=term)])
            self.happen([asked(2, term + 1)], after_ms=1_500)
        self.happen([elected(term=10)])
        self.wait(10_000)
        self.assertNothing()

    def test_votes_since_are_told_and_update_it_at_most_once_a_second(self) -> None:
        self.happen([elected(), stepped_down()])
        self.wait(4_000)
        self.happen([asked(1, 6)])
        self.happen([asked(2, 7)])
        self.wait(200)
        self.assertIn("1 candidate, no majority", self.one().detail)
        self.wait(1_000)
        self.assertIn("2 candidates, no majority", self.one().detail)
        for term in range(8, 100):
            self.happen([asked(2, term)])
        self.wait(5_000)
        self.assertEqual(self.watched.words(self.rule), ["opened", "updated", "updated"])
        self.assertEqual(len(self.one().positions), 4)

    def test_votes_for_a_shard_that_never_had_a_leader_open_it(self) -> None:
        self.happen([asked(1, 1)])
        self.wait(3_000)
        self.assertIn("none was known before; 1 candidate", self.one().detail)

    def test_votes_under_a_leader_do_not(self) -> None:
        self.happen([elected(), asked(2, 6)])
        self.wait(10_000)
        self.assertNothing()

    def test_a_step_down_that_is_not_the_leaders_is_none(self) -> None:
        for late in (stepped_down(2, 5), stepped_down(1, 4), stepped_down(2, 3)):
            self.happen([elected(), late])
        self.wait(10_000)
        self.assertNothing()

    def test_a_leader_that_disconnects_is_not_known_until_it_is_back_or_another_is_elected(self) -> None:
        self.happen([elected()], mark(1, events=1))
        self.disconnect(1)
        self.wait(3_000)
        finding = self.one()
        self.assertIn("its leader node-1 is disconnected", finding.detail)
        self.assertFalse(finding.conclusive)
        self.connect(1)
        self.assertClosed()
        self.disconnect(1)
        self.happen([elected(2, 6)], mark(2, events=1))
        self.wait(10_000)
        self.assertClosed()

    def test_a_leader_that_was_away_for_a_moment_leads_on(self) -> None:
        self.happen([elected()])
        self.disconnect(1)
        self.wait(2_000)
        self.connect(1)
        self.wait(10_000)
        self.assertNothing()

    def test_a_leader_that_has_restarted_leads_no_longer(self) -> None:
        self.happen([elected()])
        self.connect(1, incarnation=2)
        self.wait(3_000)
        self.assertIn("its leader node-1 has restarted", self.one().detail)

    def test_a_leader_that_was_confirmed_dead_or_left_leads_no_longer(self) -> None:
        self.happen([elected(), elected(2, shard=8)])
        self.happen([made("Swim.Confirm", node=1), made("Swim.Leave", node=2)])
        self.wait(3_000)
        self.assertEqual({each.subject["shard"]: each.detail.split(": ")[1] for each in self.open}, {
            7: "its leader node-1 was confirmed dead.", 8: "its leader node-2 has left."
        })  # fmt: skip
        self.happen([made("Swim.Alive", node=1)])
        self.assertEqual([each.subject["shard"] for each in self.open], [8])

    def test_a_leader_that_names_no_known_node_is_its_publisher(self) -> None:
        self.happen([elected(777, publisher=2)], mark(2, events=1))
        self.disconnect(2)
        self.wait(3_000)
        self.assertIn("its leader node-2 is disconnected", self.one().detail)

    def test_it_is_inconclusive_where_events_of_one_of_its_nodes_were_lost(self) -> None:
        self.happen([elected()])
        self.happen([asked(2, 6)], mark(2, events=1))
        self.happen([stepped_down()])
        self.happen([], mark(2, lost=3))
        self.wait(3_000)
        self.assertFalse(self.one().conclusive)

    def test_it_becomes_inconclusive_while_it_is_open(self) -> None:
        self.happen([elected(), stepped_down()])
        self.wait(5_000)
        self.assertTrue(self.one().conclusive)
        self.happen([], mark(1, lost=1))
        self.wait(2_000)
        self.assertFalse(self.one().conclusive)

    def test_a_leader_that_is_only_said_again_is_one(self) -> None:
        self.happen([elected(), stepped_down()])
        self.happen([elected(2, 6)], restated(2, 1))
        self.wait(10_000)
        self.assertNothing()

    def test_a_shard_that_the_log_no_longer_mentions_is_closed(self) -> None:
        self.happen([elected(), stepped_down()])
        self.wait(20_000)
        self.watched.insight.trim(START_MS + 10_000)
        self.assertClosed()

    def test_a_shard_that_is_still_spoken_of_stays_open(self) -> None:
        self.happen([elected(), stepped_down()])
        self.wait(20_000)
        self.happen([made("Wal.Fsync", owner=7)])
        self.watched.insight.trim(START_MS + 10_000)
        self.one()

    def test_without_elections_there_is_no_data(self) -> None:
        self.assertNoDataUntil([elected()])
