"""A window of a block: its bounds at once, its events when they are asked for."""

from array import array
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import Any

from vizd.events.facet import Facet
from vizd.log.block import Block, Packed, Unpacked, apart
from vizd.log.window import Window, counts_of

__all__ = ["SealedWindow", "Unpacker"]


class Unpacker:
    """Keeps what was unpacked last: readers ask for one window of a block after the other.

    :cvar MAX_KEPT: blocks; one per history that is read at once, and some for live readers who are behind.
    """

    MAX_KEPT = 12

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[Packed, Unpacked]] = OrderedDict()

    def unpack(self, packed: Packed) -> Unpacked:
        """``packed.unpack()``, remembered."""
        kept = self._kept.get(id(packed))
        unpacked = packed.unpack() if kept is None else kept[1]
        self.keep(packed, unpacked)
        return unpacked

    def keep(self, packed: Packed, unpacked: Unpacked) -> None:
        """Remember that ``unpacked`` is ``packed``, unpacked."""
        self._kept.pop(id(packed), None)
        if len(self._kept) >= self.MAX_KEPT:
            self._kept.popitem(last=False)
        self._kept[id(packed)] = (packed, unpacked)


class SealedWindow(Window):
    """Looks like the window that was sealed.

    Where it was read for a reader who wants rare types only, ``facets`` and ``fragments`` are those of the rare
    events.
    """

    __slots__ = ("_block", "_index", "_packed", "_unpacker")

    def __init__(self, block: Block, index: int, packed: Packed, unpacker: Unpacker) -> None:
        """
        :param index: its place in the block. :param packed: ``block.all``, or ``block.rare``.
        """
        self._block = block
        self._index = index
        self._packed = packed
        self._unpacker = unpacker
        self.position = block.position(index)
        self.seq = self.position.seq
        self.start_ms, self.end_ms = block.bounds(index)
        self.origin = block.origins[index]
        self.counts = tuple(block.counts(index))
        self.types = sum(1 << each for each, count in enumerate(self.counts) if count)
        self.memory_bytes = packed.sizes[index]

    @property
    def _unpacked(self) -> Unpacked:
        return self._unpacker.unpack(self._packed)

    def __getattr__(self, name: str) -> Any:
        """Fill a slot that is asked for and not filled yet."""
        match name:
            case "fragments":
                self.fragments = apart(self._unpacked.text_of(self._index))
            case "facets":
                facets = self._block.table.facets
                self.facets = [facets[index] for index in self._unpacked.facets_of(self._index)]
            case "nodes":
                self.nodes = frozenset(node for facet in set(self.facets) for node in facet.nodes)
            case "shards":
                self.shards = frozenset(facet.shard for facet in set(self.facets))
            case "marks":
                self.marks = tuple(self._block.marks()[self._index])
            case _:
                raise AttributeError(name)
        return getattr(self, name)

    def _passing(self, indexes: "array[int]", verdicts: Mapping[Facet, bool]) -> set[int]:
        """Of the facets with these indexes those that pass; each is judged once."""
        facets = self._block.table.facets
        return {index for index in set(indexes) if verdicts[facets[index]]}

    def _counts_of(self, indexes: Iterable[int]) -> Sequence[int]:
        facets = self._block.table.facets
        return counts_of((facets[index], number) for index, number in Counter(indexes).items())

    def pick(self, verdicts: Mapping[Facet, bool]) -> tuple[Sequence[bytes], Sequence[int]]:
        """See ``Window``. Events are found by the index of their facet."""
        unpacked = self._unpacked
        indexes = unpacked.facets_of(self._index)
        passing = self._passing(indexes, verdicts)
        if not passing:
            return [], counts_of(())
        passes = list(map(passing.__contains__, indexes))
        events = apart(unpacked.text_of(self._index))
        return list(compress(events, passes)), self._counts_of(compress(indexes, passes))

    def tally(self, verdicts: Mapping[Facet, bool]) -> Sequence[int]:
        """See ``Window``."""
        indexes = self._unpacked.facets_of(self._index)
        return self._counts_of(filter(self._passing(indexes, verdicts).__contains__, indexes))

    @property
    def chunks(self) -> list[bytes]:
        """See ``Window``; not taken apart."""
        text = self._unpacked.text_of(self._index)
        return [text] if text else []
