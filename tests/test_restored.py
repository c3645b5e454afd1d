"""Whoever takes up from a keyframe answers as if there had been no end."""

import json
import random
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.insight.test_insight import HASTY, LOUD, SPICES, spiced
from tests.insight.test_leaderless import elected, stepped_down
from tests.restored import MAX_AGE_MS, Keyframes, answers, fold
from tests.state.streams import Chronicle, Step, steps
from tests.state.windows import Windows, mark
from tests.stream.made import Made, fsyncs, made
from vizd.events.catalogue import KINDS
from vizd.folds import OF_USE_MS, Folds
from vizd.insight import keyframe as insight_keyframe
from vizd.insight.cases import Cases
from vizd.insight.cluster import Cluster
from vizd.insight.ledger import Ledger
from vizd.insight.subjects import Subjects
from vizd.insight.thresholds import thresholds_from_text
from vizd.log.window import Mark, Window
from vizd.state import copied, timeline_keyframe
from vizd.state.positions import Positions


class Law(SynchronousTestCase):
    """All windows folded = a keyframe of some of them, and the others folded."""

    def setUp(self) -> None:
        for module, name in (
            (copied, "_ROWS"), (insight_keyframe, "_ROWS"), (timeline_keyframe, "_SERIES"),
            (timeline_keyframe, "_SUBJECTS"),
        ):  # fmt: skip
            self.patch(module, name, 1)

    def check(self, windows: list[Window], kept_ms: int, seed: int, *, is_slow: bool = False) -> None:
        """Keyframes are made at any place, and at any place all begins anew.

        :param is_slow: they are made while windows come.
        """
        chance = random.Random(seed)
        original, keyframes = Folds(3_000, HASTY), Keyframes()
        restored = Folds(3_000, HASTY)
        for number, window in enumerate(windows):
            fold(original, window, kept_ms)
            fold(restored, window, kept_ms)
            self.assertEqual(answers(restored), answers(original))
            keyframes.make(chance.choice((0, 1, 3, 10, 30, 1_000)))
            if not chance.randrange(3):
                keyframes.draw(window.position, restored)
                if not is_slow:
                    keyframes.make_all()
            if not chance.randrange(4):
                keyframes.all = [each for each in keyframes.all if each.is_whole]
                restored, position = keyframes.restored(HASTY)
                for behind in windows[position.seq : number + 1]:
                    fold(restored, behind, kept_ms)
                self.assertEqual(answers(restored), answers(original))

    @settings(deadline=None, max_examples=100)
    @given(steps(KINDS, max_size=15), st.lists(SPICES, min_size=1, max_size=5), st.integers())
    def test_of_any_log_while_it_goes_on(self, log: list[Step], spices: list[dict[str, Any]], seed: int) -> None:
        self.check(spiced(Chronicle().windows(log), spices), 600_000, seed, is_slow=True)

    @settings(deadline=None, max_examples=100)
    @given(steps(LOUD, max_size=20), st.lists(SPICES, min_size=1, max_size=5), st.integers())
    def test_of_findings_while_it_goes_on(self, log: list[Step], spices: list[dict[str, Any]], seed: int) -> None:
        self.check(spiced(Chronicle().windows(log), spices), 600_000, seed, is_slow=True)

    @settings(deadline=None, max_examples=60)
    @given(steps(KINDS, max_size=15), st.lists(SPICES, min_size=1, max_size=5), st.integers(0, 20_000), st.integers())
    def test_of_any_log(self, log: list[Step], spices: list[dict[str, Any]], kept_ms: int, seed: int) -> None:
        self.check(spiced(Chronicle().windows(log), spices), kept_ms, seed)

    @settings(deadline=None, max_examples=100)
    @given(steps(LOUD, max_size=20), st.lists(SPICES, min_size=1, max_size=5), st.integers(0, 60_000), st.integers())
    def test_of_findings(self, log: list[Step], spices: list[dict[str, Any]], kept_ms: int, seed: int) -> None:
        self.check(spiced(Chronicle().windows(log), spices), kept_ms, seed)

    @settings(deadline=None, max_examples=60)
    @given(steps(LOUD, max_size=20), st.lists(SPICES, min_size=1, max_size=5), st.integers(0, 20_000), st.integers())
    def test_under_bounds(self, log: list[Step], spices: list[dict[str, Any]], kept_ms: int, seed: int) -> None:
        for owner, name, bound in (
            (Cases, "MAX_OPEN", 2), (Cases, "MAX_SUBJECTS", 3), (Ledger, "MAX_CLOSED", 4), (Subjects, "MAX", 3),
            (Cluster, "MAX_MENTIONED", 2), (Cluster, "MAX_MEMBERS", 2), (Positions, "MAX_KNOWN", 3),
        ):  # fmt: skip
            self.patch(owner, name, bound)
        self.check(spiced(Chronicle().windows(log), spices), kept_ms, seed)

    @settings(deadline=None, max_examples=30)
    @given(steps(KINDS, max_size=30), st.sampled_from((20, 100)), st.integers(0, 4_000_000), st.integers())
    def test_of_hours(self, log: list[Step], slower: int, kept_ms: int, seed: int) -> None:
        log = [(moved_ms * slower, length_ms, happenings) for moved_ms, length_ms, happenings in log]
        self.check(list(Chronicle().windows(log)), kept_ms, seed)


