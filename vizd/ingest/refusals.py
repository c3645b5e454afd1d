"""Which refused publishers the log hears of: enough to find two processes with one identity, and no flood.

A process that is refused tries again and again, and whoever means harm as often as the network lets him.
"""

from vizd.log.window import Mark

__all__ = ["Refusals"]


class Refusals:
    """One mark of each node in a while. Only node numbers that somebody owns can be refused, so they are few.

    :cvar EVERY_MS: between two marks of one node; a rule that looks for them waits for longer than this.
    :cvar MAX_NODES: as many as the registry knows; beyond it the one that was marked first is forgotten.
    """

    EVERY_MS = 30_000
    MAX_NODES = 10_000

    def __init__(self) -> None:
        self._marked_ms: dict[int, int] = {}

    def marks(self, mark: Mark, now_ms: int) -> list[Mark]:
        """``mark``, of a publisher that was refused just now; nothing, if its node had one lately.

        :param now_ms: a wall clock, milliseconds; it may jump.
        """
        node = mark.publisher.node
        marked_ms = self._marked_ms.get(node)
        if marked_ms is not None and 0 <= now_ms - marked_ms < self.EVERY_MS:
            return []
        self._marked_ms.pop(node, None)  # The newest stands last.
        self._marked_ms[node] = now_ms
        if len(self._marked_ms) > self.MAX_NODES:
            del self._marked_ms[next(iter(self._marked_ms))]
        return [mark]
