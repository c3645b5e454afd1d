"""A block as a row of the database, and again from it.

    head      what is needed to skip it, and to find an instant in it; all heads are read at the start
    rest      the facets that occur, and the marks
    rare      its rare events, where there are some: read instead of ``whole`` for whoever wants no others
    whole     all its events

Each column begins with a CRC-32, of what follows and of the row and column that it is of: bytes that were damaged, or
written to another place, are never taken for what they are not.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from zlib import crc32

import msgspec

from vizd.events.facet import FacetRow, Facets
from vizd.log.block import Block, FacetTable, Packed, apart
from vizd.log.head import BlockHead
from vizd.log.window import Draft, Position, Summary, Window
from vizd.log.zstd import compress, decompress

__all__ = ["Damaged", "Row", "Said", "block_of", "head_of", "open_seal", "row_of", "seal", "window_of"]

_CRC_BYTES = 4
_HEAD_BYTES = 1_000
"""Of a head in memory and its arrays, beside what they hold: measured as about 900."""
_WINDOW_BYTES = 24 + 4 * 8
"""Of a window in those arrays."""

T = TypeVar("T")


class Damaged(ValueError):
    """Something that was stored is not what it was."""


class Said(msgspec.Struct, frozen=True, array_like=True):
    """A ``Summary`` in full."""

    types: int
    nodes: frozenset[int]
    shards: frozenset[int | None]

    @classmethod
    def of(cls, summary: Summary) -> "Said":
        """The same."""
        return cls(summary.types, summary.nodes, summary.shards)


class _Head(msgspec.Struct, array_like=True):
    """See ``BlockHead``; ``origins`` is one where all are the same."""

    before: Position
    latest_before_ms: int
    origins: list[str]
    starts: bytes
    ends: bytes
    counts_by_type: bytes
    everything: Said
    common: Said
    memory_bytes: int


class _Rest(msgspec.Struct, array_like=True):
    """What the events share, and the marks."""

    facets: list[FacetRow]
    packed_marks: bytes


class _Events(msgspec.Struct, array_like=True):
    """See ``Packed``."""

    events: bytes
    facets: bytes
    sizes: bytes
    counts: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """The columns, sealed. ``seq`` is that of the first window."""

    seq: int
    head: bytes
    rest: bytes
    rare: bytes | None
    whole: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode_head = msgspec.msgpack.Decoder(_Head).decode
_decode_rest = msgspec.msgpack.Decoder(_Rest).decode
_decode_events = msgspec.msgpack.Decoder(_Events).decode


def seal(body: bytes, seq: int, column: str) -> bytes:
    """``body`` with the checksum that says where it belongs."""
    return crc32(body, crc32(f"{column} {seq}".encode())).to_bytes(_CRC_BYTES, "big") + body


def open_seal(sealed: bytes | None, seq: int, column: str, decode: Callable[[bytes], T]) -> T:
    """What was sealed.

    :raises Damaged: it is not what was written there.
    """
    if not isinstance(sealed, bytes):
        raise Damaged(f"row {seq}, {column}: {type(sealed).__name__} in place of bytes")
    body = sealed[_CRC_BYTES:]
    if seal(body, seq, column)[:_CRC_BYTES] != sealed[:_CRC_BYTES]:
        raise Damaged(f"row {seq}, {column}: its checksum is wrong")
    try:
        return decode(body)
    except (msgspec.MsgspecError, ValueError, LookupError) as why:
        raise Damaged(f"row {seq}, {column}: {why}") from None


def row_of(block: Block) -> Row:
    """``block`` as it is written."""
    seq = block.before.seq + 1
    table = [facet.row() for facet in block.table.facets]
    rest = seal(compress(_encode(_Rest(table, block.packed_marks))), seq, "rest")
    rare = None if block.rare is None else seal(_packed(block.rare), seq, "rare")
    whole = seal(_packed(block.all), seq, "whole")
    head = _Head(
        block.before,
        block.latest_before_ms,
        list(block.origins if len(set(block.origins)) > 1 else block.origins[:1]),
        block.starts.tobytes(),
        block.ends.tobytes(),
        block.counts_by_type.tobytes(),
        Said.of(block.everything),
        Said.of(block.common),
        len(rest) + len(rare or b"") + len(whole) + _HEAD_BYTES + _WINDOW_BYTES * len(block),
    )
    return Row(seq, seal(compress(_encode(head)), seq, "head"), rest, rare, whole)


def _packed(packed: Packed) -> bytes:
    return _encode(_Events(packed.events, packed.facets, packed.sizes.tobytes(), packed.counts.tobytes()))


def head_of(seq: int, sealed: bytes | None, shared: dict[Said, Said]) -> BlockHead:
    """The head of the block in this row.

    :param shared: summaries that others have: a cluster's blocks have the same few, over and over.
    :raises Damaged: it is not what was written there.
    """
    head = open_seal(sealed, seq, "head", lambda body: _decode_head(decompress(body)))
    starts = _array("Q", head.starts)
    return BlockHead(
        head.before,
        head.latest_before_ms,
        head.origins if len(head.origins) > 1 else head.origins * len(starts),
        starts,
        _array("Q", head.ends),
        _array("I", head.counts_by_type),
        shared.setdefault(head.everything, head.everything),
        shared.setdefault(head.common, head.common),
        head.memory_bytes,
    )


def block_of(head: BlockHead, rest: bytes | None, events: bytes | None, column: str, facets: Facets) -> Block:
    """The block again, with the events of ``column``.

    :param facets: shared with other blocks.
    :raises Damaged: something is not what was written there.
    """
    seq = head.before.seq + 1
    said = open_seal(rest, seq, "rest", lambda body: _decode_rest(decompress(body)))
    table = FacetTable()
    try:
        table.facets = [facets.of_row(row) for row in said.facets]
    except LookupError as why:
        raise Damaged(f"row {seq}, rest: no kind of events is {why}") from None
    packed = open_seal(events, seq, column, _decode_events)
    events_again = Packed(packed.events, packed.facets, _array("I", packed.sizes), _array("I", packed.counts))
    return Block.again(head, table, events_again, said.packed_marks)


def window_of(block: Block) -> Window:
    """The window of a block of one, as it was before it was written."""
    unpacked = block.all.unpack()
    facets = [block.table.facets[index] for index in unpacked.facets_of(0)]
    start_ms, end_ms = block.bounds(0)
    draft = Draft(start_ms, end_ms - start_ms, facets, apart(unpacked.text_of(0)), block.marks()[0])
    return Window(block.before.seq + 1, start_ms, block.origins[0], draft, block.before.total_events)


def _array(kind: str, content: bytes) -> "array[int]":
    numbers: array[int] = array(kind)
    numbers.frombytes(content)
    return numbers
