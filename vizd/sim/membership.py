"""Which nodes the cluster believes in: suspected, dead, gone, and back.

It tells what the others see. What becomes of the leaders and engines of a node that goes or comes back is
for those who asked to be told.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import chain, cycle

from vizd.sim.stage import Stage
from vizd.wire.vizd_pb2 import (
    SWIM_KIND_ALIVE,
    SWIM_KIND_CONFIRM,
    SWIM_KIND_LEAVE,
    SWIM_KIND_SUSPECT,
    SwimEvt,
    SwimKind,
    VizEvent,
)

__all__ = ["Membership"]

_OBSERVERS = 3
"""So many nodes report what they see of another: gossip tells the rest."""


class Membership:
    """One node at a time is in trouble.

    :ivar away: nodes that the others can't reach: suspected, dead or gone.
    :ivar down: nodes that say nothing themselves: dead or gone. Their processes don't run.
    :ivar cut: nodes that reach each other, but not the rest: the smaller side of a parted network.
    """

    def __init__(
        self,
        stage: Stage,
        nodes: Sequence[int],
        on_away: Callable[[int], object],
        on_back: Callable[[int, bool], object],
    ) -> None:
        """
        :param nodes: all alive.
        :param on_away: called with a node that has just become unreachable.
        :param on_back: called with a node that is back, and whether it had crashed.
        """
        self.away: set[int] = set()
        self.down: set[int] = set()
        self.cut: set[int] = set()
        self._stage = stage
        self._nodes = nodes
        self._on_away = on_away
        self._on_back = on_back
        # Each once, so that whoever watches for some minutes has seen it; then mostly the harmless one.
        stories = (self.suspect_for_a_while, self.crash, self.leave)
        self._stories = chain(stories, cycle((*stories, self.suspect_for_a_while, self.suspect_for_a_while)))

    def report_all_alive(self) -> None:
        """Let every node say that it is there."""
        for node in self._nodes:
            self._report(node, node, SWIM_KIND_ALIVE)

    def disturb(self) -> None:
        """Bring a node into trouble, unless one is, or there is no other to see it."""
        if len(self._nodes) > 1 and not self.away:
            next(self._stories)(self._stage.rng.choice(self._nodes))

    def suspect_for_a_while(self, node: int) -> None:
        """The others don't hear from ``node`` for some seconds; it goes on, but can't lead."""
        self._lose(node)
        self._seen(node, SWIM_KIND_SUSPECT)
        self._stage.timeline.after(self._stage.rng.uniform(2_000, 5_000), lambda: self._return(node, crashed=False))

    def crash(self, node: int, then: Callable[[], object] = lambda: None) -> None:
        """``node`` dies, is suspected, confirmed dead, and comes back.

        :param then: called when it is back.
        """
        self.down.add(node)
        self._lose(node)
        rng, after = self._stage.rng, self._stage.timeline.after

        def back() -> None:
            self._return(node, crashed=True)
            then()

        after(rng.uniform(500, 1_000), lambda: self._seen(node, SWIM_KIND_SUSPECT))
        after(rng.uniform(2_500, 4_000), lambda: self._seen(node, SWIM_KIND_CONFIRM))
        after(rng.uniform(8_000, 15_000), back)

    def leave(self, node: int) -> None:
        """``node`` hands over, says good-bye, and comes back: a restart."""
        self._lose(node)

        def gone() -> None:
            self._report(node, node, SWIM_KIND_LEAVE)
            self._seen(node, SWIM_KIND_LEAVE)
            self.down.add(node)
            # Known twice over: as away, now also as silent.
            self._on_away(node)

        after = self._stage.timeline.after
        after(500, gone)
        after(self._stage.rng.uniform(5_000, 9_000), lambda: self._return(node, crashed=False))

    def part(self, minority: Collection[int], for_ms: float) -> None:
        """The network parts for ``for_ms``: ``minority`` and the rest go on, and suspect each other.

        Nobody is confirmed dead: who misses so many at once doubts himself first.

        :param for_ms: above the second and a half until all are suspected.
        """
        self.cut.update(minority)
        after = self._stage.timeline.after
        for node in self._nodes:
            after(self._stage.rng.uniform(500, 1_500), partial(self._seen_across, node, SWIM_KIND_SUSPECT))
        after(for_ms, self._heal)

    def _heal(self) -> None:
        for node in self._nodes:
            self._seen_across(node, SWIM_KIND_ALIVE)
        self.cut.clear()

    def _seen_across(self, subject: int, kind: SwimKind) -> None:
        others = [node for node in self._nodes if (node in self.cut) != (subject in self.cut)]
        for observer in self._stage.rng.sample(others, min(_OBSERVERS, len(others))):
            self._report(observer, subject, kind)

    def _lose(self, node: int) -> None:
        self.away.add(node)
        self._on_away(node)

    def _return(self, node: int, crashed: bool) -> None:
        if node in self.down:
            self.down.discard(node)
            self._report(node, node, SWIM_KIND_ALIVE)
        self.away.discard(node)
        self._seen(node, SWIM_KIND_ALIVE)
        self._on_back(node, crashed)

    def _seen(self, subject: int, kind: SwimKind) -> None:
        present = [node for node in self._nodes if node not in self.away and node != subject]
        for observer in self._stage.rng.sample(present, min(_OBSERVERS, len(present))):
            self._report(observer, subject, kind)

    def _report(self, node: int, subject: int, kind: SwimKind) -> None:
        self._stage.report(node, VizEvent(swim=SwimEvt(node=subject, kind=kind)))
