"""Which process each node is, and whether its stream is open: ``state.nodes``, as rules ask for it."""

from collections.abc import Mapping

from vizd.log.window import Publisher
from vizd.state.nodes import Nodes, have_restarted

__all__ = ["Processes"]


class Processes(Nodes):
    """By node."""

    def is_replaced(self, publisher: Publisher) -> bool:
        """A newer process of its node has come."""
        return self.incarnation(publisher.node) != publisher.incarnation

    def have_restarted(self, reporters: Mapping[int, int | None]) -> bool:
        """See ``nodes.have_restarted``.

        :param reporters: by node, the incarnation that it had.
        """
        return have_restarted(reporters.items(), self.incarnation)
