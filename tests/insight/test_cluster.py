"""Tests of ``vizd.insight.cluster``."""

from twisted.trial.unittest import SynchronousTestCase

from tests.state.windows import Windows, mark
from tests.stream.made import Made, made, said
from vizd.insight.cluster import Cluster, read_event
from vizd.log.window import Mark
from vizd.state.coverage import Coverage
from vizd.state.timeline import Timeline


class ClusterTests(SynchronousTestCase):
    """What rules may ask."""

    def setUp(self) -> None:
        self.windows = Windows()
        self.coverage = Coverage()
        self.cluster = Cluster(self.coverage, Timeline(self.coverage))

    def enter(self, at_ms: int, *events: Made, marks: tuple[Mark, ...] = ()) -> None:
        window = self.windows.make(at_ms, events, marks)
        self.coverage.fold(window)
        self.cluster.enter(window)
        for each in marks:
            self.cluster.processes.follow(each)

    def test_an_event_has_the_fields_of_its_type_and_its_kind(self) -> None:
        for name, values in (
            ("Raft.LeaderElected", {"shard": 7, "term": 2**64 - 1, "node": 3}),
            ("Swim.Suspect", {"node": 3}),
            ("Compaction.Progress", {"node": 3, "level": 2, "pct": 50}),
        ):
            facet, fragment = made(name, 9, **values)
            event = read_event(facet, fragment, restated=False, is_late=False)
            self.assertEqual((event.kind, event.node, event.data), (name.split(".")[1], 9, values), said(name))

    def test_time_never_falls(self) -> None:
        for at_ms, now_ms in ((10_000, 10_050), (5_000, 10_051), (20_000, 20_050)):
            self.enter(at_ms)
            self.assertEqual(self.cluster.now_ms, now_ms)

    def test_a_node_is_called_by_its_name_where_it_has_one(self) -> None:
        self.enter(1_000, marks=(mark(1, connected=True, name="north"),))
        self.assertEqual([self.cluster.called(node) for node in (1, 2)], ["north", "node 2"])
        self.assertEqual(self.cluster.named({"node": 1, "shard": 7}), {"node": 1, "name": "north", "shard": 7})
        self.assertEqual([self.cluster.knows(node) for node in (1, 2)], [True, False])

    def test_what_is_missing_of_any_of_some_nodes_counts_from_when_it_would_matter(self) -> None:
        self.enter(1_000, marks=(mark(1, connected=True), mark(2, connected=True)))
        self.enter(2_000, marks=(mark(2, lost=1),))
        self.enter(9_000)
        self.assertTrue(self.cluster.is_whole((1,), 0))
        self.assertFalse(self.cluster.is_whole((1, 2), 0))
        self.assertTrue(self.cluster.is_whole((1, 2, 77), 3_000))

    def test_what_the_log_mentions_is_not_forgotten(self) -> None:
        self.enter(1_000, made("Swim.Alive", node=5), made("Wal.Fsync", node=6, owner=7), marks=(mark(1, events=2),))
        before_ms = self.cluster.now_ms
        for subject in ({"node": 5}, {"node": 6, "shard": 7}, {"shard": 7}, {"node": 1}, {}):
            self.assertFalse(self.cluster.is_forgotten(subject, before_ms), subject)
        for subject in ({"node": 8}, {"shard": 8}, {"node": 6, "shard": 8}, {"node": 8, "shard": 7}):
            self.assertTrue(self.cluster.is_forgotten(subject, before_ms), subject)
        self.enter(60_000, made("Wal.Fsync", node=6))
        before_ms = self.cluster.now_ms
        self.assertEqual(
            [
                self.cluster.is_forgotten(each, before_ms)
                for each in ({"node": 5}, {"node": 6}, {"shard": 7}, {"node": 1})
            ],
            [True, False, True, False],
        )

    def test_what_it_remembers_is_bounded(self) -> None:
        self.patch(Cluster, "MAX_MENTIONED", 10)
        for number in range(100):
            self.enter(1_000 * number, made("Wal.Fsync", node=number, owner=number))
        self.assertFalse(self.cluster.is_forgotten({"shard": 99}, 0))
        self.assertTrue(self.cluster.is_forgotten({"shard": 80}, 0))
