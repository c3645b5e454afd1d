"""Whoever reads the daemon's log hears of each finding twice: when it opens, and when it is over."""

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from tests.insight.watched import Watched
from tests.state.windows import mark
from tests.stream.made import made
from vizd.findings import FindingsNotice


class FindingsNoticeTests(TestCase):
    def test_each_opening_and_each_closing_is_said_once_at_its_level(self) -> None:
        watched = Watched()
        watched.insight.listen(FindingsNotice())
        with capturedLogs() as said:
            watched.connect(1, 2)
            watched.happen([made("Swim.Suspect", node=1)])
            watched.happen([made("Swim.Confirm", node=1)])
            for _ in range(20):
                watched.happen([], mark(2, lost=1), after_ms=200)
            watched.happen([made("Swim.Alive", node=1)])
        self.assertEqual(
            [(line["log_level"].name, formatEvent(line)) for line in said],
            [
                ("warn", "node-suspected: node-1 is suspected."),
                ("critical", "node-dead: node-1 was confirmed dead."),
                ("info", "node-suspected: over after 0.1 s: node-1 is suspected."),
                ("warn", "node-lossy: node-2 has lost 1 event."),
                ("info", "node-dead: over after 5.0 s: node-1 was confirmed dead."),
            ],
        )

    def test_what_is_inconclusive_says_so(self) -> None:
        watched = Watched()
        watched.insight.listen(FindingsNotice())
        watched.connect(1)
        with capturedLogs() as said:
            watched.happen([made("Swim.Suspect", node=7)], mark(1, events=1, lost=2))
        self.assertIn("something is missing", str(formatEvent(said[0])))
