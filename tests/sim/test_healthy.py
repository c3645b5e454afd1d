"""An hour in which nothing is wrong: nobody who looks for trouble finds any."""

from collections import Counter, defaultdict
from functools import cache

from twisted.trial.unittest import TestCase

from tests.sim.chronicle import Chronicle
from tests.sim.watched import START_MS
from vizd.sim.cluster import SimulatedCluster

HOUR_S = 3_600


@cache
def an_hour() -> Chronicle:
    return Chronicle(SimulatedCluster(5, 24, 50, 11, START_MS, "healthy"), HOUR_S, step_ms=500)


class HealthyTests(TestCase):
    def test_ordinary_life_goes_on(self) -> None:
        seen = Counter(entry.kind for entry in an_hour().entries)
        self.assertGreater(seen["Raft.LeaderElected"], 24 + 60)
        self.assertGreater(seen["Shard.Cutover"], 60)
        self.assertGreater(seen["Lsm.FlushComplete"], 1_000)
        self.assertGreater(seen["Compaction.Finish"], 1_000)

    def test_no_node_is_suspected_or_restarts(self) -> None:
        self.assertEqual({entry.kind for entry in an_hour().of("Swim")}, {"Swim.Alive"})
        self.assertEqual(an_hour().down, [])

    def test_no_shard_is_without_a_leader_for_two_seconds(self) -> None:
        self.assertLess(max(lasted_s for _, lasted_s in an_hour().without_leader_s()), 2)

    def test_elections_are_rare_and_lawful(self) -> None:
        self.assertEqual(list(an_hour().faults_of_raft()), [])
        asked: dict[int, list[float]] = defaultdict(list)
        for entry in an_hour().of("Raft.VoteReq"):
            asked[entry.event.raft.shard].append(entry.at_s)
        for times_s in asked.values():
            in_a_minute = [sum(at_s <= each < at_s + 60 for each in times_s) for at_s in times_s]
            self.assertLessEqual(max(in_a_minute), 3)

    def test_nothing_stalls_and_pressure_is_never_high(self) -> None:
        self.assertEqual(an_hour().of("Lsm.L0Stall"), [])
        readings = [entry.event.lsm.write_pressure_update for entry in an_hour().of("Lsm.WritePressureUpdate")]
        self.assertFalse(any(reading.high for reading in readings))
        self.assertGreater(max(reading.ratio for reading in readings), 0.5)

    def test_every_compaction_finishes_within_a_minute(self) -> None:
        self.assertEqual(list(an_hour().faults_of_compaction()), [])
        started: dict[tuple[int, int, int], float] = {}
        for entry in an_hour().of("Compaction"):
            key = (entry.node, entry.event.owner_shard, entry.event.compaction.level)
            if entry.kind == "Compaction.Start":
                started[key] = entry.at_s
            elif entry.kind == "Compaction.Finish":
                self.assertLess(entry.at_s - started.pop(key), 60)

    def test_no_cutover_comes_before_its_snapshot_is_done(self) -> None:
        self.assertEqual(list(an_hour().faults_of_moves()), [])

    def test_a_log_is_never_torn(self) -> None:
        self.assertEqual(an_hour().of("Wal.CorruptionTruncated"), [])
