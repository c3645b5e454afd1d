"""What the log has of one node, as ``Coverage`` keeps it and as it is told."""

from dataclasses import dataclass, field
from typing import Any

from vizd.log.window import Publisher
from vizd.state.copied import CopiedDict
from vizd.state.received import Received
from vizd.state.spans import Span, Spans

__all__ = ["COMPLETE", "DISCONNECTED", "LOSSY", "Covered", "CoveredNode", "covered_nodes"]

COMPLETE, LOSSY, DISCONNECTED = "complete", "lossy", "disconnected"

_NODES_IN_PART = 16
"""Of a copy. One takes 6 kB after an hour, and 50 kB at most."""


@dataclass(frozen=True, slots=True)
class Covered:
    """What is known of one node's part of a range.

    :ivar lost: events, of all seconds that have a part in the range.
    :ivar disconnected_ms: milliseconds of the range.
    :ivar is_uncertain: there were more that are lost, and nobody knows how many.
    """

    lost: int
    disconnected_ms: int
    is_uncertain: bool = False

    @property
    def word(self) -> str:
        """The worst of it: ``disconnected`` before ``lossy`` before ``complete``."""
        return DISCONNECTED if self.disconnected_ms else LOSSY if self.lost or self.is_uncertain else COMPLETE


@dataclass(slots=True, eq=False)
class CoveredNode:
    """:ivar disconnected_ms: since when it is; ``None``: it is connected."""

    publisher: Publisher
    first_seen_ms: int
    disconnected_ms: int | None = None
    skew_ms: int | None = None
    lost: Spans = field(default_factory=Spans)
    disconnected: Spans = field(default_factory=Spans)
    received: Received = field(default_factory=Received)

    def disconnected_in(self, from_ms: int, to_ms: int) -> list[Span]:
        """Its disconnected spans, cut to the range; one that is still open goes on to its end."""
        spans = self.disconnected.overlapping(from_ms, to_ms)
        if self.disconnected_ms is not None and self.disconnected_ms < to_ms:
            spans.append((self.disconnected_ms, to_ms, 0))
        return [(max(begin, from_ms), min(end, to_ms), 0) for begin, end, _ in spans if end > from_ms]


def covered_nodes() -> CopiedDict[int, CoveredNode]:
    """None yet."""
    return CopiedDict(tuple[int, CoveredNode], _columns, _of_columns, _NODES_IN_PART)


def _columns(series: Any) -> Any:
    return series.columns()


def _of_columns(kind: type, columns: Any) -> Any:
    return Received.of(*columns) if kind is Received else Spans.of(columns)
