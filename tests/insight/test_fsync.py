"""Tests of ``vizd.insight.fsync``."""

from tests.insight.watched import START_MS, RuleTests
from tests.state.windows import mark
from tests.stream.made import made


class SlowFsyncTests(RuleTests):
    """Fsyncs whose 99th percentile is above 100 ms for ten seconds."""

    rule = "fsync-slow"

    def setUp(self) -> None:
        super().setUp()
        self.connect(1, 2)

    def sync(self, seconds: int, *each_ms: int, node: int = 1) -> None:
        """So many seconds, with these fsyncs in each."""
        for _ in range(seconds):
            self.happen([made("Wal.Fsync", node=node, ms=ms) for ms in each_ms], after_ms=950)

    def test_it_opens_after_ten_seconds_and_closes_after_ten_good_ones(self) -> None:
        self.sync(10, 150)
        self.assertNothing()
        self.sync(3, 150)
        finding = self.one()
        self.assertEqual((finding.severity, finding.subject), ("warning", {"node": 1, "name": "node-1"}))
        self.assertEqual(finding.detail, "Fsyncs of node-1 are slow: a hundredth takes 150 ms and longer.")
        self.assertTrue(finding.conclusive)
        self.assertLess(finding.first_ms, START_MS + 3_100)
        self.assertEqual(finding.positions[0].end_ms, finding.first_ms)
        self.sync(10, 5)
        self.one()
        self.sync(2, 5)
        self.assertClosed()

    def test_good_seconds_in_between_neither_close_it_nor_open_another(self) -> None:
        self.sync(15, 150)
        for _ in range(5):
            self.sync(6, 5)
            self.sync(1, 150)
        self.assertEqual(self.watched.words(self.rule)[0], "opened")
        self.assertNotIn("closed", self.watched.words(self.rule))

    def test_slower_ones_update_it_at_most_once_a_second(self) -> None:
        self.sync(15, 150)
        for ms in range(200, 1_200, 100):
            self.sync(1, ms)
        words = self.watched.words(self.rule)
        self.assertGreater(words.count("updated"), 5)
        self.assertLessEqual(words.count("updated"), 10)

    def test_one_slow_fsync_of_a_hundred_is_none_and_so_is_one_slow_second_in_ten(self) -> None:
        self.sync(20, *[5] * 99, 4_000)
        for _ in range(5):
            self.sync(9, 4_000)
            self.sync(1, 5)
        self.sync(20, 100)
        self.assertNothing()

    def test_nodes_are_judged_apart(self) -> None:
        self.happen([])
        for _ in range(15):
            self.sync(1, 150, node=2)
            self.happen([made("Wal.Fsync", node=1, ms=5)])
        self.assertEqual(self.one().subject["node"], 2)

    def test_a_minute_without_an_fsync_closes_it(self) -> None:
        self.sync(15, 150)
        self.wait(59_000)
        self.one()
        self.wait(3_000)
        self.assertClosed()

    def test_a_node_that_has_gone_syncs_no_more(self) -> None:
        self.sync(15, 150)
        self.disconnect(1)
        self.wait(2_000)
        self.assertClosed()

    def test_it_is_inconclusive_where_events_of_the_node_were_lost(self) -> None:
        self.sync(8, 150)
        self.happen([], mark(1, lost=1))
        self.sync(8, 150)
        self.assertFalse(self.one().conclusive)

    def test_without_fsyncs_there_is_no_data(self) -> None:
        self.assertNoDataUntil([made("Wal.Fsync", node=1)])
