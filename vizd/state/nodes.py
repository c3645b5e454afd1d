"""Who publishes: each node's name, its process, and whether its stream is open."""

from collections.abc import Mapping
from dataclasses import dataclass

from vizd.log.window import Mark
from vizd.state.shared import SharedDict

__all__ = ["Node", "Nodes"]


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

    def incarnation(self, node: int) -> int | None:
        """``None`` where the node is not known."""
        known = self._nodes.now.get(node)
        return known.incarnation if known else None

    def follow(self, mark: Mark) -> None:
        """The next mark of the log."""
        if mark.refused:
            return
        publisher = mark.publisher
        known = self._nodes.now.get(publisher.node)
        if known is not None:
            is_other = known.incarnation != publisher.incarnation
            if is_other and not mark.connected:
                return
            # A message needs an open stream, too.
            if not is_other and known.connected is (mark.connected is not False):
                return
        self.put(publisher.node, Node(publisher.name, publisher.incarnation, mark.connected is not False))

    def put(self, number: int, node: Node) -> None:
        """The node with this id has changed."""
        nodes = self._nodes
        if len(nodes.now) >= self.MAX_KNOWN and number not in nodes.now:
            # In order of their last change.
            gone = next((each for each, known in nodes.now.items() if not known.connected), next(iter(nodes.now)))
            nodes.drop(gone)
        nodes.put(number, node)
