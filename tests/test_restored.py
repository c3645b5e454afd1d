"""Whoever takes up from a keyframe answers as if there had been no end."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.insight.test_insight import HASTY, LOUD, SPICES, spiced
from tests.restored import Keyframes, answers, fold
from tests.state.streams import Chronicle, Step, steps
from vizd.events.catalogue import KINDS
from vizd.folds import Folds
from vizd.insight import keyframe as insight_keyframe
from vizd.insight.cases import Cases
from vizd.insight.cluster import Cluster
from vizd.insight.ledger import Ledger
from vizd.insight.subjects import Subjects
from vizd.log.window import Window
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
