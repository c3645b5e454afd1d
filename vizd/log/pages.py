"""How a page of the log is filled: from blocks, of which as little as possible is unpacked, and from plain windows."""

from collections.abc import Callable
from functools import cached_property

from vizd.log.block import Block, Packed
from vizd.log.head import BlockHead
from vizd.log.sealed import SealedWindow, Unpacker
from vizd.log.window import PageLimits, Position, Summary, Window

__all__ = ["PageMaker"]

SCANNED_PER_BLOCK = 100
"""What looking at a block counts as, in windows: asking it for nodes or shards takes about 70 us."""


class _Glance:
    """A window of a block, as far as that can be told at a glance: its types, and the nodes and shards of the block.

    :ivar types: of the window.
    """

    def __init__(self, block: Block) -> None:
        self._block = block
        self.types = 0

    @cached_property
    def nodes(self) -> frozenset[int]:
        """See ``Summary``."""
        return self._block.everything.nodes

    @cached_property
    def shards(self) -> frozenset[int | None]:
        """See ``Summary``."""
        return self._block.everything.shards


class PageMaker:
    """Fills a page until it is full, or the range has ended."""

    def __init__(
        self, position: Position, stop_seq: int, wanted: Callable[[Summary], bool], limits: PageLimits
    ) -> None:
        self.position = position
        self.windows: list[Window] = []
        self._stop_seq = stop_seq
        self._wanted = wanted
        self._room_windows = limits.windows
        self._room_scanned = limits.scanned
        self._room_bytes = limits.memory_bytes

    @property
    def goes_on(self) -> bool:
        """There is something to read, and room for it."""
        return (
            self.position.seq < self._stop_seq
            and self._room_windows > 0
            and self._room_scanned > 0
            and self._room_bytes > 0
        )

    def take(self, window: Window, summary: Summary | None = None) -> None:
        """Take the next window, if it is wanted.

        :param summary: says as much of it as is known without unpacking it.
        """
        self.position = window.position
        self._room_scanned -= 1
        if self._wanted(summary or window):
            self.windows.append(window)
            self._room_windows -= 1
            self._room_bytes -= window.memory_bytes

    def wants(self, head: BlockHead) -> bool:
        """Whether anything of the next block is; if not, the page goes on behind it."""
        self._room_scanned -= SCANNED_PER_BLOCK
        if self._wanted(head.everything):
            return True
        self.position = head.position(self._behind(head) - 1)
        return False

    def wants_common(self, head: BlockHead) -> bool:
        """Whether anything of it is that is not rare."""
        return self._wanted(head.common)

    def _behind(self, head: BlockHead) -> int:
        """The index of the window that is the first one not to be looked at."""
        return min(len(head), self._stop_seq - head.before.seq)

    def take_block(self, block: Block, packed: Packed, unpacker: Unpacker) -> None:
        """Take the windows of the next block that are wanted, from ``position`` on.

        :param packed: its events: all, or the rare ones if no others are wanted.
        """
        glance = _Glance(block)
        for index in range(self.position.seq - block.before.seq, self._behind(block)):
            window = SealedWindow(block, index, packed, unpacker)
            glance.types = window.types
            self.take(window, glance)
            if not self.goes_on:
                return
