"""Tests of ``vizd.insight.compaction``."""

from tests.insight.test_engine import compaction
from tests.insight.watched import START_MS, RuleTests
from tests.state.windows import mark
from tests.stream.made import made


class CompactionUnfinishedTests(RuleTests):
    """A compaction of which nothing is heard for ten minutes."""

    rule = "compaction-unfinished"

    def setUp(self) -> None:
        super().setUp()
        self.connect(1)

    def test_it_opens_ten_minutes_after_the_last_word_and_closes_with_the_next(self) -> None:
        for word in ("Finish", "Progress", "Scheduled"):
            self.setUp()
            self.happen([compaction("Start", 3)])
            self.wait(599_900)
            self.assertNothing()
            self.wait(150)
            finding = self.one()
            self.assertEqual(finding.subject, {"node": 1, "name": "node-1", "shard": 7, "level": 3})
            self.assertEqual((finding.severity, finding.conclusive), ("warning", True))
            self.assertEqual(
                finding.detail, "A compaction of level 3 of shard 7 on node-1 started, and was not heard of again."
            )
            self.assertEqual((finding.first_ms, finding.positions[0].end_ms), (START_MS + 100, START_MS + 100))
            self.happen([compaction(word, 3)])
            self.assertClosed()
            self.assertEqual(self.watched.words(self.rule), ["opened", "closed"])

    def test_each_progress_begins_the_time_anew(self) -> None:
        self.happen([compaction("Start")])
        for pct in range(0, 100, 10):
            self.wait(500_000)
            self.happen([made("Compaction.Progress", owner=7, node=1, pct=pct)])
        self.assertNothing()
        self.wait(600_000)
        self.assertIn("was at 90%", self.one().detail)

    def test_one_that_goes_on_after_all_is_another_when_it_stops_again(self) -> None:
        self.happen([compaction("Start")])
        self.wait(601_000)
        self.happen([compaction("Progress")])
        self.assertClosed()
        self.wait(601_000)
        self.assertEqual([each.open for each in self.all], [True, False])

    def test_one_that_finishes_is_none_and_levels_and_shards_are_apart(self) -> None:
        self.happen([compaction("Start", 1), compaction("Start", 2), compaction("Start", 1, shard=None)])
        self.happen([compaction("Finish", 1), compaction("Finish", 1, shard=None)])
        self.wait(601_000)
        self.assertEqual(self.one().subject["level"], 2)

    def test_one_that_was_only_scheduled_has_not_begun(self) -> None:
        self.happen([compaction("Scheduled")])
        self.wait(601_000)
        self.assertNothing()

    def test_it_ends_silently_with_its_process(self) -> None:
        self.happen([compaction("Start")])
        self.disconnect(1)
        self.connect(1, incarnation=2)
        self.wait(601_000)
        self.assertNothing()

    def test_a_node_that_is_silent_may_go_on_so_that_it_is_inconclusive(self) -> None:
        self.happen([compaction("Start")])
        self.wait(500_000)
        self.disconnect(1)
        self.wait(120_000)
        self.assertFalse(self.one().conclusive)
        self.connect(1)
        self.happen([compaction("Finish")])
        self.assertClosed()

    def test_a_node_that_has_left_has_none(self) -> None:
        self.happen([compaction("Start")])
        self.wait(601_000)
        self.happen([made("Swim.Leave", node=1)])
        self.assertClosed()

    def test_it_is_inconclusive_where_events_of_its_node_were_lost(self) -> None:
        self.happen([compaction("Start")])
        self.happen([], mark(1, lost=1))
        self.wait(601_000)
        self.assertFalse(self.one().conclusive)

    def test_without_compactions_there_is_no_data(self) -> None:
        self.happen([compaction("Finish"), compaction("Scheduled")])
        self.assertNoDataUntil([compaction("Start")])
