from itertools import groupby

from twisted.trial.unittest import TestCase

from tests.sim.watched import WatchedStage
from vizd.sim.membership import Membership
from vizd.wire.vizd_pb2 import SWIM_KIND_ALIVE


class MembershipTests(TestCase):
    def setUp(self) -> None:
        self.stage = WatchedStage()
        self.told: list[tuple[object, ...]] = []
        self.members = Membership(
            self.stage,
            range(1, 6),
            on_away=lambda node: self.told.append(("away", node, node in self.members.down)),
            on_back=lambda node, crashed: self.told.append(("back", node, crashed)),
        )

    def story_of(self, node: int) -> list[str]:
        """Runs it to its end; what was said of ``node``, without repetition."""
        self.stage.run_for(60_000)
        self.assertEqual((self.members.away, self.members.down), (set(), set()))
        self.assertEqual({event.swim.node for _, event in self.stage.reported}, {node})
        return [kind.removeprefix("Swim.") for kind, _ in groupby(self.stage.kinds)]

    def test_at_first_every_node_says_of_itself_that_it_is_alive(self) -> None:
        self.members.report_all_alive()
        said = [(node, event.swim.node, event.swim.kind) for node, event in self.stage.reported]
        self.assertEqual(said, [(node, node, SWIM_KIND_ALIVE) for node in range(1, 6)])

    def test_one_that_is_suspected_was_there_all_the_time(self) -> None:
        self.members.suspect_for_a_while(2)
        self.assertEqual(self.story_of(2), ["Suspect", "Alive"])
        self.assertEqual(self.told, [("away", 2, False), ("back", 2, False)])

    def test_one_that_crashed_is_suspected_confirmed_dead_and_comes_back(self) -> None:
        self.members.crash(2)
        self.assertEqual(self.story_of(2), ["Suspect", "Confirm", "Alive"])
        self.assertEqual(self.told, [("away", 2, True), ("back", 2, True)])

    def test_who_waits_for_its_return_is_told(self) -> None:
        self.members.crash(2, then=lambda: self.told.append(("then",)))
        self.story_of(2)
        self.assertEqual(self.told[1:], [("back", 2, True), ("then",)])

    def test_when_the_network_parts_both_sides_suspect_each_other_until_it_heals(self) -> None:
        self.members.part([1, 4], for_ms=10_000)
        self.stage.run_for(9_000)
        self.assertEqual(
            (self.members.cut, self.members.away, set(self.stage.kinds)), ({1, 4}, set(), {"Swim.Suspect"})
        )
        pairs = {(node, event.swim.node) for node, event in self.stage.reported}
        here, there = (1, 4), (2, 3, 5)
        self.assertEqual(pairs, {(a, b) for a in here for b in there} | {(b, a) for a in here for b in there})
        self.stage.run_for(2_000)
        self.assertEqual(self.members.cut, set())
        alive = {event.swim.node for _, event in self.stage.reported if event.swim.kind == SWIM_KIND_ALIVE}
        self.assertEqual(alive, {1, 2, 3, 4, 5})
        self.assertEqual(self.told, [])

    def test_one_that_leaves_says_so_itself_and_comes_back(self) -> None:
        self.members.leave(2)
        self.assertEqual(self.story_of(2), ["Leave", "Alive"])
        self.assertEqual(self.stage.reported[0][0], 2)
        self.assertEqual(self.told, [("away", 2, False), ("away", 2, True), ("back", 2, False)])

    def test_only_one_is_in_trouble_at_a_time(self) -> None:
        for _ in range(10):
            self.members.disturb()
        self.assertEqual(len(self.members.away), 1)

    def test_a_node_alone_has_nobody_who_could_suspect_it(self) -> None:
        alone = Membership(self.stage, range(1, 2), self.fail, self.fail)
        alone.disturb()
        self.assertEqual(alone.away, set())
