"""Tests of ``vizd.folds``."""

from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from tests.log.test_memory import seal_early
from tests.state.test_keyframe import everything
from tests.state.windows import mark
from tests.stream.made import Made, fsyncs, made
from vizd.folds import Folds
from vizd.log.memory import MemoryLog
from vizd.log.segment import Segment
from vizd.log.window import Draft, Mark, Publisher, Window
from vizd.state.keyframe import restore
from vizd.state.timeline import Timeline


class Refusal(Exception):
    pass


class Broken:
    """A fold that fails at every window, having folded it."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole
        self.folded = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def fold(self, window: Window) -> None:
        self._whole.fold(window)
        self.folded += 1
        raise Refusal


class FoldsTests(SynchronousTestCase):
    """All that is known of the cluster goes on as the log does."""

    MAX_AGE_MS = 3_000

    def setUp(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 300)
        self.folds = Folds(self.MAX_AGE_MS)
        self.log = MemoryLog("test", self.MAX_AGE_MS, 1 << 30, keyframe=self.folds.keyframe)
        self.folds.follow(self.log)
        self.windows: list[Window] = []
        self.log.listen(self.windows.append)

    def add(self, events: list[Made] | None = None, *marks: Mark, length_ms: int = 50) -> None:
        events = events or []
        facets, fragments = [facet for facet, _ in events], [text for _, text in events]
        self.log.append(Draft(self.log.head.end_ms or 1_000, length_ms, facets, fragments, marks))

    def test_each_of_them_has_folded_a_window_when_the_next_listener_hears_of_it(self) -> None:
        def listener(window: Window) -> None:
            self.assertEqual(self.folds.projection.position, window.position)
            self.assertEqual((self.folds.coverage.newest_ms, 3 in self.folds.coverage), (window.end_ms, True))
            self.assertIn(7, self.folds.timeline.subjects)
            self.assertNotIn("node-silent", self.folds.insight.no_data)
            heard.append(window)

        heard: list[Window] = []
        self.log.listen(listener)
        for _ in range(3):
            self.add(fsyncs(1, node=7), mark(3, connected=True, events=1))
        self.assertEqual(len(heard), 3)

    def test_one_that_fails_stops_neither_the_others_nor_the_log_and_is_logged(self) -> None:
        folds = self.folds
        broken = [Broken(each) for each in (folds.projection, folds.coverage, folds.timeline, folds.insight)]
        folds.projection, folds.coverage, folds.timeline, folds.insight = cast(Any, broken)
        for count in range(1, 4):
            self.add(fsyncs(1), mark(1, connected=True, events=1))
            self.assertEqual(len(self.flushLoggedErrors(Refusal)), 4)
            self.assertEqual(([each.folded for each in broken], self.log.head.seq), ([count] * 4, count))
        self.assertEqual(len(self.windows), 3)

    def test_what_the_log_trims_is_trimmed_of_them(self) -> None:
        words: list[str] = []
        self.folds.insight.listen(lambda finding, word: words.append(word) if finding.rule == "node-silent" else None)
        self.add(fsyncs(1), mark(1, connected=True, lost=3))
        self.add([], mark(1, connected=False))
        for _ in range(100):
            self.add([], mark(2, connected=True))
        self.assertGreater(self.log.oldest.seq, 10)
        oldest_ms = self.log.oldest_start_ms
        steps = self.folds.timeline.steps()
        assert steps is not None and oldest_ms is not None
        self.assertEqual((self.folds.coverage.oldest_ms, steps.from_s), (oldest_ms, oldest_ms // 1_000))
        for _ in range(20):
            self.add(length_ms=1_000)
        self.assertNotIn(1, self.folds.coverage)
        self.assertIn(2, self.folds.coverage)
        self.assertEqual((words, self.folds.insight.findings()), (["opened", "closed"], []))

    def test_windows_that_can_not_be_read_are_missing_in_the_state_which_says_so_and_goes_on(self) -> None:
        self.add([made("Swim.Alive", node=1)])
        for _ in range(3):
            self.add(fsyncs(1))
        again = Folds(self.MAX_AGE_MS)
        for window in (self.windows[0], self.windows[3]):
            again.fold(window, self.log.oldest_start_ms)
        view = again.projection.view()
        self.assertEqual((view.position, view.truncated, len(again.projection)), (self.log.head, True, 2))
        self.assertFalse(self.folds.projection.view().truncated)

    def test_and_in_the_coverage_of_those_who_were_connected(self) -> None:
        one = Publisher(1, "one", 1)
        self.add([], Mark(one, 1, 0, connected=True), length_ms=1_000)
        for _ in range(2):
            self.add(fsyncs(1), length_ms=1_000)
        again = Folds(self.MAX_AGE_MS)
        for window in (self.windows[0], self.windows[2]):
            again.fold(window, self.log.oldest_start_ms)
        self.assertEqual([lost["events"] for node in again.coverage.nodes() for lost in node["lost"]], [None])
        self.assertEqual([node["lost"] for node in self.folds.coverage.nodes()], [[]])

    def test_gauges_expire_with_the_log(self) -> None:
        self.add([*fsyncs(1), made("Swim.Alive", node=1)])
        self.add(length_ms=self.MAX_AGE_MS)
        self.assertEqual(len(self.folds.projection), 2)
        self.add(length_ms=1)
        self.assertEqual(len(self.folds.projection), 1)

    def test_a_keyframe_is_the_state_at_the_head_when_it_was_asked_for(self) -> None:
        self.add([*fsyncs(1), made("Swim.Alive", node=1)], mark(1, connected=True, events=2))
        keyframe, before = self.folds.keyframe(), everything(self.folds.projection.view())
        self.add([*fsyncs(1, node=2), made("Swim.Leave", node=1)])
        restored = self.folds.empty_projection()
        for _ in restore(restored, keyframe):
            pass
        self.assertEqual(everything(restored.view()), before)
        for _ in range(2):
            self.add(length_ms=self.MAX_AGE_MS)
        for window in self.windows[1:]:
            restored.fold(window)
        self.assertEqual(everything(restored.view()), everything(self.folds.projection.view()))

    def test_the_timeline_knows_who_publishes_in_the_window_that_says_so(self) -> None:
        spoken_of = [made("Swim.Alive", node=node) for node in range(Timeline.MAX_NODES)]
        self.add(spoken_of, mark(5_000, connected=True, events=len(spoken_of)))
        for _ in range(2):
            self.add(fsyncs(1, node=7_000), mark(7_000, connected=True, events=1))
        self.assertIn(7_000, self.folds.timeline.subjects)
