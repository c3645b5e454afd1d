"""What became of the events of a simulation: the numbers that it ends with."""

from dataclasses import asdict, dataclass
from typing import Any

from vizd.client.stats import PublisherStats

__all__ = ["Accounting", "NodeAccount"]


@dataclass(frozen=True, slots=True)
class NodeAccount:
    """One node's events: emitted = acked + undelivered + dropped.

    :ivar lives: of its process: it may die and begin again.
    :ivar sent: got a sequence number, so were sent once or more.
    :ivar acked: stored by the daemon, as it says.
    :ivar undelivered: kept when the simulation ended, and lost with it.
    :ivar rejected: refused by the daemon as invalid; counted as acked too.
    :ivar streams: welcomed by a daemon, in the life that had most: 1, unless one broke.
    :ivar fenced: its newest life was refused, since another process publishes as this node.
    :ivar last_error: why the last stream ended or could not begin.
    """

    node: int
    node_name: str
    lives: int
    emitted: int
    sent: int
    acked: int
    dropped: int
    undelivered: int
    rejected: int
    streams: int
    fenced: bool
    last_error: str | None

    @classmethod
    def empty(cls, node: int, node_name: str) -> "NodeAccount":
        """Of no life at all."""
        return cls(node, node_name, 0, 0, 0, 0, 0, 0, 0, 0, False, None)

    @classmethod
    def of(cls, node: int, node_name: str, stats: PublisherStats) -> "NodeAccount":
        """One life, from its publisher's snapshot."""
        return cls(
            node=node,
            node_name=node_name,
            lives=1,
            emitted=stats.events.emitted,
            sent=stats.events.sent,
            acked=stats.events.acked,
            dropped=stats.events.dropped_total,
            undelivered=stats.events.waiting + stats.events.in_flight,
            rejected=stats.rejected,
            streams=stats.streams,
            fenced=stats.fenced,
            last_error=stats.last_error,
        )

    def __add__(self, later: "NodeAccount") -> "NodeAccount":
        """This and a later life of the same node."""
        return NodeAccount(
            node=self.node,
            node_name=self.node_name,
            lives=self.lives + later.lives,
            emitted=self.emitted + later.emitted,
            sent=self.sent + later.sent,
            acked=self.acked + later.acked,
            dropped=self.dropped + later.dropped,
            undelivered=self.undelivered + later.undelivered,
            rejected=self.rejected + later.rejected,
            streams=max(self.streams, later.streams),
            fenced=later.fenced,
            last_error=later.last_error or self.last_error,
        )


@dataclass(frozen=True, slots=True)
class Accounting:
    """All nodes of a simulation."""

    nodes: tuple[NodeAccount, ...]

    def total(self, name: str) -> int:
        """The sum over the nodes of the number called ``name`` in ``NodeAccount``."""
        return sum(getattr(node, name) for node in self.nodes)

    @property
    def delivered(self) -> bool:
        """Whether everything that was emitted is stored."""
        return self.total("acked") == self.total("emitted")

    @property
    def last_errors(self) -> list[str]:
        """Of all nodes, each once."""
        return list(dict.fromkeys(node.last_error for node in self.nodes if node.last_error))

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the totals, and the nodes under ``nodes``."""
        names = ("emitted", "sent", "acked", "dropped", "undelivered", "rejected", "streams")
        return {**{name: self.total(name) for name in names}, "nodes": [asdict(node) for node in self.nodes]}

    def as_text(self) -> str:
        """For people: the totals, then the nodes with which something was wrong."""
        lines = [
            f"{len(self.nodes)} nodes: {self.total('emitted'):,} events emitted, {self.total('acked'):,} stored, "
            f"{self.total('dropped'):,} dropped, {self.total('undelivered'):,} undelivered, "
            f"{self.total('rejected'):,} rejected"
        ]
        lines += [
            f"{node.node_name}: {node.acked:,} of {node.emitted:,} stored, streams: {node.streams}"
            for node in self.nodes
            if node.acked < node.emitted or node.rejected or node.streams != 1
        ]
        lines += [f"last error: {error}" for error in self.last_errors]
        return "\n".join(lines)