class Parts(SynchronousTestCase):
    """A keyframe, some of which may be unreadable or out of place."""

    def setUp(self) -> None:
        self.folds, self.keyframes, self.windows = Folds(MAX_AGE_MS, HASTY), Keyframes(), Windows()
        life = [elected(), made("Swim.Suspect", node=2), made("Wal.Fsync", node=1, ms=50), *fsyncs(20)]
        for second in range(30, 40):
            marks = [mark(1, events=len(life), connected=True), mark(2, lost=1, connected=second % 2 == 0)]
            fold(self.folds, self.windows.make(1_000 * second, [*life, stepped_down()], marks), 600_000)
            self.keyframes.draw(self.folds.projection.position, self.folds)
            self.keyframes.make_all()
        self.before = answers(self.folds)
        self.behind = self.windows.make(41_000, fsyncs(1), [mark(1, events=1)])
        self.logged: list[str] = []
        globalLogPublisher.addObserver(cast(ILogObserver, self.hear))
        self.addCleanup(globalLogPublisher.removeObserver, cast(ILogObserver, self.hear))

    def hear(self, event: LogEvent) -> None:
        self.logged.append(formatEvent(event))

    def asked(self, thresholds: Any = HASTY) -> dict[str, Any]:
        folds, _ = self.keyframes.restored(thresholds)
        fold(folds, self.behind, 600_000)
        return answers(folds)

    def test_there_are_no_others_than_those_of_which_the_use_is_known(self) -> None:
        self.assertEqual(set(self.keyframes.all[-1].parts), set(OF_USE_MS))
        self.assertGreater(len(self.before["findings"]), 3)

    def test_nothing_of_one_that_is_damaged_is_told_and_all_of_the_others(self) -> None:
        whole = self.asked()
        told_by = {
            "state": {"state"}, "coverage": {"nodes", "covered", "charts", "truncated"}, "timeline": {"charts"},
            "insight": {"findings", "changed", "insight"}, "positions": {"positions"},
        }  # fmt: skip
        for part, asked in told_by.items():
            pieces = self.keyframes.all[-1].parts[part]
            for index, damaged in ((0, b"\xff" + pieces[0][1:]), (-1, pieces[-1][:-1])):
                self.keyframes.all[-1].parts[part] = [*pieces]
                self.keyframes.all[-1].parts[part][index] = damaged
                found = self.asked()
                [said] = self.flushWarned(part)
                self.assertIn("keyframe, piece", said)
                changed = {name for name in found if found[name] != whole[name]}
                self.assertTrue(changed <= asked, (part, changed))
                self.assertTrue(changed, part)
            self.keyframes.all[-1].parts[part] = pieces

    def flushWarned(self, part: str) -> list[str]:
        """What the daemon's log says of a part since the last time."""
        said = [each for each in self.logged if f"what was known as {part} in front of window" in each]
        self.logged.clear()
        return said

    def test_of_a_damaged_history_a_part_is_missing_and_nothing_is_wrong(self) -> None:
        charts = [json.loads(each)["counts"]["wal"] for each in self.before["charts"]]
        for number in (4, 5):  # The newest second of each is told by the next one once more.
            del self.keyframes.all[number].parts["timeline/1"][-1]
        folds, _ = self.keyframes.restored(HASTY)
        for said in self.flushWarned("timeline/1"):
            self.assertIn("its end is missing", said)
        found = [json.loads(each)["counts"]["wal"] for each in answers(folds)["charts"]]
        for right, told in zip(charts, found, strict=True):
            self.assertTrue(all(value is None or value <= sure for value, sure in zip(told, right, strict=True)))
        self.assertEqual([number for number in range(10) if found[0][number] != charts[0][number]], [4])

    def test_a_state_that_begins_anew_says_that_something_is_missing(self) -> None:
        self.keyframes.all[-1].parts["state"] = []
        folds, position = self.keyframes.restored(HASTY)
        view = folds.projection.view()
        self.assertEqual((view.position, view.truncated, len(folds.projection)), (position, True, 0))
        self.logged.clear()

    def test_a_rule_that_is_not_followed_any_more_has_no_findings_left(self) -> None:
        followed = {each.rule for each in self.before["findings"]}
        self.assertIn("node-suspected", followed)
        folds, _ = self.keyframes.restored(thresholds_from_text('{"node-suspected": {"enabled": false}}'))
        self.assertEqual({each.rule for each in folds.insight.findings()}, followed - {"node-suspected"})

    def test_one_that_is_not_whole_is_not_taken(self) -> None:
        fold(self.folds, self.behind, 600_000)
        self.keyframes.draw(self.folds.projection.position, self.folds)
        self.keyframes.make(3)
        folds, _ = self.keyframes.restored(HASTY)
        self.assertEqual(answers(folds), self.before)


