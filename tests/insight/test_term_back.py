"""Tests of ``vizd.insight.term_back``."""

from tests.insight.test_leaderless import asked, elected, stepped_down
from tests.insight.watched import START_MS, RuleTests, restated
from tests.state.windows import mark
from tests.stream.made import Made, made


class TermBackTests(RuleTests):
    """A term never falls."""

    rule = "term-back"

    def setUp(self) -> None:
        super().setUp()
        self.connect(1, 2)

    def say(self, node: int, *events: Made, incarnation: int = 1) -> None:
        self.happen(events, mark(node, incarnation, events=len(events)))

    def test_a_process_that_reports_a_lower_term_than_before_opens_it(self) -> None:
        for event in (elected(1, 3), asked(1, 3), made("Raft.VoteGranted", 1, shard=7, term=3)):
            self.setUp()
            self.say(1, elected(1, 5))
            self.say(1, event)
            finding = self.one()
            self.assertEqual((finding.severity, finding.subject), ("critical", {"shard": 7}))
            self.assertEqual(finding.detail, "Shard 7 went back from term 5 to 3: node-1 reports it.")
            self.assertEqual([each.end_ms for each in finding.positions], [START_MS + 100, START_MS + 150])
            self.assertTrue(finding.conclusive)

    def test_an_election_in_a_higher_term_than_any_closes_it(self) -> None:
        self.say(1, elected(1, 5), elected(1, 3))
        self.say(2, elected(2, 5))
        self.one()
        self.say(2, elected(2, 6))
        self.assertClosed()

    def test_another_step_back_updates_it(self) -> None:
        self.say(1, elected(1, 5), elected(1, 3))
        self.wait(1_000)
        self.say(1, elected(1, 2))
        self.assertIn("to 2", self.one().detail)

    def test_it_closes_after_ten_minutes_without_news(self) -> None:
        self.say(1, elected(1, 5), elected(1, 3))
        self.wait(601_000)
        self.assertClosed()

    def test_another_node_may_be_late(self) -> None:
        self.say(1, elected(1, 5))
        self.say(2, asked(2, 3), elected(2, 4))
        self.wait(60_000)
        self.say(2, asked(2, 4), stepped_down(2, 4))
        self.assertNothing()

    def test_another_nodes_election_long_after_can_not_be_late(self) -> None:
        self.say(1, elected(1, 5))
        self.wait(30_000)
        self.say(2, elected(2, 4))
        self.assertIn("from term 5 to 4: node-2", self.one().detail)

    def test_an_election_that_comes_after_a_hole_may_have_waited(self) -> None:
        self.say(1, elected(1, 5))
        self.wait(30_000)
        self.disconnect(2)
        self.connect(2)
        self.say(2, elected(2, 4))
        self.connect(3)
        self.say(3, elected(3, 4))
        self.assertNothing()

    def test_a_step_down_may_name_the_term_that_has_just_ended(self) -> None:
        self.say(1, asked(1, 5), stepped_down(1, 4))
        self.assertNothing()
        self.wait(30_000)
        self.say(1, stepped_down(1, 4))
        self.one()

    def test_who_is_asked_for_a_vote_may_be_asked_in_an_old_term(self) -> None:
        self.say(1, elected(1, 5), made("Raft.VoteReq", 1, shard=7, term=4, **{"from": 2}))
        self.assertNothing()

    def test_what_is_only_said_again_is_none(self) -> None:
        self.say(1, elected(1, 5))
        self.happen([elected(1, 3)], restated(1, 1))
        self.assertNothing()

    def test_what_comes_late_of_a_process_that_was_replaced_is_none(self) -> None:
        self.say(1, elected(1, 5))
        self.connect(1, incarnation=2)
        self.say(1, elected(1, 3))
        self.assertNothing()

    def test_a_cluster_that_was_wiped_begins_anew(self) -> None:
        self.say(1, elected(1, 5))
        self.say(2, elected(1, 5, publisher=2))
        self.wait(60_000)
        self.connect(1, 2, incarnation=2)
        self.say(1, elected(1, 1), incarnation=2)
        self.wait(60_000)
        self.say(2, elected(2, 2), incarnation=2)
        self.assertNothing()

    def test_a_node_that_restarts_alone_and_is_elected_in_a_lower_term_is_no_wiped_cluster(self) -> None:
        self.say(1, elected(1, 5))
        self.say(2, elected(1, 5, publisher=2))
        self.wait(60_000)
        self.connect(1, incarnation=2)
        self.wait(60_000)
        self.say(1, elected(1, 4), incarnation=2)
        self.one()

    def test_it_is_inconclusive_where_events_of_that_process_were_lost_in_between(self) -> None:
        self.say(1, elected(1, 5))
        self.happen([], mark(1, lost=1))
        self.say(1, elected(1, 3))
        self.assertFalse(self.one().conclusive)

    def test_a_shard_that_the_log_no_longer_mentions_is_closed(self) -> None:
        self.say(1, elected(1, 5), elected(1, 3))
        self.wait(20_000)
        self.watched.insight.trim(START_MS + 10_000)
        self.assertClosed()

    def test_without_raft_there_is_no_data(self) -> None:
        self.assertNoDataUntil([asked(1, 1)])
