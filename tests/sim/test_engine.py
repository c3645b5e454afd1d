from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tests.sim.watched import WatchedStage
from vizd.sim.disk import Disk
from vizd.sim.engine import StorageEngine
from vizd.wire.vizd_pb2 import VizEvent

CYCLE = [
    "Lsm.FlushTriggered",
    "Lsm.FlushStart",
    "Wal.SegmentRoll",
    "Lsm.FlushComplete",
    "Lsm.L0AdmissionStart",
    "Lsm.L0AdmissionComplete",
    "Wal.SegmentGc",
    "Compaction.BanditSelection",
    "Compaction.Scheduled",
    "Compaction.Start",
    "Compaction.Progress",
    "Compaction.Progress",
    "Compaction.Progress",
    "Compaction.Finish",
    "Compaction.BanditReward",
]
ADJUSTMENT = ["Compaction.GuardRebalance", "Lsm.GuardAdjustment"]


def fsync(engine: StorageEngine, usual_ms: float = 2.0) -> VizEvent:
    return VizEvent.FromString(engine.fsync(usual_ms))


class StorageEngineTests(TestCase):
    @given(seed=st.integers(0, 200))
    def test_a_flush_is_followed_by_a_compaction_step_by_step(self, seed: int) -> None:
        stage = WatchedStage(seed)
        StorageEngine(stage, 3, 7, Disk()).flush()
        stage.run_for(60_000)
        self.assertIn(stage.kinds, (CYCLE, CYCLE + ADJUSTMENT))
        self.assertEqual({(node, event.owner_shard) for node, event in stage.reported}, {(3, 7)})

    def test_a_second_flush_waits_until_the_first_is_over(self) -> None:
        stage = WatchedStage()
        engine = StorageEngine(stage, 1, 1, Disk())
        engine.flush()
        engine.flush()
        stage.run_for(60_000)
        self.assertEqual(stage.kinds.count("Lsm.FlushStart"), 1)
        engine.flush()
        stage.run_for(60_000)
        self.assertEqual(stage.kinds.count("Lsm.FlushStart"), 2)

    def test_segments_and_files_are_numbered_upwards(self) -> None:
        stage = WatchedStage()
        engine = StorageEngine(stage, 1, 1, Disk())
        before = fsync(engine).wal.seg
        for _ in range(2):
            engine.flush()
            stage.run_for(60_000)
        self.assertEqual(fsync(engine).wal.seg, before + 2)
        files = [event.lsm.flush_complete.file_number for _, event in stage.reported]
        completed = [number for number in files if number]
        self.assertEqual(completed[1], completed[0] + 1)

    def test_pressure_rises_until_writes_stall_and_a_flush_relieves_it(self) -> None:
        stage = WatchedStage()
        engine = StorageEngine(stage, 1, 1, Disk())
        engine.come_under_pressure(until=0.95, stalled_ms=2_000)
        stage.run_for(60_000)
        kinds = stage.kinds
        stalls = [at for at, kind in enumerate(kinds) if kind == "Lsm.L0Stall"]
        self.assertGreater(len(stalls), 100)
        self.assertEqual(stalls, list(range(stalls[0], stalls[-1] + 1)))
        self.assertEqual(set(kinds[: stalls[0]]), {"Lsm.WritePressureUpdate"})
        self.assertEqual(kinds[stalls[-1] + 1 :][:2], ["Lsm.WritePressureUpdate", "Lsm.FlushTriggered"])
        rising = [event.lsm.write_pressure_update for _, event in stage.reported[: stalls[0]]]
        self.assertFalse(rising[0].high)
        self.assertTrue(rising[-1].high)
        self.assertFalse(engine.busy)

    def test_under_high_pressure_fsyncs_are_slow(self) -> None:
        stage = WatchedStage()
        engine = StorageEngine(stage, 1, 1, Disk())
        engine.come_under_pressure(until=0.95, stalled_ms=2_000)
        stage.run_for(4_500)
        self.assertEqual(fsync(engine).wal.fsync.ms, 12)
        stage.run_for(60_000)
        self.assertEqual(fsync(engine).wal.fsync.ms, 2)

    def test_pressure_that_stays_below_the_threshold_stalls_nothing(self) -> None:
        stage = WatchedStage()
        StorageEngine(stage, 1, 1, Disk()).come_under_pressure(until=0.7, stalled_ms=0)
        stage.run_for(60_000)
        self.assertNotIn("Lsm.L0Stall", stage.kinds)
        self.assertIn("Compaction.Finish", stage.kinds)

    def test_one_that_falls_behind_drains_when_its_compaction_is_done(self) -> None:
        stage = WatchedStage()
        engine = StorageEngine(stage, 1, 1, Disk())
        engine.fall_behind(40_000)
        stage.run_for(39_000)
        self.assertTrue(engine.behind)
        files = [event.lsm.l0_stall.file_count for _, event in stage.reported if event.lsm.HasField("l0_stall")]
        self.assertEqual(files, sorted(files))
        self.assertGreater(len(set(files)), 10)
        self.assertNotIn("Compaction.Finish", stage.kinds)
        stage.run_for(12_000)
        self.assertFalse(engine.busy)
        kinds = stage.kinds
        self.assertEqual(kinds.count("Lsm.L0AdmissionStart"), kinds.count("Lsm.L0AdmissionComplete"))
        self.assertFalse(VizEvent.FromString(engine.write_pressure()).lsm.write_pressure_update.high)

    def test_what_it_was_at_dies_with_its_process(self) -> None:
        stage = WatchedStage()
        engine = StorageEngine(stage, 1, 1, Disk())
        engine.fall_behind(40_000)
        stage.run_for(20_000)
        engine.die()
        before = len(stage.reported)
        stage.run_for(60_000)
        self.assertEqual(len(stage.reported), before)
        engine.flush()
        stage.run_for(60_000)
        self.assertIn("Compaction.Finish", stage.kinds)

    def test_readings_carry_its_node_and_shard(self) -> None:
        engine = StorageEngine(WatchedStage(), 2, 9, Disk())
        heat, pressure = (VizEvent.FromString(each) for each in (engine.slot_heat(), engine.write_pressure()))
        for event in (fsync(engine), heat, pressure):
            self.assertEqual((event.ts_ms, event.owner_shard), (0, 9))
        self.assertEqual((fsync(engine).wal.node, heat.slot_heat.node, pressure.lsm.node), (2, 2, 2))

    def test_heat_has_one_peak_that_moves_by_one_slot(self) -> None:
        engine = StorageEngine(WatchedStage(), 1, 1, Disk())

        def hottest() -> int:
            heats = [VizEvent.FromString(engine.slot_heat()).slot_heat for _ in range(16)]
            self.assertEqual({(each.level, each.slot) for each in heats}, {(n, s) for n in (1, 2) for s in range(8)})
            return max(heats, key=lambda each: each.heat).slot

        before = hottest()
        engine.move_heat()
        self.assertIn((hottest() - before) % 8, (1, 7))
