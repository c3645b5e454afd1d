"""Who publishes: each node's name, its process, and whether its stream is open."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from vizd.log.window import Mark
from vizd.state.shared import SharedDict

__all__ = ["BACK", "DISCONNECTED", "RESTARTED", "Node", "Nodes", "have_restarted"]

BACK, DISCONNECTED, RESTARTED = "back", "disconnected", "restarted"
"""What can happen to a node."""


def have_restarted(reporters: Iterable[tuple[int, int | None]], incarnation_of: Callable[[int], int | None]) -> bool:
    """Every one of these nodes is a new process: then a cluster may have been wiped, and begins anew.

    :param reporters: each with the incarnation that it had; ``None``, where no mark told it, counts as the same.
    """
    for node, incarnation in reporters:
        newest = incarnation_of(node)
        if incarnation is None or newest is None or newest == incarnation:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Node:
    """A publishing node.

    :ivar name: ``Hello.node_name``. :ivar incarnation: ``Hello.incarnation`` of its newest process.
    :ivar connected: its stream is open.
    """

    name: str
    incarnation: int
    connected: bool


class Nodes:
    """By ``Hello.node``, from the marks of the log.

    Only a mark that says "connected" brings in a new process. Where several daemons write one log, what an older
    process sent, or its disconnecting, may come later; it says nothing about the newer one.

    :cvar MAX_KNOWN: as many as the ingest remembers. Beyond it the node that disconnected longest ago is forgotten.
    """

    MAX_KNOWN = 10_000

    def __init__(self) -> None:
        self._nodes = SharedDict[int, Node]()

    def shown(self) -> Mapping[int, Node]:
        """As they are now."""
        return self._nodes.shown()

    def __contains__(self, node: int) -> bool:
        return node in self._nodes.now

    def get(self, node: int) -> Node | None:
        """``None`` where the node is not known."""
        return self._nodes.now.get(node)

    def incarnation(self, node: int) -> int | None:
        """``None`` where the node is not known."""
        known = self.get(node)
        return known.incarnation if known else None

    def follow(self, mark: Mark) -> str | None:
        """The next mark of the log; what has changed by it: ``BACK``, ``DISCONNECTED``, ``RESTARTED`` or nothing."""
        if mark.refused:
            return None
        publisher, known = mark.publisher, self.get(mark.publisher.node)
        is_open = mark.connected is not False  # A message needs an open stream, too.
        is_other = known is not None and (known.name, known.incarnation) != (publisher.name, publisher.incarnation)
        if is_other and not mark.connected:
            return None
        if known is not None and not is_other and known.connected is is_open:
            return None
        self.put(publisher.node, Node(publisher.name, publisher.incarnation, is_open))
        return RESTARTED if is_other else BACK if is_open else DISCONNECTED

    def put(self, number: int, node: Node) -> None:
        """The node with this id has changed."""
        nodes = self._nodes
        if len(nodes.now) >= self.MAX_KNOWN and number not in nodes.now:
            # In order of their last change.
            gone = next((each for each, known in nodes.now.items() if not known.connected), next(iter(nodes.now)))
            nodes.drop(gone)
        nodes.put(number, node)
