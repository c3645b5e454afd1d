"""What a daemon that starts again reads to know what it knew: the newest keyframe, and the windows behind it."""

from collections.abc import Iterator, Sequence
from itertools import repeat

from vizd.log.disk.contents import Lost
from vizd.log.disk.reader import Reader
from vizd.log.disk.rows import Damaged
from vizd.log.head import BlockHead
from vizd.log.sealed import SealedWindow, Unpacker
from vizd.log.window import Position, Window
from vizd.log.zstd import decompress

__all__ = ["Recalled"]


class Recalled:
    """Read before the log is written on.

    :ivar position: where the newest keyframe was made; the oldest place of the log, if there is none.
    """

    def __init__(self, reader: Reader, position: Position, heads: Sequence[BlockHead], plain: Sequence[Window]) -> None:
        """
        :param heads: of the blocks behind ``position``. :param plain: the windows behind those.
        """
        self.position = position
        self._reader = reader
        self._heads = heads
        self._plain = plain

    def newest(self, part: str) -> Iterator[bytes]:
        """The pieces of this part of the keyframe.

        :raises Damaged: they can't be read.
        """
        return self._pieces(self.position.seq, part)

    def history(self, part: str) -> Iterator[Iterator[bytes]]:
        """The same of all keyframes up to it that still have the part, the oldest first."""
        return map(self._pieces, self._reader.having(part, self.position.seq), repeat(part))

    def _pieces(self, seq: int, part: str) -> Iterator[bytes]:
        """Read when the first is asked for, so that what is damaged spoils nothing else."""
        yield from map(decompress, self._reader.keyframe(seq, part) or ())

    def windows(self) -> Iterator[Window]:
        """Those behind the keyframe, but for damaged ones."""
        unpacker = Unpacker()
        for head in self._heads:
            try:
                found = None if isinstance(head, Lost) else self._reader.block(head, "whole")
            except Damaged:
                continue  # Whoever reads there is told of it.
            if found is not None:
                block, unpacked = found
                unpacker.keep(block.all, unpacked)
                for index in range(max(0, self.position.seq - head.before.seq), len(head)):
                    yield SealedWindow(block, index, block.all, unpacker)
        yield from (window for window in self._plain if window.seq > self.position.seq)
