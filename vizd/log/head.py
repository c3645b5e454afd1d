"""What is known of a block without unpacking it: enough to skip it, and to find an instant in it.

It is small and stays in memory, wherever the block itself is.
"""

from array import array
from collections.abc import Sequence

from vizd.events.catalogue import TYPES
from vizd.log.window import Position, Summary

__all__ = ["BlockHead"]


class BlockHead:
    """Of windows that follow each other. Never changed.

    :ivar before: in front of its first window. :ivar behind: behind its last one.
    :ivar latest_before_ms: the latest end of a window in front of it.
    :ivar latest_ms: the latest end of a window, up to its last; after a step of the clock that may be another one's.
    :ivar origins: of each window. :ivar starts: ``start_ms`` of each. :ivar ends: ``end_ms`` of each.
    :ivar counts_by_type: events by type of each window, one after the other.
    :ivar everything: what occurs in it. :ivar common: what occurs in it and is not rare.
    :ivar memory_bytes: about what the block takes, where it is kept.
    """

    __slots__ = (
        "before",
        "behind",
        "common",
        "counts_by_type",
        "ends",
        "everything",
        "latest_before_ms",
        "latest_ms",
        "memory_bytes",
        "origins",
        "starts",
    )

    def __init__(
        self,
        before: Position,
        latest_before_ms: int,
        origins: Sequence[str],
        starts: "array[int]",
        ends: "array[int]",
        counts_by_type: "array[int]",
        everything: Summary,
        common: Summary,
        memory_bytes: int,
    ) -> None:
        """Arguments as the attributes."""
        self.before = before
        self.latest_before_ms = latest_before_ms
        self.latest_ms = max(latest_before_ms, *ends)
        self.origins = origins
        self.starts = starts
        self.ends = ends
        self.counts_by_type = counts_by_type
        self.everything = everything
        self.common = common
        self.memory_bytes = memory_bytes
        self.behind = Position(before.seq + len(starts), before.total_events + sum(counts_by_type), ends[-1])

    def __len__(self) -> int:
        return len(self.starts)

    def bounds(self, window: int) -> tuple[int, int]:
        """``start_ms`` and ``end_ms`` of the window with this index."""
        return self.starts[window], self.ends[window]

    def counts(self, window: int) -> Sequence[int]:
        """Events by type of the window with this index."""
        return self.counts_by_type[window * len(TYPES) : (window + 1) * len(TYPES)]

    def position(self, window: int) -> Position:
        """Behind the window with this index; -1 is in front of the first."""
        if window < 0:
            return self.before
        events = sum(self.counts_by_type[: (window + 1) * len(TYPES)])
        return Position(self.before.seq + window + 1, self.before.total_events + events, self.ends[window])
