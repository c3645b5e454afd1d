"""The log in memory, bounded by age and by bytes: a chronicle whose blocks are in it."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import cast

from zope.interface import implementer

from vizd.log.block import Block
from vizd.log.borders import Borders
from vizd.log.chronicle import Chronicle
from vizd.log.interfaces import ILog
from vizd.log.keyframe import Keyframe
from vizd.log.pages import PageMaker
from vizd.log.sealed import Unpacker
from vizd.log.window import Draft, Page, PageLimits, Position, Summary

__all__ = ["MemoryLog"]

MAX_SEALED_PER_APPEND = 2
"""Enough for 200,000 events/s."""


@implementer(ILog)
class MemoryLog(Chronicle):
    """See ``ILog``. An append is durable at once: as durable as this process."""

    has_room = True

    def __init__(
        self,
        origin: str,
        max_age_ms: int,
        max_bytes: int,
        epoch: bytes = bytes(8),
        keyframe: Callable[[], Iterable[bytes]] = tuple,
    ) -> None:
        """See ``Chronicle``; bytes are of memory.

        :param keyframe: pieces of the state of the folds that listen. It is asked for between two appends.
        """
        super().__init__(origin, max_age_ms, max_bytes, epoch, partial(Borders, keyframe))
        self._unpacker = Unpacker()

    def start(self) -> None:
        """See ``ILog``."""

    async def settled(self) -> None:
        """See ``ILog``."""

    async def close(self) -> None:
        """See ``ILog``."""

    def append(self, draft: Draft) -> None:
        """See ``ILog``."""
        window = self._place(draft, self.head, self._newest_start_ms())
        self._join(window)
        for _ in range(MAX_SEALED_PER_APPEND):
            self._seal()
        self._trim()
        self._tell(window)

    def _seal(self) -> None:
        """Seal the oldest plain windows, if they fill a block."""
        count = self._filled()
        if count is not None:
            segment = self._next_segment()
            self._sealed(Block(self.tail, self._plain[:count], segment.table, self._latest_sealed_ms()))

    async def keyframe(self, position: Position) -> Keyframe:
        """See ``ILog``."""
        for keyframe in self._keyframes(position):
            return keyframe
        return self._beginning(position)

    async def read(
        self,
        position: Position,
        stop: Position,
        wanted: Callable[[Summary], bool],
        limits: PageLimits = PageLimits(),  # noqa: B008 -- frozen
    ) -> Page:
        """See ``ILog``."""
        gap, position = self._entered(position, stop)
        page = PageMaker(position, min(stop.seq, self.head.seq), wanted, limits)
        at = self._block_at(position.seq + 1)
        while page.goes_on and page.position.seq < self.tail.seq:
            block = cast(Block, self._heads[at])
            if page.wants(block):
                packed = block.all if block.rare is None or page.wants_common(block) else block.rare
                page.take_block(block, packed, self._unpacker)
            at += 1
        while page.goes_on:
            page.take(self._plain[page.position.seq - self.tail.seq])
        return Page(gap, page.windows, page.position)
