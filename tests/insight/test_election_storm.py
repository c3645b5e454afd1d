"""Tests of ``vizd.insight.election_storm``."""

from tests.insight.test_leaderless import asked, elected
from tests.insight.watched import START_MS, RuleTests, restated
from tests.state.windows import mark


class ElectionStormTests(RuleTests):
    """More than five terms of a shard within half a minute."""

    rule = "election-storm"

    def setUp(self) -> None:
        super().setUp()
        self.connect(1, 2)

    def test_the_sixth_term_opens_it_and_half_a_minute_without_one_closes_it(self) -> None:
        for term in range(1, 6):
            self.happen([asked(1, term)], after_ms=4_950)
        self.assertNothing()
        self.happen([elected(2, 6)], after_ms=4_950)
        finding = self.one()
        self.assertEqual((finding.severity, finding.subject), ("warning", {"shard": 7}))
        self.assertEqual(finding.detail, "Shard 7 began 6 terms within 25 s, up to term 6.")
        self.assertEqual((finding.first_ms, len(finding.positions)), (START_MS + 5_050, 6))
        self.assertTrue(finding.conclusive)
        self.wait(29_900)
        self.one()
        self.wait(200)
        self.assertClosed()
        self.assertEqual(self.all[0].last_ms, START_MS + 30_050)

    def test_further_terms_update_it_at_most_once_a_second_and_keep_it_open(self) -> None:
        for term in range(1, 100):
            self.happen([asked(1, term)], after_ms=50)
        self.assertLess(len(self.watched.words(self.rule)), 12)
        self.assertEqual(len(self.one().positions), 8)
        for term in range(100, 110):
            self.happen([asked(1, term)], after_ms=20_000)
        self.assertEqual(self.one().detail, "Shard 7 goes on electing: it is in term 109.")

    def test_the_votes_and_the_election_of_one_term_are_one(self) -> None:
        for term in range(1, 6):
            self.happen([asked(1, term), asked(2, term), elected(1, term), elected(1, term, publisher=2)])
        self.assertNothing()

    def test_six_terms_that_take_longer_are_none(self) -> None:
        for term in range(1, 30):
            self.happen([asked(1, term)], after_ms=6_000)
        self.assertNothing()

    def test_terms_of_several_shards_are_counted_apart(self) -> None:
        self.happen([asked(1, term, shard) for shard in range(20) for term in range(1, 6)])
        self.assertNothing()

    def test_lower_terms_are_late_unless_the_cluster_was_wiped(self) -> None:
        self.happen([asked(1, 50)])
        self.happen([asked(2, term) for term in range(1, 20)], mark(2, events=19))
        self.assertNothing()
        self.connect(1, incarnation=2)
        self.happen([asked(2, term) for term in range(1, 7)], mark(2, events=6))
        self.one()

    def test_what_is_only_said_again_is_none(self) -> None:
        self.happen([elected(1, term) for term in range(1, 20)], restated(1, 19))
        self.assertNothing()

    def test_it_is_inconclusive_where_the_node_was_away_and_told_it_later(self) -> None:
        self.disconnect(1)
        self.wait(20_000)
        self.connect(1)
        self.happen([asked(1, term) for term in range(1, 7)])
        self.assertFalse(self.one().conclusive)

    def test_a_shard_that_vanishes_elects_no_more(self) -> None:
        self.happen([asked(1, term) for term in range(1, 7)])
        self.wait(31_000)
        self.assertClosed()

    def test_without_votes_and_elections_there_is_no_data(self) -> None:
        self.assertNoDataUntil([asked(1, 1)])
