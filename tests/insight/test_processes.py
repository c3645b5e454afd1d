"""Tests of ``vizd.insight.processes``."""

from twisted.trial.unittest import SynchronousTestCase

from tests.state.windows import mark
from vizd.insight.processes import Processes
from vizd.log.window import Mark, Publisher
from vizd.state.nodes import BACK, DISCONNECTED, RESTARTED, Node


class ProcessesTests(SynchronousTestCase):
    """Who publishes, and what has changed."""

    def setUp(self) -> None:
        self.processes = Processes()

    def follow(self, *marks: Mark) -> list[str | None]:
        return [self.processes.follow(each) for each in marks]

    def test_it_says_what_has_changed_and_nothing_where_nothing_has(self) -> None:
        self.assertEqual(
            self.follow(
                mark(1, connected=True), mark(1), mark(1, connected=False), mark(1, connected=False), mark(1),
                mark(1, 2, connected=True), mark(1, 2, connected=True),
            ),
            [BACK, None, DISCONNECTED, None, BACK, RESTARTED, None],
        )  # fmt: skip

    def test_what_comes_late_of_the_process_before_changes_nothing(self) -> None:
        self.follow(mark(1), mark(1, 2, connected=True))
        self.assertEqual(self.follow(mark(1), mark(1, connected=False)), [None, None])
        self.assertEqual(self.processes.get(1), Node("node-1", 2, True))

    def test_who_is_refused_is_not_that_node(self) -> None:
        refused = Mark(Publisher(1, "other", 9), 1, 0, refused=True)
        self.assertEqual(self.follow(refused), [None])
        self.assertNotIn(1, self.processes)

    def test_all_of_some_have_restarted_when_each_is_a_new_process(self) -> None:
        self.follow(mark(1), mark(2))
        self.assertFalse(self.processes.have_restarted({1: 1, 2: 1}))
        self.follow(mark(1, 2, connected=True))
        self.assertFalse(self.processes.have_restarted({1: 1, 2: 1}))
        self.follow(mark(2, 2, connected=True))
        self.assertTrue(self.processes.have_restarted({1: 1, 2: 1}))
        self.assertFalse(self.processes.have_restarted({1: None}))
        self.assertFalse(self.processes.have_restarted({3: 1}))

    def test_forged_numbers_drive_out_nodes_that_have_gone_first(self) -> None:
        self.patch(Processes, "MAX_KNOWN", 3)
        self.follow(mark(1), mark(2), mark(2, connected=False), mark(3), mark(4))
        self.assertEqual([node in self.processes for node in (1, 2, 3, 4)], [True, False, True, True])
        self.follow(mark(5))
        self.assertEqual([node in self.processes for node in (1, 3, 4, 5)], [False, True, True, True])
