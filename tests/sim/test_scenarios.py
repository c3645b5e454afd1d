"""Each scenario is what its sentence says, and every one ends well."""

from collections import Counter, defaultdict
from itertools import groupby, pairwise
from statistics import quantiles

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tests.sim.chronicle import RATE, SECONDS, Chronicle, Entry, chronicle_of
from tests.sim.watched import START_MS
from vizd.sim.cluster import MAX_STEP_MS, SimulatedCluster
from vizd.sim.scenarios import DEFAULT_SCENARIO, SCENARIOS
from vizd.wire.vizd_pb2 import SWIM_KIND_ALIVE

names = st.sampled_from(list(SCENARIOS))


LAWLESS_RAFT = {"split-brain", "old-term"}
LAWLESS_COMPACTION = {"stuck-compaction"}
LAWLESS_MOVES = {"torn-move"}
"""What they break is what they are for; it is tested by itself."""


class EveryScenarioTests(TestCase):
    @settings(max_examples=24, deadline=None)
    @given(
        scenario=names,
        as_of_today=st.booleans(),
        seed=st.integers(0, 2**32),
        rate=st.integers(10, 1_000),
        steps_ms=st.lists(st.integers(1, MAX_STEP_MS), min_size=20, max_size=40),
    )
    def test_the_same_seed_gives_the_same_events_in_steps_of_any_size(
        self, scenario: str, as_of_today: bool, seed: int, rate: int, steps_ms: list[int]
    ) -> None:
        at_will, evenly = (SimulatedCluster(5, 8, rate, seed, START_MS, scenario, as_of_today) for _ in range(2))
        now_ms, in_steps = START_MS, []
        for step_ms in steps_ms:
            now_ms += step_ms
            in_steps += at_will.advance(now_ms)
        even = [each for end_ms in range(START_MS, now_ms, 50) for each in evenly.advance(end_ms)]
        self.assertEqual(in_steps, even + evenly.advance(now_ms))

    def test_the_raft_groups_keep_the_law(self) -> None:
        for scenario in set(SCENARIOS) - LAWLESS_RAFT:
            self.assertEqual(list(chronicle_of(scenario).faults_of_raft()), [], scenario)

    def test_compactions_go_phase_by_phase_and_finish_unless_the_node_dies(self) -> None:
        for scenario in set(SCENARIOS) - LAWLESS_COMPACTION:
            self.assertEqual(list(chronicle_of(scenario).faults_of_compaction()), [], scenario)

    def test_moves_go_step_by_step_and_end(self) -> None:
        for scenario in set(SCENARIOS) - LAWLESS_MOVES:
            self.assertEqual(list(chronicle_of(scenario).faults_of_moves()), [], scenario)

    def test_ordinary_life_goes_on(self) -> None:
        for scenario in SCENARIOS:
            seen = Counter(entry.kind for entry in chronicle_of(scenario).entries)
            for kind in ("Raft.LeaderElected", "Shard.Cutover", "Lsm.FlushComplete", "Compaction.Finish"):
                self.assertGreater(seen[kind], 2, (scenario, kind))

    def test_the_rate_is_kept(self) -> None:
        for scenario in SCENARIOS:
            chronicle = chronicle_of(scenario)
            count = len(chronicle.entries) + chronicle.flood
            self.assertApproximates(count / SECONDS, RATE, 0.02 * RATE)

    def test_they_work_with_the_fewest_nodes_and_at_the_lowest_rate(self) -> None:
        for name, scenario in SCENARIOS.items():
            cluster = SimulatedCluster(scenario.fewest_nodes, 3, 10, 5, START_MS, name)
            chronicle = Chronicle(cluster, 150, step_ms=MAX_STEP_MS)
            if name not in LAWLESS_MOVES:
                self.assertEqual(list(chronicle.faults_of_moves()), [])
            self.assertLess(len(chronicle.entries) + chronicle.flood, 1.2 * 1_500, name)
            self.assertEqual(cluster.down, set(), name)

    def test_one_that_does_not_exist_is_refused_and_so_is_one_with_too_few_nodes(self) -> None:
        with self.assertRaisesRegex(ValueError, r"^scenario 'calm': one of lively, healthy, .* is possible$"):
            SimulatedCluster(5, 24, 100, 1, START_MS, "calm")
        with self.assertRaisesRegex(ValueError, r"^nodes 2: partition needs 3 or more$"):
            SimulatedCluster(2, 24, 100, 1, START_MS, "partition")

    def test_the_usual_one_is_lively(self) -> None:
        self.assertIn(DEFAULT_SCENARIO, SCENARIOS)
        usual, lively = (SimulatedCluster(5, 24, 100, 1, START_MS, *which) for which in ((), ("lively",)))
        self.assertEqual(usual.advance(START_MS + 1_000), lively.advance(START_MS + 1_000))