class Going(SynchronousTestCase):
    """What was about to happen happens when it would have."""

    def setUp(self) -> None:
        self.folds, self.keyframes, self.windows = Folds(MAX_AGE_MS), Keyframes(), Windows()

    def happen(self, at_ms: int, *events: Made, marks: tuple[Mark, ...] = ()) -> Window:
        window = self.windows.make(at_ms, events, marks or [mark(1, events=len(events))])
        fold(self.folds, window, 5_000)
        return window

    def draw(self) -> None:
        self.keyframes.draw(self.folds.projection.position, self.folds)

    def test_a_finding_opens_in_time_that_fell_due_while_the_keyframe_was_made(self) -> None:
        self.happen(10_000, elected(), stepped_down())
        self.draw()
        due = self.happen(13_500)
        [finding] = self.folds.insight.findings()
        self.keyframes.make_all()
        restored, _ = self.keyframes.restored()
        self.assertEqual(restored.insight.findings(), [])
        fold(restored, due, 5_000)
        self.assertEqual(restored.insight.findings(), [finding])

    def test_who_had_left_is_not_missed(self) -> None:
        self.happen(10_000, made("Swim.Leave", node=2), marks=(mark(1, events=1), mark(2, connected=True)))
        self.happen(10_100, made("Swim.Leave", node=2))
        self.draw()
        self.keyframes.make_all()
        restored, _ = self.keyframes.restored()
        gone = [self.happen(11_000, marks=(mark(2, connected=False),)), self.happen(20_000)]
        for window in gone:
            fold(restored, window, 60_000)
        self.assertEqual([each.rule for each in restored.insight.findings()], [])

    def test_what_is_looked_at_in_turns_keeps_its_turn(self) -> None:
        self.happen(10_000, *(event for node in range(1, 8) for event in fsyncs(1, node=node)))
        for second in range(11, 16):
            self.happen(1_000 * second)
        self.draw()
        self.keyframes.make_all()
        restored, _ = self.keyframes.restored()
        left = []
        for second in range(16, 40):
            fold(restored, self.happen(1_000 * second), 5_000)
            left.append(len(self.folds.timeline.subjects))
            self.assertEqual(len(restored.timeline.subjects), left[-1])
        self.assertEqual((left[0], left[-1]), (7, 0))
