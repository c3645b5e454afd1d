"""Tests of ``vizd.insight.engine``."""

from tests.insight.watched import START_MS, RuleTests
from tests.state.windows import mark
from tests.stream.made import Made, fsyncs, made


def compaction(kind: str, level: int = 0, node: int = 1, shard: int | None = 7) -> Made:
    return made(f"Compaction.{kind}", node, owner=shard, node=node, level=level)


def stall(files: int = 12, node: int = 1, shard: int | None = 7) -> Made:
    return made("Lsm.L0Stall", node, owner=shard, node=node, file_count=files, threshold=8)


def pressure(ratio: float, node: int = 1, shard: int | None = 7) -> Made:
    high = ratio > 0.75
    return made("Lsm.WritePressureUpdate", node, owner=shard, node=node, ratio=ratio, high=high, threshold=0.75)


class StallWithoutCompactionTests(RuleTests):
    """Writes that stall for five seconds while no compaction runs."""

    rule = "stall-without-compaction"

    def setUp(self) -> None:
        super().setUp()
        self.connect(1)

    def stall(self, for_ms: int, *also: Made, shard: int | None = 7) -> None:
        for _ in range(for_ms // 250):
            self.happen([stall(shard=shard), *also, stall(shard=shard)], after_ms=200)

    def test_it_opens_after_five_seconds_and_closes_when_a_compaction_starts(self) -> None:
        for word in ("Start", "Progress"):
            self.setUp()
            self.stall(4_750)
            self.assertNothing()
            self.stall(1_000)
            finding = self.one()
            self.assertEqual(finding.severity, "critical")
            self.assertEqual(finding.subject, {"node": 1, "name": "node-1", "shard": 7})
            self.assertEqual(
                finding.detail,
                "Writes to shard 7 on node-1 stall: 12 files in level 0, 8 are allowed, and no compaction runs.",
            )
            self.assertEqual((finding.first_ms, finding.conclusive), (START_MS + 300, True))
            self.assertEqual(finding.positions[0].end_ms, START_MS + 300)
            self.stall(1_000, compaction("Scheduled"))
            self.one()
            self.happen([compaction(word)])
            self.assertClosed()

    def test_more_files_update_it_and_five_seconds_without_a_stall_close_it(self) -> None:
        self.stall(6_000)
        self.happen([stall(13)])
        self.wait(2_000)
        self.assertIn("13 files", self.one().detail)
        self.wait(2_900)
        self.one()
        self.wait(200)
        self.assertClosed()

    def test_a_stall_while_a_compaction_of_any_level_runs_is_none_and_begins_when_it_ends(self) -> None:
        self.happen([compaction("Start", 0), compaction("Start", 3)])
        self.stall(10_000)
        self.happen([compaction("Finish", 0)])
        self.stall(10_000)
        self.assertNothing()
        self.happen([compaction("Finish", 3)])
        self.stall(6_000)
        self.one()

    def test_a_compaction_of_another_engine_is_none_of_this_one(self) -> None:
        self.happen([compaction("Start", shard=8), compaction("Start", node=2), compaction("Start", shard=None)])
        self.stall(6_000)
        self.one()

    def test_engines_that_name_no_shard_are_one_of_their_node(self) -> None:
        self.stall(6_000, shard=None)
        self.assertEqual(self.one().subject, {"node": 1, "name": "node-1"})
        self.assertIn("Writes to node-1 stall", self.one().detail)
        self.happen([compaction("Start", shard=None)])
        self.assertClosed()

    def test_a_compaction_that_ended_with_its_process_runs_no_longer(self) -> None:
        self.happen([compaction("Start")])
        self.disconnect(1)
        self.connect(1, incarnation=2)
        for _ in range(30):
            self.happen([stall()], mark(1, 2, events=1), after_ms=200)
        self.one()

    def test_one_that_was_not_heard_of_for_ten_minutes_counts_as_not_running(self) -> None:
        self.happen([compaction("Start")])
        self.wait(600_000)
        self.stall(6_000)
        self.one()

    def test_it_is_inconclusive_where_events_of_its_node_were_lost(self) -> None:
        self.stall(3_000)
        self.happen([], mark(1, lost=1))
        self.stall(3_000)
        self.assertFalse(self.one().conclusive)

    def test_a_node_that_has_gone_stalls_no_more(self) -> None:
        self.stall(6_000)
        self.disconnect(1)
        self.assertClosed()

    def test_a_flood_of_stalls_is_one_that_is_looked_into(self) -> None:
        self.happen([stall(files) for files in range(2_000)])
        self.wait(2_000)
        self.stall(4_000)
        self.one()

    def test_without_engines_there_is_no_data(self) -> None:
        self.assertNoDataUntil([made("Lsm.FlushTriggered", node=1)])


class WritePressureTests(RuleTests):
    """Write pressure that is high for half a minute."""

    rule = "write-pressure"

    def setUp(self) -> None:
        super().setUp()
        self.connect(1)

    def press(self, ratio: float, for_ms: int, every_ms: int = 5_000) -> None:
        for _ in range(for_ms // every_ms):
            self.happen([pressure(ratio), *fsyncs(3)], after_ms=every_ms - 50)

    def test_it_opens_after_half_a_minute_and_closes_when_it_is_not_high(self) -> None:
        self.press(0.97, 30_000)
        self.assertNothing()
        self.press(0.97, 5_000)
        finding = self.one()
        self.assertEqual(finding.subject, {"node": 1, "name": "node-1", "shard": 7})
        self.assertEqual((finding.severity, finding.conclusive), ("warning", True))
        self.assertEqual(finding.detail, "The write pressure of shard 7 on node-1 stays high, at 97%.")
        self.assertEqual((finding.first_ms, finding.positions[0].end_ms), (START_MS + 5_050, START_MS + 5_050))
        self.happen([pressure(0.7)])
        self.assertClosed()

    def test_a_change_updates_it(self) -> None:
        self.press(0.97, 40_000)
        self.press(0.80, 5_000)
        self.assertIn("at 80%", self.one().detail)
        self.assertEqual(self.watched.words(self.rule), ["opened", "updated"])

    def test_pressure_that_passes_is_none_and_the_last_reading_of_a_window_counts(self) -> None:
        for _ in range(10):
            self.press(0.97, 25_000)
            self.happen([pressure(0.97), pressure(0.2)])
        self.press(0.75, 60_000)
        self.assertNothing()

    def test_a_reading_that_is_no_number_can_be_high(self) -> None:
        nothing = made("Lsm.WritePressureUpdate", owner=7, node=1, ratio=float("nan"), high=True)
        for _ in range(7):
            self.happen([nothing], after_ms=5_000)
        self.assertEqual(self.one().detail, "The write pressure of shard 7 on node-1 stays high.")

    def test_a_minute_without_a_reading_closes_it(self) -> None:
        self.press(0.97, 40_000)
        self.wait(59_000)
        self.one()
        self.wait(2_000)
        self.assertClosed()

    def test_it_is_inconclusive_where_events_of_its_node_were_lost(self) -> None:
        self.press(0.97, 20_000)
        self.happen([], mark(1, lost=1))
        self.press(0.97, 20_000)
        self.assertFalse(self.one().conclusive)

    def test_a_node_that_has_gone_has_none(self) -> None:
        self.press(0.97, 40_000)
        self.happen([made("Swim.Confirm", node=1)])
        self.assertClosed()

    def test_without_readings_there_is_no_data(self) -> None:
        self.happen([stall()])
        self.assertNoDataUntil([pressure(0.1)])