class NodeCrashTests(TestCase):
    def setUp(self) -> None:
        self.chronicle = chronicle_of("node-crash")

    def test_every_minute_one_process_ends_for_eight_to_fifteen_seconds(self) -> None:
        self.assertEqual([round(from_s) for _, from_s, _ in self.chronicle.down], [5, 65, 125])
        for _, from_s, until_s in self.chronicle.down:
            self.assertTrue(7.9 <= until_s - from_s <= 15.1)

    def test_it_leads_most_shards_and_each_of_them_elects_elsewhere_in_a_higher_term(self) -> None:
        for victim, from_s, _ in self.chronicle.down:
            before = self.chronicle.leaders_at(from_s - 0.2)
            led = [shard for shard, leader in before.items() if leader == victim]
            self.assertEqual(len(led), max(Counter(before.values()).values()))
            for shard in led:
                mine = self.chronicle.of_shard(shard)
                term = max(entry.event.raft.term for entry in mine if entry.at_s < from_s - 0.2)
                soon = [entry for entry in mine if from_s - 0.2 <= entry.at_s < from_s + 5]
                elected = next(entry for entry in soon if entry.kind == "Raft.LeaderElected")
                self.assertGreater(elected.event.raft.term, term)
                self.assertNotEqual(elected.node, victim)

    def test_the_others_suspect_it_then_confirm_it_dead_then_see_it_alive(self) -> None:
        for victim, from_s, until_s in self.chronicle.down:
            seen = self.chronicle.of("Swim", from_s - 1, until_s + 1)
            self.assertEqual({entry.event.swim.node for entry in seen}, {victim})
            self.assertEqual(
                [kind for kind, _ in groupby(entry.kind for entry in seen)],
                ["Swim.Suspect", "Swim.Confirm", "Swim.Alive"],
            )

    def test_it_says_nothing_until_it_is_back_and_then_catches_up_and_leads_again(self) -> None:
        for victim, from_s, until_s in self.chronicle.down:
            own = [entry for entry in self.chronicle.entries if entry.node == victim]
            self.assertEqual([entry for entry in own if from_s < entry.at_s < until_s - 0.1], [])
            back = [entry for entry in own if until_s - 0.1 <= entry.at_s <= until_s + 8]
            self.assertEqual((back[0].kind, back[0].event.swim.kind), ("Swim.Alive", SWIM_KIND_ALIVE))
            self.assertGreaterEqual(sum(entry.kind == "Lsm.FlushTriggered" for entry in back), 3)
            if until_s + 20 < SECONDS:
                self.assertIn(victim, self.chronicle.leaders_at(until_s + 20).values())


