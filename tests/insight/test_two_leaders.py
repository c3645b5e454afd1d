"""Tests of ``vizd.insight.two_leaders``."""

from tests.insight.test_leaderless import elected
from tests.insight.watched import START_MS, RuleTests, restated
from tests.state.windows import mark


class TwoLeadersTests(RuleTests):
    """One term of a shard has one leader."""

    rule = "two-leaders"

    def setUp(self) -> None:
        super().setUp()
        self.connect(1, 2, 3)

    def elect(self, leader: int, term: int = 5, publisher: int | None = None, shard: int = 7) -> None:
        node = leader if publisher is None else publisher
        self.happen([elected(leader, term, shard, publisher)], mark(node, events=1))

    def test_a_second_leader_in_one_term_opens_it_at_once_and_a_later_election_closes_it(self) -> None:
        self.elect(1)
        self.wait(1_000)
        self.elect(2)
        finding = self.one()
        self.assertEqual((finding.severity, finding.subject), ("critical", {"shard": 7, "term": 5}))
        self.assertEqual(finding.detail, "Shard 7 has elected two leaders in term 5: node-1 and node-2.")
        self.assertEqual((finding.first_ms, finding.last_ms), (START_MS + 100, START_MS + 1_150))
        self.assertEqual([each.end_ms for each in finding.positions], [START_MS + 100, START_MS + 1_150])
        self.assertEqual(finding.id, f"two-leaders/shard-7/term-5/{finding.positions[1].seq}")
        self.assertTrue(finding.conclusive)
        self.elect(1, 6)
        self.assertClosed()

    def test_a_third_leader_updates_it(self) -> None:
        for leader in (1, 2, 3):
            self.elect(leader)
            self.wait(1_000)
        self.assertIn("node-1 and node-3", self.one().detail)
        self.assertEqual(self.watched.words(self.rule), ["opened", "updated"])

    def test_it_closes_after_ten_minutes_without_news(self) -> None:
        self.elect(1)
        self.elect(2)
        self.wait(599_000)
        self.one()
        self.wait(2_000)
        self.assertClosed()

    def test_leaders_are_compared_as_they_are_written_and_named_where_they_are_known(self) -> None:
        self.elect(777_001, publisher=1)
        self.elect(777_001, publisher=2)
        self.assertNothing()
        self.elect(777_002, publisher=2)
        self.assertIn("777001 (reported by node-1) and 777002 (reported by node-2)", self.one().detail)

    def test_the_same_leader_in_other_terms_and_others_in_other_shards_are_none(self) -> None:
        for term in range(1, 30):
            self.elect(1 + term % 3, term)
            self.elect(3 - term % 3, term, shard=8)
        self.assertNothing()

    def test_an_election_of_an_earlier_term_that_comes_late_is_compared_with_that_term(self) -> None:
        self.elect(1, 5)
        self.elect(2, 6)
        self.elect(1, 5)
        self.assertNothing()
        self.elect(3, 5)
        self.assertEqual(self.one().subject["term"], 5)

    def test_what_is_only_said_again_is_no_second_election_but_may_be_the_first(self) -> None:
        self.elect(1)
        self.happen([elected(2)], restated(2, 1))
        self.assertNothing()
        self.happen([elected(1, 9)], restated(1, 1))
        self.elect(2, 9)
        self.one()

    def test_a_cluster_that_was_wiped_begins_its_terms_anew(self) -> None:
        self.elect(1, publisher=1)
        self.elect(1, publisher=3)
        self.connect(1, incarnation=2)
        self.elect(2)
        self.assertEqual(len(self.open), 1, "node 3 is the process that it was")
        self.connect(3, incarnation=2)
        self.elect(2, 6)
        self.connect(2, incarnation=2)
        self.happen([elected(3, 6)], mark(3, incarnation=2, events=1))
        self.assertEqual(self.open, [])

    def test_what_comes_late_of_a_process_that_was_replaced_is_not_judged(self) -> None:
        self.elect(1)
        self.connect(2, incarnation=2)
        self.happen([elected(2)], mark(2, incarnation=1, events=1))
        self.assertNothing()

    def test_it_is_inconclusive_where_a_reporter_was_away_between_the_two(self) -> None:
        self.elect(1)
        self.disconnect(2)
        self.connect(2)
        self.elect(2)
        self.assertFalse(self.one().conclusive)

    def test_what_is_missing_later_does_not_matter(self) -> None:
        self.elect(1)
        self.elect(2)
        self.disconnect(1, 2)
        self.wait(10_000)
        self.assertTrue(self.one().conclusive)

    def test_a_shard_that_the_log_no_longer_mentions_is_closed(self) -> None:
        self.elect(1)
        self.elect(2)
        self.wait(20_000)
        self.watched.insight.trim(START_MS + 10_000)
        self.assertClosed()

    def test_without_elections_there_is_no_data(self) -> None:
        self.assertNoDataUntil([elected()])
