"""Tests of ``vizd.insight.streams``."""

from tests.insight.watched import START_MS, RuleTests
from tests.state.windows import mark
from tests.stream.made import made


class NodeSilentTests(RuleTests):
    """A node that is not connected for five seconds."""

    rule = "node-silent"

    def setUp(self) -> None:
        super().setUp()
        self.connect(1, 2)

    def test_it_opens_after_five_seconds_and_closes_when_the_node_is_back(self) -> None:
        for incarnation in (1, 2):
            self.setUp()
            self.disconnect(2)
            self.wait(4_900)
            self.assertNothing()
            self.wait(150)
            finding = self.one()
            self.assertEqual((finding.severity, finding.subject), ("warning", {"node": 2, "name": "node-2"}))
            self.assertEqual(finding.detail, "node-2 is silent: it is not connected.")
            self.assertEqual((finding.first_ms, finding.positions[0].end_ms), (START_MS + 100, START_MS + 100))
            self.assertTrue(finding.conclusive)
            self.connect(2, incarnation=incarnation)
            self.assertClosed()
            self.assertEqual(self.watched.words(self.rule)[-2:], ["opened", "closed"])

    def test_a_short_break_is_none(self) -> None:
        for _ in range(10):
            self.disconnect(2)
            self.wait(3_000)
            self.connect(2)
        self.assertNothing()

    def test_what_comes_on_the_stream_shows_that_it_is_open(self) -> None:
        self.disconnect(2)
        self.wait(3_000)
        self.happen([], mark(2))
        self.wait(10_000)
        self.assertNothing()

    def test_a_node_that_has_left_is_not_missed_before_or_after_its_stream_ends(self) -> None:
        self.happen([made("Swim.Leave", node=2)])
        self.disconnect(2)
        self.wait(10_000)
        self.assertNothing()
        self.disconnect(1)
        self.wait(10_000)
        self.one()
        self.happen([made("Swim.Leave", node=1)], mark(3, events=1))
        self.assertClosed()

    def test_a_node_that_left_and_came_back_is_missed_again(self) -> None:
        self.happen([made("Swim.Leave", node=2)])
        self.disconnect(2)
        self.connect(2, incarnation=2)
        self.disconnect(2, incarnation=2)
        self.wait(6_000)
        self.one()

    def test_the_end_of_a_process_that_was_replaced_says_nothing(self) -> None:
        self.connect(2, incarnation=2)
        self.disconnect(2, incarnation=1)
        self.wait(10_000)
        self.assertNothing()

    def test_a_node_that_coverage_has_forgotten_is_closed(self) -> None:
        self.disconnect(2)
        self.wait(20_000)
        self.watched.coverage.trim(START_MS + 15_000)
        self.watched.insight.trim(START_MS + 15_000)
        self.assertClosed()

    def test_without_nodes_there_is_no_data(self) -> None:
        self.assertNotIn(self.rule, self.watched.insight.no_data)
        RuleTests.setUp(self)
        self.assertNoDataUntil([], mark(1, connected=True))


class NodeLossyTests(RuleTests):
    """A node whose events were lost."""

    rule = "node-lossy"

    def test_it_opens_at_once_counts_and_closes_a_minute_after_the_last_loss(self) -> None:
        self.connect(1, 2)
        self.happen([], mark(2, lost=1))
        finding = self.one()
        self.assertEqual((finding.severity, finding.subject), ("warning", {"node": 2, "name": "node-2"}))
        self.assertEqual((finding.detail, finding.conclusive), ("node-2 has lost 1 event.", True))
        self.assertEqual([each.end_ms for each in finding.positions], [START_MS + 100])
        for _ in range(30):
            self.happen([], mark(2, lost=100), after_ms=50)
        self.assertEqual(self.watched.words(self.rule), ["opened", "updated", "updated", "updated"])
        self.wait(59_900)
        self.assertEqual(self.one().detail, "node-2 has lost 3,001 events.")
        self.wait(200)
        self.assertClosed()
        self.happen([], mark(2, lost=5))
        self.assertEqual(self.one().detail, "node-2 has lost 5 events.")

    def test_a_node_that_loses_nothing_is_none(self) -> None:
        self.connect(1)
        self.disconnect(1)
        self.wait(60_000)
        self.connect(1)
        self.assertNothing()

    def test_a_node_that_vanishes_loses_no_more(self) -> None:
        self.happen([], mark(2, lost=1))
        self.disconnect(2)
        self.wait(60_000)
        self.assertClosed()

    def test_without_nodes_there_is_no_data(self) -> None:
        self.assertNoDataUntil([], mark(1, connected=True))


class ClockSkewTests(RuleTests):
    """A node's clock that is off by more than a second for five."""

    rule = "clock-skew"

    def show(self, skew_ms: int, node: int = 1, times: int = 60, incarnation: int = 1) -> None:
        for _ in range(times):
            self.happen([], mark(node, incarnation, skew_ms=skew_ms), after_ms=50)

    def test_it_opens_after_five_seconds_and_closes_when_the_clock_is_right(self) -> None:
        self.show(-2_400, times=40)
        self.assertNothing()
        self.show(-2_400, times=20)
        finding = self.one()
        self.assertEqual((finding.severity, finding.subject), ("warning", {"node": 1, "name": "node-1"}))
        self.assertEqual(finding.detail, "The clock of node-1 is 2.4 s behind the daemon's.")
        self.assertEqual((finding.first_ms, finding.conclusive), (START_MS + 100, True))
        self.assertEqual(finding.positions[0].end_ms, START_MS + 100)
        self.show(900)
        self.one()
        self.show(799, times=1)
        self.assertClosed()

    def test_a_clock_that_moves_updates_it_and_one_that_trembles_does_not(self) -> None:
        for skew_ms in range(3_000, 3_240, 2):
            self.show(skew_ms, times=1)
        self.assertEqual(self.watched.words(self.rule), ["opened"])
        self.show(4_000, times=20)
        self.assertEqual(self.watched.words(self.rule), ["opened", "updated"])
        self.assertEqual(self.one().detail, "The clock of node-1 is 4.0 s ahead of the daemon's.")

    def test_a_message_that_was_held_up_is_none(self) -> None:
        for _ in range(10):
            self.show(-4_000, times=1)
            self.show(0, times=10)
        self.show(1_000, times=200)
        self.assertNothing()

    def test_who_has_gone_shows_no_clock(self) -> None:
        self.show(5_000)
        self.disconnect(1)
        self.assertClosed()
        self.connect(1, incarnation=2)
        self.show(5_000, incarnation=2, times=55)
        self.one()
        self.happen([made("Swim.Leave", node=1)])
        self.assertEqual(self.open, [])

    def test_without_times_there_is_no_data(self) -> None:
        self.connect(1)
        self.assertNoDataUntil([], mark(1, skew_ms=0))
