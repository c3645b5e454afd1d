"""Tests of ``vizd.insight.membership``."""

from tests.insight.watched import START_MS, RuleTests, restated
from tests.state.windows import mark
from tests.stream.made import Made, made


def swim(kind: str, node: int = 2, publisher: int = 1) -> Made:
    return made(f"Swim.{kind}", publisher, node=node)


class Membership(RuleTests):
    def setUp(self) -> None:
        super().setUp()
        self.connect(1, 2, 3)

    def say(self, *kinds: str, after_ms: int = 0) -> None:
        self.happen([swim(kind) for kind in kinds], after_ms=after_ms)


class NodeSuspectedTests(Membership):
    """A node that is suspected."""

    rule = "node-suspected"

    def test_it_opens_at_once_and_closes_with_any_other_word(self) -> None:
        for word in ("Alive", "Confirm", "Leave"):
            self.setUp()
            self.say("Suspect")
            finding = self.one()
            self.assertEqual((finding.severity, finding.subject), ("warning", {"node": 2, "name": "node-2"}))
            self.assertEqual((finding.detail, finding.first_ms), ("node-2 is suspected.", START_MS + 100))
            self.assertEqual([each.end_ms for each in finding.positions], [START_MS + 100])
            self.say(word)
            self.assertClosed()

    def test_what_others_see_too_is_one_finding_and_no_update(self) -> None:
        self.happen([swim("Suspect", publisher=1)])
        self.happen([swim("Suspect", publisher=3)], mark(3, events=1))
        self.wait(10_000)
        self.assertEqual(self.watched.words(self.rule), ["opened"])

    def test_a_suspicion_that_is_refuted_in_its_window_is_none_and_the_last_word_of_a_window_counts(self) -> None:
        self.say("Suspect", "Alive")
        self.assertNothing()
        self.say("Suspect", "Alive", "Suspect")
        self.one()
        self.say("Alive", "Suspect")
        self.one()

    def test_the_next_suspicion_is_another_finding(self) -> None:
        self.say("Suspect")
        self.say("Alive")
        self.say("Suspect")
        self.assertEqual(len({each.id for each in self.all}), 2)

    def test_it_becomes_inconclusive_when_the_node_that_told_it_is_away(self) -> None:
        self.say("Suspect")
        self.assertTrue(self.one().conclusive)
        self.disconnect(1)
        self.wait(2_000)
        self.assertFalse(self.one().conclusive)

    def test_a_node_that_the_log_no_longer_mentions_is_closed(self) -> None:
        self.happen([swim("Suspect", node=77)])
        self.wait(20_000)
        self.watched.insight.trim(START_MS + 10_000)
        self.assertClosed()

    def test_without_swim_there_is_no_data(self) -> None:
        self.assertNoDataUntil([swim("Alive")])


class NodeDeadTests(Membership):
    """A node that was confirmed dead."""

    rule = "node-dead"

    def test_it_opens_at_once_and_closes_when_it_is_alive_or_has_left(self) -> None:
        for word in ("Alive", "Leave"):
            self.setUp()
            self.say("Confirm")
            finding = self.one()
            self.assertEqual((finding.severity, finding.subject), ("critical", {"node": 2, "name": "node-2"}))
            self.assertEqual(finding.detail, "node-2 was confirmed dead.")
            self.assertEqual(len(finding.positions), 1)
            self.say(word)
            self.assertClosed()

    def test_who_suspects_it_late_does_not_raise_the_dead(self) -> None:
        self.say("Confirm")
        self.say("Suspect")
        self.one()

    def test_it_takes_the_place_of_the_suspicion(self) -> None:
        self.say("Suspect")
        self.say("Confirm")
        self.assertEqual([each.rule for each in self.watched.insight.open_findings()], ["node-dead"])

    def test_it_is_inconclusive_where_events_of_the_node_that_told_it_were_lost(self) -> None:
        self.happen([swim("Confirm")], mark(1, events=1, lost=1))
        self.assertFalse(self.one().conclusive)

    def test_a_node_that_never_published_has_a_number_for_a_name(self) -> None:
        self.happen([swim("Confirm", node=77)])
        self.assertEqual(
            (self.one().subject, self.one().detail), ({"node": 77, "name": None}, "node 77 was confirmed dead.")
        )
        self.wait(20_000)
        self.watched.insight.trim(START_MS + 10_000)
        self.assertClosed()

    def test_without_swim_there_is_no_data(self) -> None:
        self.assertNoDataUntil([swim("Alive")])


class SwimFlappingTests(Membership):
    """A node that is suspected four times in five minutes, and alive in between."""

    rule = "swim-flapping"

    def flap(self, times: int, after_ms: int = 10_000) -> None:
        for _ in range(times):
            self.say("Suspect", after_ms=after_ms)
            self.say("Alive")

    def test_the_fourth_suspicion_opens_it_and_five_minutes_without_one_close_it(self) -> None:
        self.flap(3)
        self.assertNothing()
        self.flap(1)
        finding = self.one()
        self.assertEqual((finding.severity, finding.subject), ("warning", {"node": 2, "name": "node-2"}))
        self.assertEqual(finding.detail, "node-2 was suspected 4 times within 31 s, and was alive in between.")
        self.assertEqual((finding.first_ms, len(finding.positions)), (START_MS + 10_100, 4))
        self.assertTrue(finding.conclusive)
        self.wait(299_000)
        self.one()
        self.wait(2_000)
        self.assertClosed()

    def test_another_one_updates_it(self) -> None:
        self.flap(4)
        self.flap(1, after_ms=20_000)
        self.assertEqual(self.watched.words(self.rule), ["opened", "updated"])

    def test_several_observers_of_one_suspicion_are_one(self) -> None:
        for _ in range(3):
            self.say("Suspect", "Suspect", "Suspect")
            self.say("Suspect")
            self.say("Alive", "Alive")
        self.assertNothing()

    def test_suspicions_that_are_far_apart_or_end_in_death_are_none(self) -> None:
        self.flap(10, after_ms=101_000)
        self.wait(300_000)
        for _ in range(10):
            self.say("Suspect")
            self.say("Confirm")
        self.assertNothing()

    def test_what_is_only_said_again_is_none(self) -> None:
        for _ in range(10):
            self.happen([swim("Suspect")], restated(1, 1))
            self.happen([swim("Alive")], restated(1, 1))
        self.assertNothing()

    def test_a_node_that_leaves_takes_it_along_and_begins_anew(self) -> None:
        self.flap(4)
        self.say("Leave")
        self.assertClosed()
        self.say("Alive")
        self.flap(3)
        self.assertClosed()

    def test_without_swim_there_is_no_data(self) -> None:
        self.assertNoDataUntil([swim("Alive")])
