"""When a target is met, and when it is not."""

from twisted.trial.unittest import SynchronousTestCase

from bench.speed.table import TARGETS, Row

MOST, LEAST = "frame-raw-1000", "saturated"


class TableTests(SynchronousTestCase):
    """``Row`` and ``Target``."""

    def test_at_most(self) -> None:
        target = TARGETS[MOST].target
        self.assertEqual(Row(MOST, "", "", target).verdict, "met")
        self.assertEqual(Row(MOST, "", "", target + 0.01).verdict, "not met")

    def test_at_least(self) -> None:
        target = TARGETS[LEAST].target
        self.assertEqual(Row(LEAST, "", "", target).verdict, "met")
        self.assertEqual(Row(LEAST, "", "", target - 0.01).verdict, "not met")

    def test_a_promise_that_was_broken_for_it(self) -> None:
        row = Row(MOST, "", "", 0.1, faults=("13 events were lost",))
        self.assertEqual(row.verdict, "not met")
        self.assertIn("13 events were lost", str(row))

    def test_a_peer_that_can_t_be_had_is_said(self) -> None:
        row = Row("frame-ws-100", "10 us", "-", None, "there is no node with npm on this machine")
        self.assertEqual(row.verdict, "not measured")
        self.assertIn("there is no node", str(row))

    def test_the_guard_is_looser_than_what_it_guards(self) -> None:
        guarded = [each for each in TARGETS.values() if each.guard is not None]
        self.assertGreaterEqual(len(guarded), 5)
        for each in guarded:
            assert each.guard is not None
            self.assertEqual(each.guard < each.target, each.is_least, each.key)