class PartitionTests(TestCase):
    def setUp(self) -> None:
        self.chronicle = chronicle_of("partition")

    def test_two_of_five_are_cut_off_and_both_sides_suspect_each_other(self) -> None:
        for from_s in (5, 65, 125):
            suspected = self.chronicle.of("Swim.Suspect", from_s, from_s + 2)
            observers: dict[int, set[int]] = defaultdict(set)
            for entry in suspected:
                observers[entry.event.swim.node].add(entry.node)
            self.assertEqual(set(observers), {1, 2, 3, 4, 5})
            sides = {frozenset(seen_by) for seen_by in observers.values()}
            self.assertEqual(sorted(map(len, sides)), [2, 3])
            self.assertEqual(frozenset.union(*sides), {1, 2, 3, 4, 5})

    def test_leaders_without_a_majority_step_down_and_the_others_elect(self) -> None:
        for from_s in (5, 65, 125):
            stepped_down = self.chronicle.of("Raft.StepDown", from_s, from_s + 1)
            self.assertGreater(len(stepped_down), 3)
            for entry in stepped_down:
                later = self.chronicle.of_shard(entry.event.raft.shard)
                elected = next(each for each in later if each.at_s > entry.at_s and each.kind == "Raft.LeaderElected")
                self.assertGreater(elected.event.raft.term, entry.event.raft.term)
                self.assertLess(elected.at_s - entry.at_s, 10)
                voters = [
                    each.event.raft.vote_granted.from_node
                    for each in later
                    if each.event.raft.term == elected.event.raft.term and each.kind == "Raft.VoteGranted"
                ]
                if elected.at_s < from_s + 14:
                    self.assertNotIn(entry.node, voters)

    def test_after_a_quarter_of_a_minute_all_are_alive_again_and_nobody_was_given_up(self) -> None:
        self.assertEqual(self.chronicle.of("Swim.Confirm"), [])
        for from_s in (5, 65, 125):
            alive = self.chronicle.of("Swim.Alive", from_s + 14, from_s + 16)
            self.assertEqual({entry.event.swim.node for entry in alive}, {1, 2, 3, 4, 5})
        self.assertEqual(len(self.chronicle.leaders_at(SECONDS)), 24)
        self.assertEqual(self.chronicle.down, [])


class FlappingTests(TestCase):
    def test_one_node_is_suspected_and_seen_alive_six_times_and_then_stays(self) -> None:
        chronicle = chronicle_of("flapping")
        seen = chronicle.of("Swim", from_s=1)
        (node,) = {entry.event.swim.node for entry in seen}
        self.assertEqual(
            [kind for kind, _ in groupby(entry.kind for entry in seen)], ["Swim.Suspect", "Swim.Alive"] * 6
        )
        self.assertTrue(seen[0].at_s >= 5 and seen[-1].at_s < 55)
        self.assertNotIn(node, {entry.node for entry in seen})
        self.assertEqual(chronicle.down, [])


class SplitBrainTests(TestCase):
    def test_every_minute_one_term_of_a_shard_has_two_leaders_until_a_higher_one_has_one(self) -> None:
        chronicle = chronicle_of("split-brain")
        elected: dict[tuple[int, int], list[Entry]] = defaultdict(list)
        for entry in chronicle.of("Raft.LeaderElected"):
            elected[entry.event.raft.shard, entry.event.raft.term].append(entry)
        twice = {key: entries for key, entries in elected.items() if len(entries) > 1}
        self.assertEqual(sorted(round(entries[1].at_s) for entries in twice.values()), [5, 65, 125])
        for (shard, term), (first, second) in twice.items():
            self.assertNotEqual(first.event.raft.leader_elected.node, second.event.raft.leader_elected.node)
            self.assertEqual(second.node, second.event.raft.leader_elected.node)
            (healed,) = elected[shard, term + 1]
            self.assertLess(healed.at_s - second.at_s, 11)


class OldTermTests(TestCase):
    def test_every_minute_a_leader_is_elected_in_a_term_that_was_over_and_then_terms_go_on_from_the_highest(
        self,
    ) -> None:
        chronicle = chronicle_of("old-term")
        elected: dict[int, list[Entry]] = defaultdict(list)
        for entry in chronicle.of("Raft.LeaderElected"):
            elected[entry.event.raft.shard].append(entry)
        found_s = []
        for entries in elected.values():
            highest = 0
            for before, entry in pairwise(entries):
                highest = max(highest, before.event.raft.term)
                if entry.event.raft.term < before.event.raft.term:
                    found_s.append(round(entry.at_s))
                    self.assertEqual(entry.node, before.node)
                    next_one = next(each for each in entries if each.at_s > entry.at_s + 9)
                    self.assertEqual(next_one.event.raft.term, highest + 1)
                    self.assertLess(next_one.at_s - entry.at_s, 12)
        self.assertEqual(sorted(found_s), [5, 65, 125])


