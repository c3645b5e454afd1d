from twisted.trial.unittest import TestCase

from vizd.client.stats import Counts, PublisherStats
from vizd.events.catalogue import EventClass
from vizd.sim.accounting import Accounting, NodeAccount


def account(node: int, acked: int, waiting: int, dropped: int, last_error: str | None = None) -> NodeAccount:
    events = Counts(
        emitted=acked + waiting + dropped + 1,
        dropped=dict.fromkeys(EventClass, 0) | {EventClass.GAUGE: dropped},
        waiting=waiting,
        in_flight=1,
        sent=acked + 1,
        acked=acked,
    )
    stats = PublisherStats(events=events, rejected=0, connected=True, streams=1, fenced=False, last_error=last_error)
    return NodeAccount.of(node, f"node-{node}", stats)


class AccountingTests(TestCase):
    def setUp(self) -> None:
        self.accounting = Accounting((account(1, 1_000, 5, 3, "UNAVAILABLE: away"), account(2, 10, 0, 0)))

    def test_the_totals_are_sums_and_nothing_is_missing(self) -> None:
        totals = self.accounting.as_dict()
        self.assertEqual(totals["emitted"], totals["acked"] + totals["dropped"] + totals["undelivered"])
        self.assertEqual((totals["acked"], totals["dropped"], totals["undelivered"]), (1_010, 3, 7))
        self.assertEqual([node["node_name"] for node in totals["nodes"]], ["node-1", "node-2"])
        self.assertFalse(self.accounting.delivered)

    def test_people_read_the_totals_and_the_nodes_with_which_something_was_wrong(self) -> None:
        self.assertEqual(
            self.accounting.as_text().splitlines(),
            [
                "2 nodes: 1,020 events emitted, 1,010 stored, 3 dropped, 7 undelivered, 0 rejected",
                "node-1: 1,000 of 1,009 stored, streams: 1",
                "node-2: 10 of 11 stored, streams: 1",
                "last error: UNAVAILABLE: away",
            ],
        )

    def test_lives_of_a_node_are_added_up(self) -> None:
        both = account(1, 100, 2, 0, "UNAVAILABLE: away") + account(1, 10, 0, 0)
        self.assertEqual((both.lives, both.acked, both.undelivered, both.streams), (2, 110, 4, 1))
        self.assertEqual(both.last_error, "UNAVAILABLE: away")
        self.assertEqual((NodeAccount.empty(1, "node-1") + both), both)
