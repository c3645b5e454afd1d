"""A run of blocks that is trimmed as a whole, with what its readers need to begin there."""

from vizd.log.block import FacetTable
from vizd.log.head import BlockHead
from vizd.log.keyframe import Keyframe

__all__ = ["Segment"]


class Segment:
    """About a minute of the log.

    :ivar keyframe: the state of the folds at its beginning; ``None`` where nobody knows it.
    :ivar table: of the facets in its blocks. :ivar blocks: in order; there is one at least once it is in use.
    :cvar MAX_AGE_MS: after which the next one begins.
    :cvar WORTH: how many times what it takes by itself its blocks should take, or keyframes and tables would fill
        the log.
    """

    MAX_AGE_MS = 60_000
    WORTH = 4

    def __init__(self, keyframe: Keyframe | None = None) -> None:
        self.keyframe = keyframe
        self.table = FacetTable()
        self.blocks: list[BlockHead] = []
        self._blocks_bytes = 0

    def add(self, block: BlockHead) -> None:
        """The next block."""
        self.blocks.append(block)
        self._blocks_bytes += block.memory_bytes

    @property
    def own_bytes(self) -> int:
        """About what it takes beside its blocks."""
        return self.table.memory_bytes + (self.keyframe.memory_bytes if self.keyframe else 0)

    @property
    def memory_bytes(self) -> int:
        """About what it takes."""
        return self._blocks_bytes + self.own_bytes

    def is_full(self, max_bytes: int) -> bool:
        """A new one should begin, by its size.

        :param max_bytes: of one segment.
        """
        own_bytes = self.own_bytes
        return self._blocks_bytes + own_bytes >= max_bytes or 0 < self.WORTH * own_bytes <= self._blocks_bytes
