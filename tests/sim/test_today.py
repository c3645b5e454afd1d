"""As of today, real nodes say less, and under numbers that do not match."""

from collections import Counter

from twisted.trial.unittest import TestCase

from tests.sim.chronicle import Chronicle, history_of
from tests.sim.watched import START_MS
from vizd.events.catalogue import KINDS
from vizd.events.decode import kind_of
from vizd.sim.cluster import MAX_NODES, SimulatedCluster
from vizd.sim.scenarios import SCENARIOS
from vizd.sim.today import number_of, raft_number_of
from vizd.wire.vizd_pb2 import VizEvent

EMITTED = {str(kind) for kind in KINDS if str(kind).partition(".")[0] in ("Wal", "Lsm", "SlotHeat", "Compaction")}
EMITTED -= {"Compaction.Scheduled", "Compaction.Progress"}
EMITTED |= {"Raft.LeaderElected"}


def cluster_of_today(scenario: str, rate: int = 200) -> SimulatedCluster:
    return SimulatedCluster(5, 24, rate, 7, START_MS, scenario, as_of_today=True)


class AsOfTodayTests(TestCase):
    def test_only_what_real_nodes_emit_is_emitted_and_all_of_that(self) -> None:
        seen: set[str] = set()
        for scenario in ("lively", "node-crash"):
            seen |= {str(kind_of(event)) for _, event in history_of(cluster_of_today(scenario), 100)}
        self.assertEqual(seen, EMITTED)

    def test_no_scenario_adds_to_it(self) -> None:
        for scenario in SCENARIOS:
            chronicle = Chronicle(cluster_of_today(scenario), 40)
            self.assertEqual({entry.kind for entry in chronicle.entries} - EMITTED, set(), scenario)

    def test_engines_carry_the_hash_of_the_nodes_name(self) -> None:
        cluster = cluster_of_today("healthy")
        self.assertEqual(dict(cluster.names), {number_of(f"node-{n}"): f"node-{n}" for n in range(1, 6)})
        for node, event in history_of(cluster, 10):
            self.assertIn(node, cluster.names)
            arm = event.WhichOneof("event")
            if arm != "raft":
                self.assertEqual(getattr(event, arm).node, node)

    def test_a_leader_carries_another_for_each_shard_and_it_matches_no_node(self) -> None:
        cluster = cluster_of_today("healthy")
        for node, event in cluster.advance(START_MS):
            raft = event.raft
            self.assertEqual(raft.leader_elected.node, raft_number_of(cluster.names[node], raft.shard))
            self.assertNotIn(raft.leader_elected.node, cluster.names)

    def test_numbers_are_of_32_bits_and_differ(self) -> None:
        names = [f"node-{n}" for n in range(1, MAX_NODES + 1)]
        numbers = {number_of(name) for name in names} | {
            raft_number_of(name, shard) for name in names for shard in range(24)
        }
        self.assertEqual(len(numbers), 25 * MAX_NODES)
        self.assertLess(max(numbers), 2**32)
        self.assertEqual(number_of("node-1"), 0x13F21C5F)

    def test_the_rate_is_kept(self) -> None:
        cluster = cluster_of_today("healthy", rate=1_000)
        cluster.advance(START_MS)
        self.assertApproximates(len(history_of(cluster, 20)) / 20, 1_000, 20)

    def test_processes_die_as_ever_and_leaders_are_elected_elsewhere(self) -> None:
        chronicle = Chronicle(cluster_of_today("node-crash"), 60)
        ((victim, from_s, until_s),) = chronicle.down
        self.assertEqual([entry for entry in chronicle.of("", from_s, until_s - 0.2) if entry.node == victim], [])
        elected = Counter(entry.event.raft.shard for entry in chronicle.of("Raft", from_s - 0.2, from_s + 5))
        self.assertGreaterEqual(len(elected), 4)


class OtherwiseTests(TestCase):
    def test_nodes_are_numbered_from_one_and_lead_under_their_number(self) -> None:
        cluster = SimulatedCluster(3, 6, 100, 7, START_MS, "healthy")
        self.assertEqual(dict(cluster.names), {1: "node-1", 2: "node-2", 3: "node-3"})
        leaders: list[tuple[int, VizEvent]] = [each for each in cluster.advance(START_MS) if each[1].HasField("raft")]
        self.assertEqual({event.raft.leader_elected.node == node for node, event in leaders}, {True})
