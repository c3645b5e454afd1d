"""Which process each node is, and whether its stream is open, from the marks of the log.

Only a mark that says "connected" brings in a new process: where several daemons write one log, what an older process
sent, or its disconnecting, may come later, and says nothing about the newer one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from vizd.log.window import Mark, Publisher

__all__ = ["BACK", "DISCONNECTED", "RESTARTED", "Process", "Processes"]

BACK, DISCONNECTED, RESTARTED = "back", "disconnected", "restarted"


@dataclass(slots=True)
class Process:
    """The newest of its node."""

    name: str
    incarnation: int
    connected: bool


class Processes:
    """By node.

    :cvar MAX_KNOWN: as many as the ingest remembers; beyond it one that is not connected is forgotten, or the first.
    """

    MAX_KNOWN = 10_000

    def __init__(self) -> None:
        self._processes: dict[int, Process] = {}

    def __contains__(self, node: int) -> bool:
        return node in self._processes

    def get(self, node: int) -> Process | None:
        """``None`` where the node never published."""
        return self._processes.get(node)

    def incarnation(self, node: int) -> int | None:
        """``None`` where the node never published."""
        known = self._processes.get(node)
        return known.incarnation if known else None

    def is_replaced(self, publisher: Publisher) -> bool:
        """A newer process of its node has come."""
        return self.incarnation(publisher.node) != publisher.incarnation

    def have_restarted(self, reporters: Mapping[int, int | None]) -> bool:
        """Every one of these nodes is a new process: then a cluster may have been wiped, and begins anew.

        :param reporters: each with the incarnation that it had; ``None``, where no mark told it, counts as the same.
        """
        for node, incarnation in reporters.items():
            newest = self.incarnation(node)
            if incarnation is None or newest is None or newest == incarnation:
                return False
        return True

    def follow(self, mark: Mark) -> str | None:
        """The next mark of the log; what has changed by it: ``BACK``, ``DISCONNECTED``, ``RESTARTED`` or nothing."""
        if mark.refused:
            return None
        publisher, is_open = mark.publisher, mark.connected is not False
        known = self._processes.get(publisher.node)
        if known is None:
            if len(self._processes) >= self.MAX_KNOWN:
                gone = (node for node, process in self._processes.items() if not process.connected)
                del self._processes[next(gone, next(iter(self._processes)))]
            self._processes[publisher.node] = Process(publisher.name, publisher.incarnation, is_open)
            return BACK if is_open else DISCONNECTED
        if known.incarnation != publisher.incarnation or known.name != publisher.name:
            if not mark.connected:
                return None
            known.name, known.incarnation, known.connected = publisher.name, publisher.incarnation, True
            return RESTARTED
        if known.connected is is_open:
            return None
        known.connected = is_open
        return BACK if is_open else DISCONNECTED
