"""A cluster whose windows are told one by one, and what the rules say of it."""

from collections.abc import Sequence
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from tests.state.windows import Windows, mark
from tests.stream.made import Made
from vizd.insight.finding import Finding
from vizd.insight.insight import Insight
from vizd.insight.thresholds import Thresholds
from vizd.log.window import Mark, Window
from vizd.state.coverage import Coverage
from vizd.state.timeline import Timeline

START_MS = 1_000_000


class Watched:
    """The folds that ``Insight`` needs, and it.

    :ivar heard: what the listener was told: a word and a finding. :ivar windows_position: behind the newest window.
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.windows = Windows()
        self.coverage = Coverage()
        self.timeline = Timeline(self.coverage)
        self.insight = Insight(self.coverage, self.timeline, *([] if thresholds is None else [thresholds]))
        self.heard: list[tuple[str, Finding]] = []
        self.insight.listen(lambda finding, word: self.heard.append((word, finding)))
        self.now_ms = START_MS

    def fold(self, window: Window) -> None:
        self.windows_position = window.position
        for each in (self.coverage, self.timeline, self.insight):
            each.fold(window)

    def happen(self, events: Sequence[Made] = (), *marks: Mark, after_ms: int = 0) -> None:
        """One window of 50 ms, so long after the end of the one before it; one a second in between."""
        self.wait(after_ms)
        counted = sum(each.events for each in marks)
        if counted < len(events):
            marks = (*marks, mark(1, events=len(events) - counted))
        self.fold(self.windows.make(self.now_ms, events, marks))
        self.now_ms += 50

    def wait(self, wait_ms: int) -> None:
        """Nothing happens; the last window of it ends when it ends."""
        end_ms = self.now_ms + wait_ms
        while self.now_ms < end_ms:
            length_ms = min(1_000, end_ms - self.now_ms)
            self.fold(self.windows.make(self.now_ms, length_ms=length_ms))
            self.now_ms += length_ms

    def connect(self, *nodes: int, incarnation: int = 1) -> None:
        """They say Hello."""
        self.happen([], *(mark(node, incarnation, connected=True) for node in nodes))

    def disconnect(self, *nodes: int, incarnation: int = 1) -> None:
        """Their streams end."""
        self.happen([], *(mark(node, incarnation, connected=False) for node in nodes))

    def words(self, rule: str) -> list[str]:
        """What became of its findings: opened, updated, closed."""
        return [word for word, finding in self.heard if finding.rule == rule]


def restated(node: int, events: int) -> Mark:
    """What a node says again."""
    return replace(mark(node, events=events), restated=True)


class RuleTests(SynchronousTestCase):
    """Tests of one rule."""

    rule: str

    def setUp(self) -> None:
        self.watched = Watched()
        self.happen, self.wait = self.watched.happen, self.watched.wait
        self.connect, self.disconnect = self.watched.connect, self.watched.disconnect

    @property
    def open(self) -> list[Finding]:
        return [each for each in self.watched.insight.open_findings() if each.rule == self.rule]

    @property
    def all(self) -> list[Finding]:
        return [each for each in self.watched.insight.findings() if each.rule == self.rule]

    def one(self) -> Finding:
        """The only open finding."""
        [finding] = self.open
        return finding

    def assertNothing(self) -> None:
        self.assertEqual(self.all, [])

    def assertClosed(self) -> None:
        """There was one, and it is over."""
        self.assertEqual([each.open for each in self.all], [False])

    def assertNoDataUntil(self, events: Sequence[Made], *marks: Mark) -> None:
        self.assertIn(self.rule, self.watched.insight.no_data)
        self.happen(events, *marks)
        self.assertNotIn(self.rule, self.watched.insight.no_data)
