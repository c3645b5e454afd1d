"""Blocks and keyframes that lie in the database, for readers who wait for them."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from vizd.log.block import Block
from vizd.log.disk.keyframes import STATE
from vizd.log.disk.lane import ILane
from vizd.log.disk.reader import Reader
from vizd.log.disk.store import Store
from vizd.log.head import BlockHead
from vizd.log.sealed import Unpacker

__all__ = ["READERS", "Shelf"]

READERS = 2
"""As many as a small machine has cores: a block that takes long does not hold all others up."""

T = TypeVar("T")


class Shelf:
    """Fetches them, each reader's in a thread with a connection of its own, and keeps the newest for a while.

    Whoever reads waits for one block before it asks for the next, so no more wait than there are readers.

    :ivar unpacker: of the blocks that it has given.
    """

    def __init__(self, store: Store, lanes: Sequence[ILane]) -> None:
        self._readers = [(lane, Reader(store.connect_to_read())) for lane in lanes]
        self._asked = 0
        self._kept: OrderedDict[tuple[int, str], Block] = OrderedDict()
        self.unpacker = Unpacker()

    def close(self) -> None:
        """When what was asked for is done."""
        for lane, reader in self._readers:
            lane.stop()
            reader.close()

    async def block(self, head: BlockHead, column: str) -> Block | None:
        """The block of ``head``, see ``Reader``."""
        key = head.before.seq, column
        block = self._kept.pop(key, None)
        if block is None:
            found = await self._ask(lambda reader: reader.block(head, column))
            if found is None:
                return None
            block, unpacked = found
            self.unpacker.keep(block.all, unpacked)
        self._kept[key] = block
        if len(self._kept) > Unpacker.MAX_KEPT:
            self._kept.popitem(last=False)
        return block

    async def keyframe(self, seq: int) -> list[bytes] | None:
        """The packed pieces of its state, see ``Reader``."""
        return await self._ask(lambda reader: reader.keyframe(seq, STATE))

    async def _ask(self, question: Callable[[Reader], T]) -> T:
        self._asked += 1
        lane, reader = self._readers[self._asked % len(self._readers)]
        return await lane.run(partial(question, reader))
