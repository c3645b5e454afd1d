"""What a viewer may count on in a simulated cluster, checked over its history."""

from collections import Counter
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tests.sim.chronicle import History, history_of
from tests.sim.watched import START_MS
from vizd.events.catalogue import KINDS
from vizd.events.decode import Decoder, kind_of
from vizd.events.facet import Facets
from vizd.sim.cluster import MAX_STEP_MS, SimulatedCluster
from vizd.wire.vizd_pb2 import SWIM_KIND_ALIVE, SWIM_KIND_CONFIRM, SWIM_KIND_LEAVE


@cache
def four_minutes() -> History:
    """Of the usual cluster, at a tenth of its usual rate so that the rare things stand out."""
    return history_of(SimulatedCluster(nodes=5, shards=24, rate=100, seed=7, start_ms=START_MS), 240)


class SimulatedClusterTests(TestCase):
    def test_at_the_start_every_node_is_alive_and_every_shard_has_a_leader(self) -> None:
        cluster = SimulatedCluster(nodes=5, shards=24, rate=1_000, seed=1, start_ms=START_MS)
        first = cluster.advance(START_MS)
        kinds = Counter(str(kind_of(event)) for _, event in first)
        self.assertEqual(kinds, {"Swim.Alive": 5, "Raft.LeaderElected": 24})
        self.assertEqual({event.ts_ms for _, event in first}, {START_MS})

    def test_within_four_minutes_everything_happens_that_can(self) -> None:
        seen = {str(kind_of(event)) for _, event in four_minutes()}
        self.assertEqual({str(kind) for kind in KINDS} - seen, set())

    def test_the_daemon_takes_every_event(self) -> None:
        decoded = Decoder(1, Facets()).decode((event for _, event in four_minutes()), START_MS)
        self.assertEqual((decoded.rejections, decoded.unknown), ([], 0))

    def test_time_only_goes_forward(self) -> None:
        times_ms = [event.ts_ms for _, event in four_minutes()]
        self.assertEqual(times_ms, sorted(times_ms))

    def test_a_node_that_is_dead_or_gone_says_nothing_until_it_is_back(self) -> None:
        down: set[int] = set()
        fell_silent = 0
        for node, event in four_minutes():
            if event.HasField("swim"):
                subject = event.swim.node
                if event.swim.kind == SWIM_KIND_ALIVE:
                    down.discard(subject)
                # One that leaves says so itself, and then no more; the others say it in the same moment.
                elif event.swim.kind == SWIM_KIND_CONFIRM or (event.swim.kind == SWIM_KIND_LEAVE and node != subject):
                    down.add(subject)
                    fell_silent += 1
            self.assertNotIn(node, down)
        self.assertGreater(fell_silent, 0)

    def test_while_its_process_is_down_a_node_says_nothing(self) -> None:
        cluster = SimulatedCluster(nodes=5, shards=24, rate=100, seed=7, start_ms=START_MS)
        fell_silent = 0
        for end_ms in range(START_MS + 20, START_MS + 240_000, 20):
            before = set(cluster.down)
            reported = cluster.advance(end_ms)
            fell_silent += bool(cluster.down - before)
            self.assertFalse({node for node, _ in reported} & before & cluster.down)
        self.assertGreater(fell_silent, 1)

    def test_engines_report_for_the_node_they_run_on(self) -> None:
        for node, event in four_minutes():
            arm = event.WhichOneof("event")
            if arm in ("wal", "compaction", "lsm", "slot_heat"):
                self.assertEqual(getattr(event, arm).node, node)
                self.assertTrue(event.HasField("owner_shard"))

    def test_the_rate_is_kept_whatever_it_is(self) -> None:
        for nodes, shards, rate, seconds in ((5, 24, 10, 120), (3, 4, 1_000, 20), (40, 200, 20_000, 5)):
            cluster = SimulatedCluster(nodes, shards, rate, seed=3, start_ms=START_MS)
            cluster.advance(START_MS)
            count = len(history_of(cluster, seconds))
            self.assertApproximates(count / seconds, rate, 0.02 * rate)

    def test_the_rate_is_kept_every_few_seconds(self) -> None:
        cluster = SimulatedCluster(nodes=5, shards=24, rate=1_000, seed=4, start_ms=START_MS)
        cluster.advance(START_MS)
        seconds = Counter((event.ts_ms - START_MS - 1) // 3_000 for _, event in history_of(cluster, 90))
        self.assertEqual(len(seconds), 30)
        for count in seconds.values():
            self.assertApproximates(count, 3_000, 60)

    def test_the_smallest_clusters_work(self) -> None:
        for nodes, shards in ((1, 1), (2, 1), (3, 1), (7, 1)):
            history = history_of(SimulatedCluster(nodes, shards, 50, seed=2, start_ms=START_MS), 200)
            self.assertGreaterEqual(len(history), 10_000)

    @settings(max_examples=25, deadline=None)
    @given(
        seed=st.integers(0, 2**32),
        nodes=st.integers(1, 6),
        shards=st.integers(1, 8),
        rate=st.integers(10, 3_000),
        steps_ms=st.lists(st.integers(0, MAX_STEP_MS), min_size=1, max_size=30),
    )
    def test_the_same_seed_gives_the_same_events_in_steps_of_any_size(
        self, seed: int, nodes: int, shards: int, rate: int, steps_ms: list[int]
    ) -> None:
        at_will, evenly = (SimulatedCluster(nodes, shards, rate, seed, START_MS) for _ in range(2))
        now_ms, in_steps = START_MS, []
        for step_ms in steps_ms:
            now_ms += step_ms
            in_steps += at_will.advance(now_ms)
        even = [each for end_ms in range(START_MS, now_ms, 50) for each in evenly.advance(end_ms)]
        self.assertEqual(in_steps, even + evenly.advance(now_ms))

    def test_another_seed_gives_another_history(self) -> None:
        first, second = (SimulatedCluster(5, 24, 1_000, seed, START_MS).advance(START_MS + 500) for seed in (1, 2))
        self.assertNotEqual(first, second)

    def test_after_a_pause_it_goes_on_where_it_stood(self) -> None:
        cluster, paused = (SimulatedCluster(5, 24, 1_000, 1, START_MS) for _ in range(2))
        cluster.advance(START_MS + 100)
        paused.advance(START_MS + 100)
        hour_ms = 3_600_000
        usual = cluster.advance(START_MS + 100 + MAX_STEP_MS)
        late = paused.advance(START_MS + 100 + MAX_STEP_MS + hour_ms)
        for _, event in usual:
            event.ts_ms += hour_ms
        self.assertEqual(late, usual)

    def test_a_clock_that_goes_back_brings_nothing(self) -> None:
        cluster = SimulatedCluster(5, 24, 1_000, 1, START_MS)
        cluster.advance(START_MS + 100)
        self.assertEqual(cluster.advance(START_MS + 50), [])
        self.assertEqual(len(cluster.advance(START_MS + 200)), 100)

    def test_numbers_out_of_range_are_refused(self) -> None:
        for nodes, shards, rate, what in ((0, 1, 10, "nodes 0"), (1, 0, 10, "shards 0"), (1, 1, 9, "rate 9")):
            with self.assertRaisesRegex(ValueError, f"^{what}: \\d+ to \\d+ is possible"):
                SimulatedCluster(nodes, shards, rate, 1, START_MS)
