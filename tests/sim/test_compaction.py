from twisted.trial.unittest import TestCase

from tests.sim.watched import WatchedStage
from vizd.sim.compaction import Compactor
from vizd.sim.heat import Heat
from vizd.sim.replica import Replica


class CompactorTests(TestCase):
    def setUp(self) -> None:
        self.stage = WatchedStage()
        self.replica = Replica(self.stage, node=3, shard=7)
        self.compactor = Compactor(self.replica, Heat(self.stage.rng))
        self.finished = 0

    def compact(self, level: int = 2, quarter_ms: float = 100) -> None:
        def finish() -> None:
            self.finished += 1

        self.compactor.compact(level, quarter_ms, then=finish)
        self.stage.run_for(60_000)

    def test_it_runs_through_its_phases_and_says_when_it_has_finished(self) -> None:
        self.compact()
        phases = [kind.removeprefix("Compaction.") for kind in self.stage.kinds[:8]]
        steps = ["BanditSelection", "Scheduled", "Start", "Progress", "Progress", "Progress", "Finish", "BanditReward"]
        self.assertEqual((phases, self.finished), (steps, 1))
        node, event = self.stage.reported[0]
        self.assertEqual((node, event.owner_shard, event.compaction.level), (3, 7, 2))

    def test_after_each_quarter_it_says_how_far_it_is(self) -> None:
        self.compact(quarter_ms=20_000)
        self.assertNotIn("Compaction.Finish", self.stage.kinds)
        self.stage.run_for(60_000)
        pcts = [event.compaction.progress.pct for _, event in self.stage.reported]
        self.assertEqual([pct for pct in pcts if pct], [25, 50, 75])

    def test_one_that_hangs_says_nothing_between_its_start_and_its_first_quarter(self) -> None:
        self.compactor.compact(2, 100, then=lambda: None, hangs_ms=300_000)
        self.stage.run_for(299_000)
        self.assertEqual(self.stage.kinds[-1], "Compaction.Start")
        self.stage.run_for(2_000)
        self.assertIn("Compaction.Finish", self.stage.kinds)

    def test_what_is_compacted_gets_smaller(self) -> None:
        self.compact()
        (finish,) = (event.compaction.finish for _, event in self.stage.reported if event.compaction.HasField("finish"))
        self.assertLess(finish.out_bytes, finish.in_bytes)

    def test_selections_are_counted_and_rewards_are_learnt(self) -> None:
        for _ in range(40):
            self.compact()
        chosen = [event.compaction.bandit_selection for _, event in self.stage.reported]
        counts = [each.selection_count for each in chosen if each.selection_count]
        self.assertEqual(len(counts), 40)
        self.assertGreater(max(counts), 5)
        self.assertGreater(len({each.avg_reward for each in chosen}), 10)

    def test_one_whose_process_dies_is_not_heard_of_again(self) -> None:
        self.compactor.compact(2, 100, then=self.fail)
        self.stage.run_for(200)
        self.replica.die()
        said = len(self.stage.reported)
        self.stage.run_for(60_000)
        self.assertEqual(len(self.stage.reported), said)
