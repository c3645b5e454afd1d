"""A shard that is cut over to a replica which has no whole copy."""

import msgspec

from vizd.insight.cluster import Event
from vizd.insight.rule import Rule, after_s
from vizd.insight.subjects import Subjects
from vizd.log.window import Position

__all__ = ["CutoverWithoutSnapshot"]


class _Move(msgspec.Struct, array_like=True):
    """:ivar since_ms: when it began to be told, and ``position`` where. :ivar is_copied: its snapshot is done."""

    since_ms: int
    position: Position
    is_copied: bool = False
    reporters: set[int] = set()


class CutoverWithoutSnapshot(Rule):
    """A second report of a Cutover is none; one of a move that began before the log did is not judged."""

    name = "cutover-without-snapshot"
    severity = "critical"
    sentence = (
        "A move of a shard was planned or its snapshot started, and it was cut over; that its snapshot was done was not"
        " reported before, nor within `after_s`."
    )
    closes = "The snapshot is reported after all, the shard moves again, or 10 minutes have passed."
    unknowable = "A move of which nothing but the Cutover was reported."
    kinds = ("Shard.Plan", "Shard.SnapshotStart", "Shard.SnapshotDone", "Shard.Cutover")
    inputs = ("Shard",)
    thresholds = (after_s(2),)

    LAPSES_AFTER_MS = 600_000
    MAX_REPORTERS = 16
    """Of a move: it is told by who leads the shard."""

    def prepare(self) -> None:
        """See ``Rule``."""
        self._moves: Subjects[int | None, _Move] = self.remember("moves", tuple[int | None, _Move])

    def follow(self, event: Event) -> None:
        """See ``Rule``."""
        move = self._moves.pop(event.shard, None)
        if event.kind == "Cutover":
            if move is not None and not move.is_copied and not event.restated:
                self._tell(event, move)
            return
        self.cases.ceases({"shard": event.shard})
        if event.kind == "Plan" or move is None:
            move = _Move(self.cluster.now_ms, self.cluster.position)
        move.is_copied = event.kind == "SnapshotDone"
        if len(move.reporters) < self.MAX_REPORTERS:
            move.reporters.add(event.node)
        self._moves.put(event.shard, move)

    def _tell(self, event: Event, move: _Move) -> None:
        self.cases.holds(
            {"shard": event.shard},
            f"Shard {event.shard} was cut over before its snapshot was done.",
            conclusive=self.cluster.is_whole((*move.reporters, event.node), move.since_ms),
            lapses_after_ms=self.LAPSES_AFTER_MS,
            evidence=(move.position,),
        )
