"""Who publishes, and whether his stream is open."""

from twisted.trial.unittest import TestCase

from vizd.log.window import Mark, Publisher
from vizd.state.nodes import Node, Nodes


def mark(node: int = 1, incarnation: int = 1, connected: bool | None = None, name: str = "one") -> Mark:
    """Of no events."""
    return Mark(Publisher(node, name, incarnation), 1, 0, connected=connected)


class OfMarks(TestCase):
    def after(self, *marks: Mark) -> Node | None:
        nodes = Nodes()
        for each in marks:
            nodes.follow(each)
        return nodes.shown().get(1)

    def test_a_node_is_connected_while_its_stream_is_open(self) -> None:
        self.assertEqual(self.after(mark(connected=True)), Node("one", 1, True))
        self.assertEqual(self.after(mark(connected=True), mark(connected=False)), Node("one", 1, False))

    def test_who_sends_has_an_open_stream_even_if_the_log_does_not_tell_of_its_beginning(self) -> None:
        self.assertEqual(self.after(mark()), Node("one", 1, True))
        self.assertEqual(self.after(mark(connected=False), mark()), Node("one", 1, True))

    def test_a_new_process_comes_with_its_connecting(self) -> None:
        self.assertEqual(self.after(mark(), mark(incarnation=2, connected=True)), Node("one", 2, True))
        self.assertEqual(self.after(mark(), mark(incarnation=2, connected=True, name="other")), Node("other", 2, True))

    def test_what_comes_late_of_the_process_before_says_nothing_of_the_new_one(self) -> None:
        late = mark(connected=False), mark(), mark(connected=False)
        self.assertEqual(self.after(mark(), mark(incarnation=2, connected=True), *late), Node("one", 2, True))

    def test_who_is_refused_is_not_that_node(self) -> None:
        refused = Mark(Publisher(1, "other", 1), 1, 0, refused=True)
        self.assertIsNone(self.after(refused))
        self.assertEqual(self.after(mark(connected=False), refused), Node("one", 1, False))

    def test_what_was_shown_stays(self) -> None:
        nodes = Nodes()
        nodes.follow(mark())
        shown = nodes.shown()
        nodes.follow(mark(connected=False))
        nodes.follow(mark(node=2))
        self.assertEqual(dict(shown), {1: Node("one", 1, True)})
        self.assertEqual(list(nodes.shown()), [1, 2])

    def test_beyond_the_bound_the_one_that_disconnected_longest_ago_is_forgotten(self) -> None:
        class Few(Nodes):
            MAX_KNOWN = 3

        nodes = Few()
        for node in (1, 2, 3):
            nodes.follow(mark(node))
        for node in (3, 2):
            nodes.follow(mark(node, connected=False))
        nodes.follow(mark(4))
        self.assertEqual(set(nodes.shown()), {1, 2, 4})
        self.assertEqual((nodes.incarnation(3), nodes.incarnation(4)), (None, 1))
        nodes.follow(mark(5))
        nodes.follow(mark(6))
        self.assertEqual(set(nodes.shown()), {4, 5, 6})
