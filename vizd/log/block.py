"""About a second of windows, compressed.

    events    every event's JSON, in one zstd frame, with commas between: a window of it is what readers are sent
    facets    which facet each event has, as indexes into the segment's table, in another
    rare      both again, of the rare events only: whoever reads elections does not unpack a flood of fsyncs
    marks     of all windows

What is small is kept plain: bounds and counts of each window, and which facets occur at all. So a reader skips
what it does not want without unpacking anything.

Events are found again by how each begins, see ``apart``.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from itertools import compress as compress_by

import msgspec

from vizd.events.catalogue import TYPES
from vizd.events.facet import Facet
from vizd.log.head import BlockHead
from vizd.log.window import Mark, Position, Window
from vizd.log.zstd import compress, decompress

__all__ = ["Block", "FacetTable", "Occurring", "Packed", "Unpacked", "apart"]

RARE_SHARE = 0.05
"""Types that together are no more than this share of a block's events are kept apart as well: a twentieth more
bytes, and they are read twenty times faster."""
_BLOCK_OVERHEAD_BYTES = 2_500
"""Of the objects of a block: measured as about 2,300."""
_FACET_BYTES = 400
"""Of a facet and its places in a table."""

_BITS = bytes.maketrans(b"01", bytes([0, 1]))
_encode_marks = msgspec.msgpack.Encoder().encode
_decode_marks = msgspec.msgpack.Decoder(list[list[Mark]]).decode


class FacetTable(dict[Facet, int]):
    """The facets of a segment: ``table[facet]`` is its index, and adds it where it is new. Equal ones have one.

    A dict and nothing around it, since it is asked once per event.

    :ivar facets: by index.
    """

    def __init__(self) -> None:
        self.facets: list[Facet] = []
        self._by_value: dict[tuple[object, ...], int] = {}

    def __missing__(self, facet: Facet) -> int:
        index = self[facet] = self._by_value.setdefault((facet.kind, facet.nodes, facet.shard), len(self.facets))
        if index == len(self.facets):
            self.facets.append(facet)
        return index

    @property
    def memory_bytes(self) -> int:
        """About what it takes."""
        return _FACET_BYTES * len(self)


class Occurring:
    """Which facets occur in a block, as little as can be said of it. Asked as a ``Summary`` is."""

    __slots__ = ("_mask", "_table", "types")

    def __init__(self, indexes: set[int], table: FacetTable) -> None:
        self._table = table
        self._mask = 0
        self.types = 0
        for index in indexes:
            self._mask |= 1 << index
            self.types |= 1 << table.facets[index].kind.type.index

    def _facets(self) -> Iterable[Facet]:
        bits = f"{self._mask:b}"[::-1].encode().translate(_BITS)  # A shift for each would be one of the whole mask.
        return compress_by(self._table.facets, bits)

    @property
    def nodes(self) -> frozenset[int]:
        """See ``Summary``."""
        return frozenset(node for facet in self._facets() for node in facet.nodes)

    @property
    def shards(self) -> frozenset[int | None]:
        """See ``Summary``."""
        return frozenset(facet.shard for facet in self._facets())

    @property
    def memory_bytes(self) -> int:
        """About what it takes."""
        return 100 + self._mask.bit_length() // 8


def apart(text: bytes) -> list[bytes]:
    """The events of a text with commas between.

    An event begins with its ts, and nothing else looks like that: within a string a quote is escaped.
    """
    return text.replace(b',{"ts":', b'\n{"ts":').split(b"\n") if text else []


class Unpacked:
    """Events of a block, unpacked as far as they are asked for."""

    def __init__(self, packed: "Packed") -> None:
        self._packed = packed

    @cached_property
    def _text(self) -> bytes:
        return decompress(self._packed.events)

    @cached_property
    def _text_ends(self) -> Sequence[int]:
        """Where each window's end in it, behind a leading 0."""
        return list(accumulate(self._packed.sizes, initial=0))

    @cached_property
    def _facets(self) -> "array[int]":
        indexes = array("I")
        indexes.frombytes(decompress(self._packed.facets))
        return indexes

    @cached_property
    def _facet_ends(self) -> Sequence[int]:
        return list(accumulate(self._packed.counts, initial=0))

    def unpack(self) -> None:
        """Everything, now, where whoever asks for it later must not wait."""
        _ = self._text, self._facets

    def text_of(self, window: int) -> bytes:
        """The events of the block's window with this index, with commas between."""
        return self._text[self._text_ends[window] : max(self._text_ends[window], self._text_ends[window + 1] - 1)]

    def facets_of(self, window: int) -> "array[int]":
        """The indexes of their facets."""
        return self._facets[self._facet_ends[window] : self._facet_ends[window + 1]]


