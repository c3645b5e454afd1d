from collections import Counter
from random import Random
from statistics import quantiles

from twisted.trial.unittest import TestCase

from tests.sim.watched import START_MS, WatchedStage
from vizd.client.encode import event_class_of
from vizd.events.decode import kind_of
from vizd.sim.disk import Disk
from vizd.sim.encoded import EncodedEvent, decoded
from vizd.sim.engine import StorageEngine
from vizd.sim.flood import Flood
from vizd.wire.vizd_pb2 import VizEvent


class FloodTests(TestCase):
    def setUp(self) -> None:
        stage = WatchedStage()
        self.disk = Disk()
        self.engines = [StorageEngine(stage, node, shard, self.disk) for node in (1, 2) for shard in range(3)]
        self.flood = Flood(Random(1), nodes=2, shards=3, rate=1_000)
        self.flood.draw_from([(engine, 1) for engine in self.engines], [1, 2])

    def read(self, ts_ms: int) -> tuple[int, VizEvent]:
        reported: list[tuple[int, EncodedEvent]] = []
        self.flood.read([ts_ms], reported)
        ((node, event),) = reported
        self.assertEqual(event[1], event_class_of(decoded(event)))
        return node, decoded(event)

    def test_readings_carry_the_time_they_were_taken(self) -> None:
        for ts_ms in (START_MS, START_MS, START_MS + 1, START_MS + 3_000, 1):
            self.assertEqual(self.read(ts_ms)[1].ts_ms, ts_ms)

    def test_most_of_it_is_fsyncs_and_there_is_some_of_everything(self) -> None:
        counts = Counter(str(kind_of(self.read(n)[1])) for n in range(10_000))
        self.assertEqual(set(counts), {"Wal.Fsync", "SlotHeat", "Lsm.WritePressureUpdate", "Cache"})
        self.assertGreater(counts["Wal.Fsync"], 9_000)
        self.assertGreater(counts["SlotHeat"], 100)

    def test_every_engine_and_node_gets_its_turn_with_each_kind(self) -> None:
        seen = Counter()
        for number in range(20_000):
            node, event = self.read(number)
            seen[str(kind_of(event)), node, event.owner_shard] += 1
        per_kind = Counter(kind for kind, _, _ in seen)
        self.assertEqual(per_kind, {"Wal.Fsync": 6, "SlotHeat": 6, "Lsm.WritePressureUpdate": 6, "Cache": 2})

    def test_an_engine_of_weight_three_is_read_three_times_as_often(self) -> None:
        first, second, *_ = self.engines
        self.flood.draw_from([(first, 3), (second, 1)], [1])
        shards = Counter(self.read(number)[1].owner_shard for number in range(8_000))
        self.assertApproximates(shards[first.shard] / shards[second.shard], 3, 0.3)

    def fsyncs_ms(self) -> list[int]:
        events = [self.read(number)[1] for number in range(5_000)]
        return [event.wal.fsync.ms for event in events if event.HasField("wal")]

    def test_most_fsyncs_take_two_milliseconds_and_now_and_then_one_takes_long(self) -> None:
        hundredths = quantiles(self.fsyncs_ms(), n=100)
        self.assertEqual(hundredths[49], 2)
        self.assertTrue(6 <= hundredths[98] <= 12)
        self.assertTrue(30 < max(self.fsyncs_ms()) < 100)

    def test_a_slow_disk_makes_all_of_them_slow(self) -> None:
        self.disk.slowness = 40.0
        hundredths = quantiles(self.fsyncs_ms(), n=100)
        self.assertTrue(70 <= hundredths[49] <= 90)
        self.assertTrue(250 <= hundredths[98] <= 450)

    def test_where_caches_are_not_read_there_are_none(self) -> None:
        self.flood = Flood(Random(1), nodes=2, shards=3, rate=1_000, caches=False)
        self.flood.draw_from([(engine, 1) for engine in self.engines], [1, 2])
        self.assertNotIn("Cache", {str(kind_of(self.read(number)[1])) for number in range(2_000)})
