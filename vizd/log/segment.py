"""A run of blocks that is trimmed as a whole, with what its readers need to begin there."""

from vizd.log.block import Block, FacetTable

__all__ = ["Segment"]


class Segment:
    """About a minute of the log.

    :ivar keyframe: the state of the folds at its beginning; ``None`` while there are no folds.
    :ivar table: of the facets in its blocks. :ivar blocks: in order.
    :cvar MAX_AGE_MS: after which the next block begins a new one.
    """

    MAX_AGE_MS = 60_000

    def __init__(self, keyframe: bytes | None = None) -> None:
        self.keyframe = keyframe
        self.table = FacetTable()
        self.blocks: list[Block] = []
        self._blocks_bytes = 0

    def add(self, block: Block) -> None:
        """The next block."""
        self.blocks.append(block)
        self._blocks_bytes += block.memory_bytes

    @property
    def memory_bytes(self) -> int:
        """About what it takes."""
        return self._blocks_bytes + self.table.memory_bytes + len(self.keyframe or b"")

    def is_full(self, max_bytes: int) -> bool:
        """The next block should begin a new one."""
        age_ms = (self.blocks[-1].behind.end_ms or 0) - self.blocks[0].starts[0]
        return age_ms >= self.MAX_AGE_MS or self.memory_bytes >= max_bytes