@dataclass(frozen=True, slots=True)
class Packed:
    """Some events of a block, compressed.

    :ivar sizes: bytes of each window's events, each with a comma. :ivar counts: events of each window.
    """

    events: bytes
    facets: bytes
    sizes: "array[int]"
    counts: "array[int]"

    @classmethod
    def of(cls, events: Sequence[Sequence[bytes]], facets: Sequence[Sequence[int]]) -> "Packed":
        """
        :param events: of each window. :param facets: the indexes of their facets.
        """
        texts = [b",".join(window) + b"," if window else b"" for window in events]
        indexes = array("I", [index for window in facets for index in window])
        return cls(
            compress(b"".join(texts)),
            compress(indexes.tobytes()),
            array("I", map(len, texts)),
            array("I", map(len, events)),
        )

    def unpack(self) -> Unpacked:
        """The events again."""
        return Unpacked(self)

    @property
    def memory_bytes(self) -> int:
        """About what it takes."""
        return len(self.events) + len(self.facets) + self.sizes.itemsize * 2 * len(self.sizes)


class Block(BlockHead):
    """Windows that follow each other, compressed. Never changed.

    :ivar table: of the facets in it; that of its segment, where blocks of one share it.
    :ivar all: every event. :ivar rare: those of the rare types once more, where there are some.
    :ivar packed_marks: see ``marks``.
    """

    __slots__ = ("all", "packed_marks", "rare", "table")

    def __init__(
        self, before: Position, windows: Sequence[Window], table: FacetTable, latest_before_ms: int = 0
    ) -> None:
        """
        :param latest_before_ms: the latest end of a window in front of it.
        """
        self.table = table
        self.packed_marks = compress(_encode_marks([window.marks for window in windows]))
        indexes = [list(map(table.__getitem__, window.facets)) for window in windows]
        different = {index for window in indexes for index in window}
        everything = Occurring(different, table)
        self.all = Packed.of([window.fragments for window in windows], indexes)
        rare = _rare_types([sum(window.counts[index] for window in windows) for index in range(len(TYPES))])
        rare_indexes = {index for index in different if rare >> table.facets[index].kind.type.index & 1}
        common = Occurring(different - rare_indexes, table)
        self.rare = _pack_some(windows, indexes, rare_indexes) if rare_indexes else None
        counts_by_type = array("I", [count for window in windows for count in window.counts])
        super().__init__(
            before,
            latest_before_ms,
            [window.origin for window in windows],
            array("Q", [window.start_ms for window in windows]),
            array("Q", [window.end_ms for window in windows]),
            counts_by_type,
            everything,
            common,
            self.all.memory_bytes
            + (self.rare.memory_bytes if self.rare else 0)
            + len(self.packed_marks)
            + 4 * len(counts_by_type)
            + 24 * len(windows)
            + everything.memory_bytes
            + common.memory_bytes
            + _BLOCK_OVERHEAD_BYTES,
        )

    def marks(self) -> list[list[Mark]]:
        """Of each window."""
        return _decode_marks(decompress(self.packed_marks))

    @classmethod
    def again(cls, head: BlockHead, table: FacetTable, events: "Packed", packed_marks: bytes) -> "Block":
        """A block that was kept elsewhere.

        :param events: all of them, or the rare ones, where the reader wants no others: ``all`` of the new block.
        """
        block = cls.__new__(cls)
        BlockHead.__init__(
            block, head.before, head.latest_before_ms, head.origins, head.starts, head.ends, head.counts_by_type,
            head.everything, head.common, head.memory_bytes,
        )  # fmt: skip
        block.table, block.all, block.rare, block.packed_marks = table, events, None, packed_marks
        return block


def _pack_some(windows: Sequence[Window], indexes: Sequence[Sequence[int]], wanted: set[int]) -> Packed:
    """Only the events whose facets have a wanted index."""
    kept = [[at for at, index in enumerate(window) if index in wanted] for window in indexes]
    return Packed.of(
        [[window.fragments[at] for at in places] for window, places in zip(windows, kept, strict=True)],
        [[window[at] for at in places] for window, places in zip(indexes, kept, strict=True)],
    )


def _rare_types(counts: Sequence[int]) -> int:
    """The types that are rare together, as a bit mask."""
    room = int(sum(counts) * RARE_SHARE)
    mask = 0
    for count, index in sorted((count, index) for index, count in enumerate(counts) if count):
        room -= count
        if room < 0:
            break
        mask |= 1 << index
    return mask
