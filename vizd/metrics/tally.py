"""Counts, from the daemon's start, what nobody else does: what came into the log, and what its rules have found."""

from collections import Counter

from vizd.events.catalogue import TYPES
from vizd.insight.finding import Finding
from vizd.log.window import Window

__all__ = ["Tally"]


class Tally:
    """Costs some additions a window, and nothing an event.

    :ivar events: by the name of their type. :ivar lost: events by the name of their node.
    :ivar opened: findings by their rule. :ivar open: those that are open now.
    :cvar MAX_NODES: named one by one; whoever publishes gives the names, and each is a line of every scrape.
    :cvar OTHER: the name of all further ones.
    """

    MAX_NODES = 1_000
    OTHER = "other"

    def __init__(self) -> None:
        self.events: dict[str, int] = dict.fromkeys((each.name for each in TYPES), 0)
        self.lost: dict[str, int] = {}
        self.opened: Counter[str] = Counter()
        self.open: Counter[str] = Counter()

    def count_window(self, window: Window) -> None:
        """A listener of the log."""
        for type_, count in zip(TYPES, window.counts, strict=True):
            self.events[type_.name] += count
        for mark in window.marks:
            if mark.lost or mark.connected:  # From its first Hello on a node has a 0 that can be seen to rise.
                name = self._known(mark.publisher.name)
                self.lost[name] = self.lost.get(name, 0) + mark.lost

    def _known(self, name: str) -> str:
        return name if name in self.lost or len(self.lost) < self.MAX_NODES else self.OTHER

    def count_finding(self, finding: Finding, word: str) -> None:
        """A listener of ``Insight``."""
        if word == "opened":
            self.opened[finding.rule] += 1
            self.open[finding.rule] += 1
        elif word == "closed":
            self.open[finding.rule] -= 1
