"""Tests of ``vizd.metrics.tally``."""

from twisted.trial.unittest import SynchronousTestCase

from tests.insight.watched import Watched
from tests.stream.made import draft, fsyncs, made, memory_log
from vizd.log.window import Draft, Mark, Publisher
from vizd.metrics.tally import Tally


class WindowTests(SynchronousTestCase):
    """What came into the log."""

    def setUp(self) -> None:
        self.tally = Tally()
        self.log = memory_log()
        self.log.listen(self.tally.count_window)

    def lose(self, name: str, lost: int, connected: bool | None = None) -> None:
        lossy = Mark(Publisher(1, name, 1), 1, 0, lost=lost, connected=connected)
        self.log.append(Draft(1_000, 50, [], [], [lossy]))

    def test_events_are_counted_by_type(self) -> None:
        self.log.append(draft(1_000, [*fsyncs(3), made("Swim.Alive")]))
        self.log.append(draft(1_050, fsyncs(2)))
        self.assertEqual((self.tally.events["Wal"], self.tally.events["Swim"], self.tally.events["Raft"]), (5, 1, 0))

    def test_what_a_node_lost_is_counted_under_its_name_from_when_it_connected(self) -> None:
        self.lose("one", 0, connected=True)
        self.assertEqual(self.tally.lost, {"one": 0})
        self.lose("one", 7)
        self.lose("one", 2)
        self.lose("two", 1)
        self.lose("three", 0)
        self.assertEqual(self.tally.lost, {"one": 9, "two": 1})

    def test_beyond_a_thousand_nodes_they_are_counted_together(self) -> None:
        for number in range(Tally.MAX_NODES + 20):
            self.lose(f"node-{number}", 1)
        self.lose("node-0", 5)
        self.assertEqual((len(self.tally.lost), self.tally.lost["other"]), (Tally.MAX_NODES + 1, 20))
        self.assertEqual((self.tally.lost["node-0"], sum(self.tally.lost.values())), (6, Tally.MAX_NODES + 25))


class FindingTests(SynchronousTestCase):
    """What the rules have found."""

    def test_they_are_counted_when_they_open_and_are_open_until_they_close(self) -> None:
        watched, tally = Watched(), Tally()
        watched.insight.listen(tally.count_finding)
        watched.connect(1, 2)
        watched.happen([made("Swim.Confirm", node=1)])
        self.assertEqual((tally.open["node-dead"], tally.opened["node-dead"]), (1, 1))
        watched.happen([made("Swim.Alive", node=1)])
        self.assertEqual((tally.open["node-dead"], tally.opened["node-dead"]), (0, 1))
        watched.happen([made("Swim.Suspect", node=2)])
        open_now = {finding.rule for finding in watched.insight.open_findings()}
        self.assertIn("node-suspected", open_now)
        self.assertEqual({rule for rule, count in tally.open.items() if count}, open_now)
