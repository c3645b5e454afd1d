"""Tests of ``vizd.insight.insight``, of ``cases`` and of ``ledger``: what holds of all rules together."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.insight.test_leaderless import elected, stepped_down
from tests.insight.watched import START_MS, Watched
from tests.state.streams import Chronicle, Step, steps
from tests.state.windows import mark
from tests.stream.made import fsyncs, made
from vizd.events.catalogue import KINDS
from vizd.insight.cases import Cases
from vizd.insight.cluster import Cluster
from vizd.insight.finding import SEVERITIES, Finding
from vizd.insight.insight import Insight
from vizd.insight.ledger import Ledger
from vizd.insight.rules import RULES
from vizd.insight.subjects import Subjects
from vizd.insight.thresholds import thresholds_from_text
from vizd.log.window import Draft, Mark, Window

HASTY = thresholds_from_text(
    '{"shard-without-leader": {"after_s": 0}, "election-storm": {"terms": 1}, "swim-flapping": {"times": 2},'
    ' "node-silent": {"after_s": 0}, "node-lossy": {"quiet_s": 1}, "clock-skew": {"after_s": 0, "limit_ms": 10},'
    ' "stall-without-compaction": {"after_s": 0}, "write-pressure": {"after_s": 0},'
    ' "fsync-slow": {"after_s": 0, "objective_ms": 1}, "compaction-unfinished": {"after_s": 1},'
    ' "cutover-without-snapshot": {"after_s": 0}, "term-back": {"late_s": 1}}'
)
LOUD = [each for each in KINDS if each.type.name in ("Compaction", "Lsm", "Raft", "Swim", "Shard")]
SPICES = st.sampled_from([{}, {}, {"lost": 3}, {"skew_ms": 50}, {"skew_ms": 0}, {"restated": True}, {"refused": True}])


def spiced(windows: Iterable[Window], spices: Sequence[dict[str, Any]]) -> list[Window]:
    """The same with more in their marks; what is refused publishes nothing."""
    made_of: list[Window] = []
    for number, window in enumerate(windows):
        spice = spices[number % len(spices)]
        marks: list[Mark] = [
            each if "refused" in spice and (each.events or each.connected is not None) else replace(each, **spice)
            for each in window.marks
        ]
        events = window.position.total_events - len(window.fragments)
        length_ms = window.end_ms - window.start_ms
        draft = Draft(window.start_ms, length_ms, window.facets, window.fragments, marks)
        made_of.append(Window(window.seq, window.start_ms, "test", draft, events))
    return made_of


class AnyStream(SynchronousTestCase):
    """Whatever happens."""

    def setUp(self) -> None:
        self.patch(Cases, "MAX_OPEN", 2)
        self.patch(Cases, "MAX_SUBJECTS", 3)
        self.patch(Ledger, "MAX_CLOSED", 4)
        self.patch(Subjects, "MAX", 3)
        self.patch(Cluster, "MAX_MENTIONED", 2)
        self.patch(Cluster, "MAX_MEMBERS", 2)

    @settings(deadline=None, max_examples=150)
    @given(steps(LOUD, max_size=30), st.lists(SPICES, min_size=1, max_size=5), st.integers(0, 20_000))
    def test_findings_open_once_close_once_and_are_few(
        self, log: list[Step], spices: list[dict[str, Any]], kept_ms: int
    ) -> None:
        watched = Watched(HASTY)
        newest: dict[str, Finding] = {}
        for window in spiced(Chronicle().windows(log), spices):
            watched.fold(window)
            watched.insight.trim(window.end_ms - kept_ms)
            self.check(watched.insight, window)
        for number, (word, finding) in enumerate(watched.heard, 1):
            before = newest.get(finding.id)
            self.assertEqual((finding.change, finding.open), (number, word != "closed"))
            self.assertEqual(word == "opened", before is None, "an id is of one finding")
            if before is not None:
                self.assertTrue(before.open, "what has closed stays closed")
                self.assertEqual(
                    (finding.rule, finding.severity, finding.subject, finding.first_ms),
                    (before.rule, before.severity, before.subject | finding.subject, before.first_ms),
                )
                self.assertLessEqual(finding.conclusive, before.conclusive)
            newest[finding.id] = finding
        kept = {each.id: each for each in watched.insight.findings()}
        self.assertEqual(kept, {name: newest[name] for name in kept})
        self.assertLessEqual({each.id for each in newest.values() if each.open}, set(kept))
        for change in range(watched.insight.changes + 1):
            changed = list(watched.insight.changed_since(change))
            self.assertEqual([each.change for each in changed], sorted(each.change for each in changed))
            self.assertEqual(
                {each.id: each for each in changed},
                {name: each for name, each in kept.items() if each.change > change},
            )

    def check(self, insight: Insight, window: Window) -> None:
        findings = insight.findings()
        by_rule = [each.rule for each in findings if each.open]
        self.assertTrue(all(by_rule.count(rule) <= Cases.MAX_OPEN for rule in by_rule))
        self.assertLessEqual(len(findings) - len(by_rule), Ledger.MAX_CLOSED)
        self.assertEqual(insight.open_findings(), [each for each in findings if each.open])
        ranks = [(not each.open, SEVERITIES.index(each.severity), -each.change) for each in findings]
        self.assertEqual(ranks, sorted(ranks))
        for each in findings:
            self.assertRegex(each.id, rf"\A{each.rule}/[a-z0-9/-]{{1,100}}\Z")
            self.assertLessEqual(len(each.id), 128)
            self.assertTrue(1 <= len(each.positions) <= 8)
            self.assertEqual(list(each.positions), sorted(set(each.positions), key=lambda at: at.seq))
            self.assertLessEqual(each.positions[-1].seq, window.seq)
            self.assertLessEqual(each.first_ms, each.last_ms)

    @settings(deadline=None, max_examples=50)
    @given(steps(LOUD, max_size=20), st.lists(SPICES, min_size=1, max_size=5))
    def test_the_same_log_has_the_same_findings(self, log: list[Step], spices: list[dict[str, Any]]) -> None:
        both = []
        for _ in range(2):
            watched = Watched(HASTY)
            for window in spiced(Chronicle().windows(log), spices):
                watched.fold(window)
            both.append(watched.heard)
        self.assertEqual(*both)


class InsightTests(SynchronousTestCase):
    """What is common to all rules."""

    def test_ordinary_life_is_no_finding_and_leaves_no_rule_without_data(self) -> None:
        watched = Watched()
        watched.connect(1, 2)
        life = [
            elected(1), made("Swim.Alive", node=1), *fsyncs(20), made("Compaction.Start", owner=7, node=1),
            made("Compaction.Finish", owner=7, node=1), made("Lsm.WritePressureUpdate", owner=7, node=1, ratio=0.3),
            made("Shard.Plan", shard=7), made("Shard.SnapshotStart", shard=7), made("Shard.SnapshotDone", shard=7),
            made("Shard.Cutover", shard=7),
        ]  # fmt: skip
        for _ in range(100):
            watched.happen(life, mark(1, events=len(life), skew_ms=20), after_ms=500)
        self.assertEqual((watched.heard, watched.insight.no_data), ([], []))

    def test_a_silent_log_has_no_data_for_any_rule_in_their_order(self) -> None:
        watched = Watched()
        watched.wait(10_000)
        self.assertEqual(watched.insight.no_data, [rule.name for rule in RULES])

    def test_rules_have_names_and_sentences_of_their_own(self) -> None:
        self.assertEqual(len({rule.name for rule in RULES}), len(RULES))
        known = {str(kind) for kind in KINDS} | {kind.type.name for kind in KINDS} | {"Hello", "sent_ms"}
        for rule in RULES:
            self.assertRegex(rule.name, r"\A[a-z0-9]+(-[a-z0-9]+)*\Z")
            self.assertIn(rule.severity, SEVERITIES)
            self.assertLessEqual({*rule.kinds, *rule.inputs}, known)
            for sentence in (rule.sentence, rule.closes, rule.unknowable):
                self.assertTrue(sentence[0].isupper() and sentence.endswith("."), sentence)

    def test_no_more_than_a_hundred_of_a_rule_are_open_and_the_others_follow(self) -> None:
        watched = Watched()
        watched.connect(1)
        for word in ("Suspect", "Alive"):
            watched.happen([made(f"Swim.{word}", node=node) for node in range(100, 220)])
            if word == "Suspect":
                self.assertEqual((len(watched.insight.open_findings()), watched.insight.truncated), (100, True))
                watched.happen([made("Swim.Alive", node=node) for node in range(100, 110)])
                self.assertEqual((len(watched.insight.open_findings()), watched.insight.truncated), (100, True))
        self.assertEqual((watched.insight.open_findings(), watched.insight.truncated), ([], False))
        self.assertEqual(len({finding.id for _, finding in watched.heard}), 110)

    def test_what_closed_first_is_forgotten_first_and_what_the_log_no_longer_reaches(self) -> None:
        self.patch(Ledger, "MAX_CLOSED", 3)
        watched = Watched()
        watched.connect(1)
        for node in range(10, 15):
            watched.happen([made("Swim.Suspect", node=node)])
            watched.happen([made("Swim.Alive", node=node)])
        self.assertEqual([each.subject["node"] for each in watched.insight.findings()], [14, 13, 12])
        watched.insight.trim(START_MS + 450)
        self.assertEqual([each.subject["node"] for each in watched.insight.findings()], [14, 13])

    def test_nothing_has_changed_after_the_last_change(self) -> None:
        watched = Watched()
        watched.connect(1)
        watched.happen([elected(), stepped_down()])
        self.assertEqual((watched.insight.changes, list(watched.insight.changed_since(0))), (0, []))
        watched.wait(5_000)
        changes = watched.insight.changes
        self.assertEqual([each.change for each in watched.insight.changed_since(0)], [changes])
        self.assertEqual(list(watched.insight.changed_since(changes)), [])

    def test_a_clock_that_is_set_back_ends_nothing_and_one_that_is_set_forward_ages_what_is_pending(self) -> None:
        watched = Watched()
        watched.connect(1)
        watched.happen([elected(), stepped_down()])
        watched.wait(4_000)
        [before] = watched.insight.open_findings()
        watched.now_ms -= 3_600_000
        watched.wait(10_000)
        self.assertEqual(watched.insight.open_findings(), [before])
        watched.now_ms += 7_200_000
        watched.wait(1_000)
        self.assertEqual(watched.insight.open_findings(), [before])
