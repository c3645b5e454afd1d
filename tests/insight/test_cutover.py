"""Tests of ``vizd.insight.cutover``."""

from tests.insight.watched import START_MS, RuleTests, restated
from tests.state.windows import mark
from tests.stream.made import made


class CutoverWithoutSnapshotTests(RuleTests):
    """A shard is cut over when its copy is whole."""

    rule = "cutover-without-snapshot"

    def setUp(self) -> None:
        super().setUp()
        self.connect(1, 2)

    def move(self, *kinds: str, shard: int = 7, node: int = 1) -> None:
        for kind in kinds:
            self.happen([made(f"Shard.{kind}", node, shard=shard)], mark(node, events=1))

    def test_it_opens_when_no_snapshot_was_done_and_closes_when_the_shard_moves_again(self) -> None:
        for begun in (("Plan",), ("Plan", "SnapshotStart"), ("SnapshotStart",)):
            for word in ("Plan", "SnapshotStart", "SnapshotDone"):
                self.setUp()
                self.move(*begun, "Cutover")
                self.wait(1_900)
                self.assertNothing()
                self.wait(150)
                finding = self.one()
                self.assertEqual((finding.severity, finding.subject), ("critical", {"shard": 7}))
                self.assertEqual(finding.detail, "Shard 7 was cut over before its snapshot was done.")
                self.assertEqual(finding.positions[0].end_ms, START_MS + 100)
                self.assertTrue(finding.conclusive)
                self.move(word)
                self.assertClosed()

    def test_a_whole_move_is_none_and_so_is_the_next_one(self) -> None:
        for _ in range(3):
            self.move("Plan", "SnapshotStart", "SnapshotDone", "Cutover")
            self.wait(5_000)
        self.assertNothing()

    def test_a_snapshot_of_the_move_before_does_not_count(self) -> None:
        self.move("Plan", "SnapshotStart", "SnapshotDone", "Plan", "Cutover")
        self.move("SnapshotDone", "SnapshotStart", "Cutover", shard=8)
        self.wait(3_000)
        self.assertEqual({each.subject["shard"] for each in self.open}, {7, 8})

    def test_a_second_report_of_a_cutover_is_none(self) -> None:
        self.move("Plan", "SnapshotStart", "SnapshotDone", "Cutover", "Cutover")
        self.move("Cutover", node=2)
        self.wait(3_000)
        self.assertNothing()

    def test_one_of_which_nothing_else_is_known_is_not_judged(self) -> None:
        self.move("Cutover")
        self.wait(3_000)
        self.assertNothing()

    def test_a_snapshot_that_another_node_reports_a_moment_later_was_done(self) -> None:
        self.move("Plan", "SnapshotStart", "Cutover")
        self.wait(1_500)
        self.move("SnapshotDone", node=2)
        self.wait(5_000)
        self.assertNothing()

    def test_what_is_only_said_again_is_none(self) -> None:
        self.move("Plan")
        self.happen([made("Shard.Cutover", shard=7)], restated(1, 1))
        self.wait(5_000)
        self.assertNothing()

    def test_it_is_inconclusive_where_events_of_its_reporters_were_lost_since_it_began(self) -> None:
        self.move("Plan")
        self.happen([], mark(1, lost=1))
        self.move("Cutover", node=2)
        self.wait(3_000)
        self.assertFalse(self.one().conclusive)

    def test_it_closes_after_ten_minutes_or_when_the_log_no_longer_mentions_the_shard(self) -> None:
        self.move("Plan", "Cutover")
        self.wait(601_000)
        self.assertClosed()
        self.move("Plan", "Cutover")
        self.wait(20_000)
        self.watched.insight.trim(self.watched.now_ms - 10_000)
        self.assertEqual(self.open, [])

    def test_without_moves_there_is_no_data(self) -> None:
        self.assertNoDataUntil([made("Shard.Plan", shard=7)])
