"""Tests of ``vizd.insight.identity``."""

from tests.insight.watched import START_MS, RuleTests
from tests.state.streams import sealed
from tests.state.windows import Windows, mark
from vizd.ingest.refusals import Refusals
from vizd.log.window import Mark, Publisher


def refused(name: str = "node-2", incarnation: int = 1) -> Mark:
    return Mark(Publisher(2, name, incarnation), 1, 0, refused=True)


class TwoProcessesTests(RuleTests):
    """Two processes with one identity."""

    rule = "two-processes"

    def setUp(self) -> None:
        super().setUp()
        self.connect(1, 2)
        self.connect(2, incarnation=2)

    def test_it_opens_when_one_is_refused_and_closes_when_none_was_for_a_minute_and_a_half(self) -> None:
        self.happen([], refused())
        finding = self.one()
        self.assertEqual((finding.severity, finding.subject), ("warning", {"node": 2, "name": "node-2"}))
        self.assertEqual(finding.detail, "Two processes publish as node-2; the older one was refused.")
        self.assertEqual((finding.first_ms, finding.conclusive), (START_MS + 150, True))
        self.assertEqual([each.end_ms for each in finding.positions], [START_MS + 150])
        self.wait(89_900)
        self.one()
        self.wait(200)
        self.assertClosed()

    def test_it_stays_open_as_long_as_the_log_goes_on_hearing_of_it(self) -> None:
        for _ in range(10):
            self.happen([], refused(), after_ms=Refusals.EVERY_MS)
        self.assertEqual(self.watched.words(self.rule), ["opened"])

    def test_another_name_for_its_number_is_told_and_updates_it(self) -> None:
        self.happen([], refused())
        self.happen([], refused("other"), after_ms=2_000)
        self.assertEqual(
            self.one().detail, "other was refused: node 2 is node-2, and each node needs a number of its own."
        )
        self.assertEqual(self.watched.words(self.rule), ["opened", "updated"])

    def test_who_is_refused_changes_nothing_of_the_node(self) -> None:
        self.disconnect(2, incarnation=2)
        self.happen([], refused("other", 7))
        self.wait(6_000)
        self.assertEqual({each.rule for each in self.watched.insight.open_findings()}, {"two-processes", "node-silent"})
        self.assertEqual(self.one().subject["name"], "node-2")

    def test_the_log_keeps_what_it_has_heard_when_it_is_sealed(self) -> None:
        [window] = sealed([Windows().make(1_000, marks=[refused(), mark(2)])])
        self.assertEqual([each.refused for each in window.marks], [True, False])

    def test_a_restart_is_none(self) -> None:
        for incarnation in range(3, 20):
            self.connect(2, incarnation=incarnation)
            self.disconnect(2, incarnation=incarnation)
        self.assertNothing()

    def test_without_nodes_there_is_no_data(self) -> None:
        RuleTests.setUp(self)
        self.assertNoDataUntil([], mark(1, connected=True))