class ElectionStormTests(TestCase):
    def test_terms_of_one_shard_race_up_for_eight_seconds_and_then_one_is_elected(self) -> None:
        chronicle = chronicle_of("election-storm")
        storms = [(shard, lasted_s) for shard, lasted_s in chronicle.without_leader_s() if lasted_s > 2]
        self.assertEqual(len(storms), 5)
        for _, lasted_s in storms:
            self.assertTrue(7.5 <= lasted_s <= 9)
        for from_s in range(5, SECONDS - 10, 30):
            votes = chronicle.of("Raft.Vote", from_s, from_s + 8)
            shard, count = Counter(entry.event.raft.shard for entry in votes).most_common(1)[0]
            terms = [entry.event.raft.term for entry in votes if entry.event.raft.shard == shard]
            self.assertGreater(count, 40)
            self.assertGreater(terms[-1] - terms[0], 20)


class CompactionBacklogTests(TestCase):
    def setUp(self) -> None:
        self.chronicle = chronicle_of("compaction-backlog")
        self.stalls = self.chronicle.of("Lsm.L0Stall")

    def test_three_engines_of_one_node_stall_while_their_compactions_crawl(self) -> None:
        first = [entry for entry in self.stalls if entry.at_s < 100]
        self.assertEqual(len({entry.node for entry in first}), 1)
        self.assertEqual(len({entry.event.owner_shard for entry in first}), 3)
        self.assertLess(first[0].at_s, 15)
        slow: dict[int, list[float]] = defaultdict(list)
        for entry in self.chronicle.of("Compaction", 3, 120):
            if entry.node == first[0].node and entry.event.compaction.level == 0 and entry.kind != "Compaction.Start":
                slow[entry.event.owner_shard].append(entry.at_s)
        for shard in {entry.event.owner_shard for entry in first}:
            gaps_s = [later_s - earlier_s for earlier_s, later_s in pairwise(slow[shard])]
            self.assertApproximates(max(gaps_s), 20, 1)

    def test_files_pile_up_and_writes_stall_in_bursts(self) -> None:
        one = [entry for entry in self.stalls if entry.event.owner_shard == self.stalls[0].event.owner_shard]
        files = [entry.event.lsm.l0_stall.file_count for entry in one if entry.at_s < 100]
        self.assertEqual(files, sorted(files))
        self.assertGreater(files[-1], 2 * files[0])
        self.assertTrue(all(count > one[0].event.lsm.l0_stall.threshold for count in files))
        gaps_s = [later.at_s - earlier.at_s for earlier, later in pairwise(one) if later.at_s < 100]
        self.assertGreater(sum(gap_s > 0.5 for gap_s in gaps_s), 10)
        self.assertLess(max(gaps_s), 5)

    def test_pressure_passes_its_threshold_for_more_than_a_minute_and_comes_down(self) -> None:
        high: dict[tuple[int, int], list[float]] = defaultdict(list)
        last: dict[tuple[int, int], bool] = {}
        for entry in self.chronicle.of("Lsm.WritePressureUpdate", until_s=110):
            key, reading = (entry.node, entry.event.owner_shard), entry.event.lsm.write_pressure_update
            last[key] = reading.high
            if reading.high:
                high[key].append(entry.at_s)
        self.assertEqual(len(high), 3)
        for times_s in high.values():
            self.assertGreater(times_s[-1] - times_s[0], 60)
            self.assertLess(times_s[0], 20)
        self.assertFalse(any(last.values()))

    def test_at_a_high_rate_stalls_come_by_the_thousand(self) -> None:
        cluster = SimulatedCluster(5, 24, 10_000, 7, START_MS, "compaction-backlog")
        busiest = Counter[int]()
        for end_ms in range(START_MS, START_MS + 15_000, MAX_STEP_MS):
            for _, event in cluster.advance(end_ms):
                busiest[event.ts_ms // 1_000] += event.lsm.HasField("l0_stall")
        self.assertGreater(max(busiest.values()), 1_000)


class L0StallTests(TestCase):
    def test_an_engine_stalls_while_no_compaction_of_it_runs_and_then_drains(self) -> None:
        chronicle = chronicle_of("l0-stall")
        stalls = chronicle.of("Lsm.L0Stall", until_s=60)
        ((node, shard),) = {(entry.node, entry.event.owner_shard) for entry in stalls}
        self.assertGreater(stalls[-1].at_s - stalls[0].at_s, 15)
        mine = [
            entry
            for entry in chronicle.of("Compaction", stalls[0].at_s, 60)
            if (entry.node, entry.event.owner_shard) == (node, shard)
        ]
        running = [entry.at_s for entry in mine if entry.kind != "Compaction.BanditReward"]
        self.assertGreater(running[0], stalls[-1].at_s - 1)
        self.assertLess(running[0], 40)
        self.assertEqual(
            sum(entry.kind == "Compaction.Finish" for entry in mine if entry.at_s < running[0] + 10) > 1, True
        )


class StuckCompactionTests(TestCase):
    def test_a_compaction_stands_still_for_eleven_minutes_and_then_finishes(self) -> None:
        chronicle = Chronicle(SimulatedCluster(5, 24, 50, 7, START_MS, "stuck-compaction"), 700, step_ms=MAX_STEP_MS)
        lives: dict[tuple[int, int, int], list[Entry]] = defaultdict(list)
        for entry in chronicle.of("Compaction"):
            if entry.kind in ("Compaction.Start", "Compaction.Progress", "Compaction.Finish"):
                lives[entry.node, entry.event.owner_shard, entry.event.compaction.level].append(entry)
        still = [
            (at, after) for life in lives.values() for at, after in pairwise(life) if at.kind == "Compaction.Start"
        ]
        long = [(at.at_s, after.at_s) for at, after in still if after.at_s - at.at_s > 60]
        ((from_s, until_s),) = long
        self.assertLess(from_s, 10)
        self.assertApproximates(until_s - from_s, 660, 1)


class SlowDiskTests(TestCase):
    def test_the_p99_of_one_node_climbs_to_hundreds_of_milliseconds_and_back(self) -> None:
        cluster = SimulatedCluster(5, 24, 1_000, 7, START_MS, "slow-disk")
        fsyncs_ms: dict[tuple[int, int], list[int]] = defaultdict(list)
        for end_ms in range(START_MS, START_MS + 60_000, MAX_STEP_MS):
            for node, event in cluster.advance(end_ms):
                if event.HasField("wal") and event.wal.HasField("fsync"):
                    fsyncs_ms[node, (event.ts_ms - START_MS) // 5_000].append(event.wal.fsync.ms)
        p99_ms = {key: quantiles(durations, n=100)[98] for key, durations in fsyncs_ms.items()}
        (slow,) = {node for (node, _), ms in p99_ms.items() if ms > 100}
        course = [p99_ms[slow, turn] for turn in range(12)]
        self.assertLess(course[0], 25)
        self.assertTrue(250 < max(course) < 1_000)
        self.assertEqual(course[:4], sorted(course[:4]))
        self.assertEqual([ms > 200 for ms in course[3:6]], [True] * 3)
        self.assertLess(max(course[9:]), 40)


class TornMoveTests(TestCase):
    def test_every_minute_a_shard_is_cut_over_without_a_snapshot_and_moves_again_whole(self) -> None:
        steps: dict[int, list[Entry]] = defaultdict(list)
        for entry in chronicle_of("torn-move").of("Shard"):
            steps[entry.event.shard.shard].append(entry)
        torn = []
        for entries in steps.values():
            for at, entry in enumerate(entries):
                if entry.kind == "Shard.Cutover" and entries[at - 1].kind != "Shard.SnapshotDone":
                    torn.append(entries[at - 2].at_s)
                    again = [each.kind.removeprefix("Shard.") for each in entries[at + 1 : at + 5]]
                    whole = ["Plan", "SnapshotStart", "SnapshotDone", "Cutover"]
                    self.assertEqual(again, whole[: len(again)])
                    self.assertTrue(again or entry.at_s > SECONDS - 25)
        self.assertEqual(sorted(map(round, torn)), [3, 63, 123])


class ClockSkewTests(TestCase):
    def test_what_one_node_says_carries_a_time_three_seconds_off_for_twenty_seconds(self) -> None:
        cluster = SimulatedCluster(5, 24, RATE, 7, START_MS, "clock-skew")
        wrong: dict[int, list[int]] = defaultdict(list)
        for end_ms in range(START_MS, START_MS + 60_000, 20):
            for node, event in cluster.advance(end_ms):
                off_ms = event.ts_ms - end_ms
                if not -20 <= off_ms <= 0:
                    self.assertApproximates(abs(off_ms), 3_000, 20)
                    wrong[node].append(end_ms - START_MS)
        (times_ms,) = wrong.values()
        self.assertTrue(5_000 <= times_ms[0] < 6_000 and 24_000 < times_ms[-1] <= 25_020)


class UplinkTests(TestCase):
    def seen(self, scenario: str, name: str) -> list[tuple[int, int, int]]:
        """When an uplink of a node was not as usual: node, from, until, in whole seconds."""
        cluster = SimulatedCluster(5, 24, RATE, 7, START_MS, scenario)
        since: dict[int, int] = {}
        seen = []
        for second in range(130):
            cluster.advance(START_MS + 1_000 * second + 500)
            for node, uplink in cluster.uplinks.items():
                if getattr(uplink, name):
                    since.setdefault(node, second)
                elif node in since:
                    seen.append((node, since.pop(node), second))
        return seen

    def test_a_silent_node_stands_still_for_twenty_seconds_every_minute(self) -> None:
        self.assertEqual([each[1:] for each in self.seen("silent-node", "stands_still")], [(5, 25), (65, 85)])

    def test_a_lossy_node_stands_still_for_four_seconds_and_keeps_less(self) -> None:
        self.assertEqual([each[1:] for each in self.seen("lossy-node", "stands_still")], [(5, 9), (125, 129)])
        cluster = SimulatedCluster(5, 24, 1_000, 7, START_MS, "lossy-node")
        self.assertEqual({uplink.max_buffered_events for uplink in cluster.uplinks.values()}, {300})

    def test_a_twin_is_there_for_twenty_seconds(self) -> None:
        self.assertEqual([each[1:] for each in self.seen("twin", "is_doubled")], [(5, 25)])


class ShardMoveTests(TestCase):
    def test_three_shards_move_each_half_minute_and_the_new_replica_takes_the_lead(self) -> None:
        chronicle = chronicle_of("shard-move")
        led_by_mover = 0
        plans = [entry for entry in chronicle.of("Shard.Plan") if entry.at_s in (3, 5, 7, 33, 35, 37, 63, 65, 67)]
        self.assertEqual(len(plans), 9)
        for plan in plans:
            shard = plan.event.shard.shard
            cut_overs = chronicle.of("Shard.Cutover", from_s=plan.at_s)
            cut_over = next(entry for entry in cut_overs if entry.event.shard.shard == shard)
            self.assertLess(cut_over.at_s - plan.at_s, 10)
            following = [entry for entry in chronicle.of_shard(shard) if cut_over.at_s <= entry.at_s]
            kinds = [entry.kind for entry in following[:6]]
            self.assertEqual(kinds, ["Raft.StepDown", "Raft.VoteReq", *["Raft.VoteGranted"] * 3, "Raft.LeaderElected"])
            self.assertLess(following[5].at_s - cut_over.at_s, 0.1)
            voters = {entry.event.raft.vote_granted.from_node for entry in following[2:5]}
            led_by_mover += following[5].node in voters and following[0].node not in voters
        self.assertEqual(led_by_mover, 9)
