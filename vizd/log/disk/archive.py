"""A chronicle whose blocks are in a database: how it is found again, and how it is read."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from operator import attrgetter

from twisted.logger import Logger

from vizd.log.chronicle import Chronicle
from vizd.log.disk.contents import Contents, Lost
from vizd.log.disk.keyframes import StoredKeyframe
from vizd.log.disk.reader import Reader
from vizd.log.disk.recall import Recalled
from vizd.log.disk.rows import Damaged
from vizd.log.disk.shelf import Shelf
from vizd.log.disk.store import Store
from vizd.log.head import BlockHead
from vizd.log.keyframe import BEGINNING, Keyframe
from vizd.log.pages import PageMaker
from vizd.log.segment import Segment
from vizd.log.window import Gap, Page, PageLimits, Position, Summary

__all__ = ["Archive"]

_seq = attrgetter("seq")


class Archive(Chronicle):
    """What ``ILog`` promises of reading. A subclass opens the store, and its shelf."""

    _log = Logger()
    _store: Store
    _shelf: Shelf

    def _resume_from(self, contents: Contents) -> None:
        sizes = dict(contents.keyframes)
        segments: list[Segment] = []
        for head in contents.heads:
            if head.before.seq in sizes:
                segments.append(Segment(StoredKeyframe(head.before, sizes[head.before.seq])))
            elif not segments:
                segments.append(Segment(None if head.before.seq else BEGINNING))
            segments[-1].add(head)
        first = contents.heads[0].latest_before_ms if contents.heads else contents.latest_before_ms
        self._resume(segments, contents.windows, contents.before, first)
        if self.head.seq:
            places = [self.tail, *(window.position for window in self._plain)]
            ahead: list[Keyframe] = [StoredKeyframe(place, sizes[place.seq]) for place in places if place.seq in sizes]
            drawn = [segment.keyframe for segment in segments if segment.keyframe] + ahead
            if not self.tail.seq:
                ahead[:0] = [BEGINNING]
            self._borders.resume(ahead, drawn[-1].position.end_ms if drawn else None)

    @contextmanager
    def recalled(self) -> Iterator[Recalled]:
        """What there was, to fold again from the newest keyframe on. Before ``start``."""
        made = (keyframe.position for keyframe in self._keyframes(self.head) if keyframe.position.seq)
        position = next(made, self.oldest)
        with closing(self._store.connect_to_read()) as connection:
            heads = self._heads[self._block_at(position.seq + 1) :]
            yield Recalled(Reader(connection), position, heads, self._plain)

    def _swap(self, keyframe: Keyframe, stored: Keyframe) -> None:
        """``keyframe`` is in the database now."""
        for segment in self._segments:
            if segment.keyframe is keyframe:
                segment.keyframe = stored
        ahead = self._borders.ahead
        for index, each in enumerate(ahead):
            if each is keyframe:
                ahead[index] = stored

    async def keyframe(self, position: Position) -> Keyframe:
        """See ``ILog``."""
        for keyframe in self._keyframes(position):
            if not isinstance(keyframe, StoredKeyframe):
                return keyframe
            try:
                packed = await self._shelf.keyframe(keyframe.position.seq)
            except Damaged as why:
                self._log.error("a keyframe is damaged: {why}", why=why)
                continue
            if packed is not None:
                return Keyframe.again(keyframe.position, packed)
        return self._beginning(position)

    async def read(
        self,
        position: Position,
        stop: Position,
        wanted: Callable[[Summary], bool],
        limits: PageLimits = PageLimits(),  # noqa: B008 -- frozen
    ) -> Page:
        """See ``ILog``."""
        gap, begin = self._entered(position, stop)
        end_seq = min(stop.seq, self.head.seq)
        page = PageMaker(begin, end_seq, wanted, limits)
        damaged = await self._fill(page)
        if gap or page.position.seq > begin.seq or begin.seq >= end_seq:
            return Page(gap, page.windows, page.position)
        if damaged is None:  # It was trimmed while this waited for it.
            return await self.read(position, stop, wanted, limits)
        behind = min(damaged.behind, stop, key=_seq)
        return Page(Gap.between(position, behind, self._goes_on_ms(behind), "corrupt"), [], behind)

    async def _fill(self, page: PageMaker) -> BlockHead | None:
        """Until it is full, or its end has come; or a block that can't be read, which is returned."""
        while page.goes_on and page.position.seq < self.tail.seq:
            if page.position.seq < self.oldest.seq:
                return None
            head = self._heads[self._block_at(page.position.seq + 1)]
            if isinstance(head, Lost):
                return head
            if not page.wants(head):
                continue
            has_rare = head.everything.types != head.common.types
            try:
                block = await self._shelf.block(head, "rare" if has_rare and not page.wants_common(head) else "whole")
            except Damaged as why:
                self._log.error("history is damaged: {why}", why=why)
                return head
            if block is None:
                return head if head.before.seq >= self.oldest.seq else None
            page.take_block(block, block.all, self._shelf.unpacker)
        while page.goes_on:
            page.take(self._plain[page.position.seq - self.tail.seq])
        return None

    def _goes_on_ms(self, position: Position) -> int | None:
        """When the window behind it starts; where that is yet to come, or within a block, when the one before ends."""
        at = self._block_at(position.seq + 1)
        if at < len(self._heads) and self._heads[at].before.seq == position.seq:
            return self._heads[at].starts[0]
        window = self.after(position) if at == len(self._heads) else None
        return position.end_ms if window is None else window.start_ms
