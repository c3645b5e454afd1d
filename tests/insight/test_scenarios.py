"""Every rule against a simulated cluster that goes wrong in its way, and against two in which nothing does."""

from collections.abc import Callable
from functools import cache

from twisted.trial.unittest import TestCase

from tests.insight.simulated import Simulation
from tests.insight.stories import ALSO, STORIES, Evidence
from vizd.insight.rules import RULES

HOUR_S = 3_600
UNSAID_TODAY = {"node-dead", "node-suspected", "swim-flapping", "cutover-without-snapshot"}
"""Rules about what real nodes do not report yet."""


@cache
def _simulated(scenario: str, rate: int, tick_ms: int, seconds: int) -> Simulation:
    return Simulation(scenario, rate, tick_ms=tick_ms).run(seconds).end()


class RuleTests(TestCase):
    """One for each rule: its story opens a finding with the right subject and evidence, and closes it."""

    def test_every_rule_has_a_story(self) -> None:
        self.assertEqual({rule.name for rule in RULES}, set(STORIES))

    def check(self, rule: str) -> None:
        story = STORIES[rule]
        simulation = _simulated(story.scenario, story.rate, story.tick_ms, story.seconds)
        self.assertEqual({finding.rule for finding, _ in simulation.told}, {rule} | ALSO.get(story.scenario, set()))
        told = [each for each in simulation.told if each[0].rule == rule]
        opened, word = told[0]
        self.assertEqual((word, opened.open), ("opened", True))
        expected = story.subject(story)
        if "node" in expected:
            expected["name"] = simulation.cluster.names[expected["node"]]
        self.assertEqual(opened.subject, expected)
        closed, word = [each for each in told if each[0].id == opened.id][-1]
        self.assertEqual((word, closed.open), ("closed", False), closed)
        for finding in (opened, closed):
            evidence = Evidence(map(simulation.window, finding.positions))
            self.assertTrue(story.is_shown(evidence, finding.subject), (finding, evidence))


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
