"""One shard's replica on one node, as those see it that report for it: its name, and its life."""

from collections.abc import Callable

from vizd.sim.stage import Stage
from vizd.wire.vizd_pb2 import CompEvt, LsmEvt, VizEvent, WalEvt

__all__ = ["Replica"]


class Replica:
    """What it reports carries its node and shard.

    :ivar stage: shared by all parts of the cluster.
    """

    def __init__(self, stage: Stage, node: int, shard: int) -> None:
        """:param node: where it runs. :param shard: what it stores."""
        self.stage = stage
        self.node = node
        self.shard = shard
        self._life = 1

    def after(self, delay_ms: float, call: Callable[[], object]) -> None:
        """As ``Timeline.after``; but what a process was at dies with it."""
        life = self._life
        self.stage.timeline.after(delay_ms, lambda: call() if life == self._life else None)

    def die(self) -> None:
        """Forget what was to be done."""
        self._life += 1

    def wal(self, wal: WalEvt) -> None:
        """Report something of its log."""
        wal.node = self.node
        self._report(VizEvent(wal=wal))

    def lsm(self, lsm: LsmEvt) -> None:
        """Report something of its memtable or its levels."""
        lsm.node = self.node
        self._report(VizEvent(lsm=lsm))

    def compaction(self, level: int, compaction: CompEvt) -> None:
        """Report something of a compaction of ``level``."""
        compaction.node = self.node
        compaction.level = level
        self._report(VizEvent(compaction=compaction))

    def _report(self, event: VizEvent) -> None:
        event.owner_shard = self.shard
        self.stage.report(self.node, event)
