"""Tests of ``vizd.insight.thresholds``."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.insight.watched import RuleTests, Watched
from vizd.insight.rules import RULES
from vizd.insight.thresholds import Thresholds, thresholds_from_text

NAMES = st.sampled_from(["node-silent", "after_s", "enabled", "swim-flapping", "times", "x\n"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
)


class ThresholdsTests(SynchronousTestCase):
    """Numbers of the rules that can be set."""

    def refusal(self, text: str) -> str:
        with self.assertRaises(ValueError) as raised:
            thresholds_from_text(text)
        said = str(raised.exception)
        self.assertNotIn("\n", said)
        return said

    def test_what_is_not_named_keeps_its_default(self) -> None:
        thresholds = thresholds_from_text('{"swim-flapping": {"times": 7}, "node-silent": {}}')
        for rule in RULES:
            defaults = {each.name: each.default for each in rule.thresholds}
            expected = defaults | ({"times": 7} if rule.name == "swim-flapping" else {})
            self.assertEqual(thresholds.limits(rule), expected)
            self.assertTrue(thresholds.is_enabled(rule))
        self.assertEqual(thresholds_from_text("{}"), Thresholds())

    def test_every_threshold_takes_its_bounds_and_nothing_beyond_them(self) -> None:
        for rule in RULES:
            for each in rule.thresholds:
                self.assertTrue(each.least <= each.default <= each.most)
                for value in (each.least, each.most):
                    thresholds = thresholds_from_text(json.dumps({rule.name: {each.name: value}}))
                    self.assertEqual(thresholds.limits(rule)[each.name], value)
                for wrong in (each.least - 1, each.most + 1, 1.5, "5", None, True, [5]):
                    said = self.refusal(json.dumps({rule.name: {each.name: wrong}}))
                    self.assertEqual(
                        said,
                        f"{rule.name}: {each.name} is {json.dumps(wrong)};"
                        f" use a whole number from {each.least} to {each.most}",
                    )

    def test_what_is_wrong_is_named_with_what_would_be_right(self) -> None:
        for text, said in (
            ("", "it is no JSON: Expecting value in line 1, column 1; use an object by rule"),
            ('{"a"\n:}', "it is no JSON: Expecting value in line 2, column 2; use an object by rule"),
            ("[1]", "it holds [1]; use an object by rule"),
            ('{"node-silent": 5}', "node-silent is 5; use an object of thresholds"),
            ('{"node-silent": {"after": 5}}', 'node-silent has no "after"; use after_s, enabled'),
            ('{"node-silent": {"enabled": 0}}', "node-silent: enabled is 0; use true or false"),
            ('{"node-silent": {}, "node-silent": {}}', '"node-silent" stands there twice; use it once'),
            ("[" * 100_000, "it is nested too deeply; use an object by rule"),
        ):
            self.assertEqual(self.refusal(text), said)
        said = self.refusal('{"silent-node": {}}')
        self.assertTrue(said.startswith('"silent-node" is no rule; use two-leaders, '), said)

    @settings(deadline=None, max_examples=300)
    @given(JSON)
    def test_any_json_is_thresholds_or_one_line(self, said: object) -> None:
        try:
            thresholds_from_text(json.dumps(said))
        except ValueError as why:
            self.assertEqual(len(str(why).splitlines()), 1)


class InForce(RuleTests):
    """A rule goes by its thresholds."""

    rule = "node-silent"

    def watch(self, text: str) -> None:
        self.watched = Watched(thresholds_from_text(text))
        self.watched.connect(1)
        self.watched.disconnect(1)

    def test_a_rule_waits_for_as_long_as_it_was_told(self) -> None:
        self.watch('{"node-silent": {"after_s": 60}}')
        self.watched.wait(59_000)
        self.assertNothing()
        self.watched.wait(2_000)
        self.one()

    def test_one_that_is_switched_off_finds_nothing_and_misses_no_data(self) -> None:
        self.watch('{"node-silent": {"enabled": false}}')
        self.watched.wait(60_000)
        self.assertNothing()
        self.assertNotIn(self.rule, self.watched.insight.no_data)
