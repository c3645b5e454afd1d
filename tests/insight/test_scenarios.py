"""Every rule against a simulated cluster that goes wrong in its way, and against two in which nothing does."""

from collections.abc import Callable
from functools import cache

from twisted.trial.unittest import TestCase

from tests.insight.simulated import Simulation
from tests.insight.stories import ALSO, STORIES, Evidence, Story
from vizd.insight.finding import Finding
from vizd.insight.rules import RULES

HOUR_S = 3_600
UNSAID_TODAY = {"node-dead", "node-suspected", "swim-flapping", "cutover-without-snapshot"}
"""Rules about what real nodes do not report yet."""


@cache
def _simulated(story: Story, as_of_today: bool = False) -> Simulation:
    return (
        Simulation(story.scenario, story.rate, tick_ms=story.tick_ms, as_of_today=as_of_today).run(story.seconds).end()
    )


class RuleTests(TestCase):
    """One for each rule: its story opens a finding with the right subject and evidence, and closes it."""

    def test_every_rule_has_a_story(self) -> None:
        self.assertEqual({rule.name for rule in RULES}, set(STORIES))

    def check(self, rule: str) -> None:
        story = STORIES[rule]
        simulation = _simulated(story)
        self.assertEqual({finding.rule for finding, _ in simulation.told}, {rule} | ALSO.get(story.scenario, set()))
        opened = self.check_first(rule, simulation)
        expected = story.subject(story)
        if "node" in expected:
            expected["name"] = simulation.cluster.names[expected["node"]]
        self.assertEqual(opened.subject, expected)

    def check_first(self, rule: str, simulation: Simulation) -> Finding:
        """The first finding of a rule opens, closes, and has its evidence; it, as it opened."""
        told = [each for each in simulation.told if each[0].rule == rule]
        opened, word = told[0]
        self.assertEqual((word, opened.open, opened.conclusive), ("opened", True, True))
        closed, word = [each for each in told if each[0].id == opened.id][-1]
        self.assertEqual((word, closed.open), ("closed", False), closed)
        self.assertIn(closed, simulation.insight.findings())
        for finding in (opened, closed):
            evidence = Evidence(map(simulation.window, finding.positions))
            self.assertTrue(STORIES[rule].is_shown(evidence, finding.subject), (finding, evidence))
        return opened

    def test_under_the_numbers_that_real_nodes_give_as_of_today_the_same_is_found(self) -> None:
        for rule in ("two-leaders", "term-back", "node-silent", "stall-without-compaction"):
            simulation = _simulated(STORIES[rule], as_of_today=True)
            found = {finding.rule for finding, _ in simulation.told}
            self.assertEqual(found - ALSO.get(STORIES[rule].scenario, set()), {rule})
            opened = self.check_first(rule, simulation)
            if "node" in opened.subject:
                self.assertEqual(opened.subject["name"], simulation.cluster.names[opened.subject["node"]])


def _test_of(rule: str) -> Callable[[RuleTests], None]:
    return lambda self: self.check(rule)


for _rule in (rule.name for rule in RULES):
    setattr(RuleTests, f"test_{_rule.replace('-', '_')}", _test_of(_rule))


class HealthyTests(TestCase):
    def healthy(self, seconds: int, as_of_today: bool) -> Simulation:
        return Simulation("healthy", rate=50, tick_ms=500, as_of_today=as_of_today).run(seconds).end()

    def test_in_a_healthy_hour_nothing_is_found_and_nothing_was_out_of_sight(self) -> None:
        simulation = self.healthy(HOUR_S, as_of_today=False)
        self.assertGreater(simulation.log.head.total_events, 49 * HOUR_S)
        self.assertEqual(simulation.told, [])
        self.assertEqual(simulation.insight.findings(), [])
        self.assertEqual(set(simulation.insight.no_data), set())

    def test_of_what_real_nodes_do_not_say_as_of_today_there_is_no_data_and_nothing_is_found(self) -> None:
        simulation = self.healthy(HOUR_S // 4, as_of_today=True)
        self.assertEqual(simulation.told, [])
        self.assertEqual(set(simulation.insight.no_data), UNSAID_TODAY)
