"""A view as bytes, and a projection from these bytes: where a segment of the log, or a restart, begins.

    version (1 byte)  CRC-32 (4 bytes)  MessagePack of a piece

Pieces are made, and taken in, one at a time, each in well under 1 ms, so that whoever does it in the reactor can take
turns. They are not compressed; each may be by itself.

Pieces come in this order: the place, the nodes, the entries, the terms of the shards, the end. Entries are the newest
first, as in the view; so a projection with smaller bounds keeps the right ones.
"""

import struct
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar
from zlib import crc32

import msgspec

from vizd.events.catalogue import KINDS
from vizd.events.facet import Facets
from vizd.log.window import Position
from vizd.state.leadership import Lead
from vizd.state.nodes import Node
from vizd.state.projection import Projection
from vizd.state.view import Slice, View

__all__ = ["VERSION", "pieces", "restore"]

VERSION = 1
PIECE_ROWS = 256
"""Made in 0.1 ms, restored in 0.5 ms."""

_FRAME = struct.Struct(">BI")
_NAMES = {kind: str(kind) for kind in KINDS}
_KINDS = {name: kind for kind, name in _NAMES.items()}

T = TypeVar("T")


class _Place(msgspec.Struct, array_like=True, tag="place"):
    """See ``View``."""

    seq: int
    total_events: int
    end_ms: int | None
    latest_ms: int
    lost_forever: bool
    lost_ms: int | None


class _Nodes(msgspec.Struct, array_like=True, tag="nodes"):
    """Id, name, incarnation, and whether it is connected; in the order of their last change."""

    nodes: list[tuple[int, str, int, bool]]


class _Entries(msgspec.Struct, array_like=True, tag="entries"):
    """``indexes``: of each event's facet in ``facets``. ``lines``: the events, with a line break between them."""

    facets: list[tuple[str, tuple[int, ...], int | None]]
    indexes: list[int]
    lines: bytes
    ends_ms: list[int]


class _Leads(msgspec.Struct, array_like=True, tag="leads"):
    """By key."""

    leads: list[tuple[bytes, Lead]]


class _End(msgspec.Struct, array_like=True, tag="end"):
    """Nothing comes after it."""


class _Piece(msgspec.Struct, array_like=True):
    """``index``: of the piece in its keyframe."""

    index: int
    content: _Place | _Nodes | _Entries | _Leads | _End


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Piece).decode


def pieces(view: View) -> Iterator[bytes]:
    """All that ``restore`` needs, a piece at a step."""
    for index, content in enumerate(_contents(view)):
        body = _encode(_Piece(index, content))
        yield _FRAME.pack(VERSION, crc32(body)) + body


def _contents(view: View) -> Iterator[_Place | _Nodes | _Entries | _Leads | _End]:
    place = view.position
    yield _Place(place.seq, place.total_events, place.end_ms, view.latest_ms, view.lost_forever, view.lost_ms)
    for nodes in _parts(view.nodes.items()):
        yield _Nodes([(number, node.name, node.incarnation, node.connected) for number, node in nodes])
    for part in view.slices(PIECE_ROWS):
        if part.fragments:
            yield _entries(part)
    for leads in _parts(view.leads.items()):
        yield _Leads(leads)
    yield _End()


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while part := list(islice(left, PIECE_ROWS)):
        yield part


def _entries(part: Slice) -> _Entries:
    indexes = {facet: index for index, facet in enumerate(dict.fromkeys(part.facets))}
    return _Entries(
        [(_NAMES[facet.kind], facet.nodes, facet.shard) for facet in indexes],
        [indexes[facet] for facet in part.facets],
        b"\n".join(part.fragments),
        list(part.ends_ms),
    )


def restore(projection: Projection, pieces: Iterable[bytes]) -> Iterator[None]:
    """Make ``projection``, a new one, that of which the keyframe was made; a piece is taken at a step.

    It is ready when the iterator has ended, and of no use when that has failed. If its own bounds are smaller, it is
    left what it would have kept.

    :raises ValueError: a piece is damaged, missing or from another version.
    """
    facets = Facets()
    has_room, has_ended = True, False
    index = -1
    for index, piece in enumerate(pieces):
        content = _content(index, piece)
        if has_ended:
            raise ValueError(f"keyframe, piece {index}: it comes behind the end")
        match content:
            case _Place():
                position = Position(content.seq, content.total_events, content.end_ms)
                projection.put_place(position, content.latest_ms, content.lost_forever, content.lost_ms)
            case _Nodes():
                for number, name, incarnation, connected in content.nodes:
                    projection.put_node(number, Node(name, incarnation, connected))
            case _Entries():
                has_room = has_room and _put(projection, index, content, facets)
            case _Leads():
                for key, lead in content.leads:
                    projection.put_lead(key, lead)
            case _End():
                has_ended = True
        yield
    if not has_ended:
        raise ValueError(f"keyframe: its end is missing, behind {index + 1} pieces")


def _put(projection: Projection, index: int, entries: _Entries, shared: Facets) -> bool:
    """See ``Projection.put_older``."""
    try:
        facets = [shared.of(_KINDS[name], nodes, shard) for name, nodes, shard in entries.facets]
        fragments = entries.lines.split(b"\n")
        part = Slice([facets[each] for each in entries.indexes], fragments, entries.ends_ms)
        return projection.put_older(part)
    except (LookupError, ValueError) as why:
        raise ValueError(f"keyframe, piece {index}: {why!r}") from None


def _content(index: int, piece: bytes) -> _Place | _Nodes | _Entries | _Leads | _End:
    where = f"keyframe, piece {index}"
    if len(piece) < _FRAME.size:
        raise ValueError(f"{where}: {len(piece)} bytes are no piece")
    version, checksum = _FRAME.unpack_from(piece)
    if version != VERSION:
        raise ValueError(f"{where}: it is of version {version}, this is for version {VERSION}")
    body = memoryview(piece)[_FRAME.size :]
    if crc32(body) != checksum:
        raise ValueError(f"{where}: its checksum is wrong, so it is damaged")
    try:
        decoded = _decode(body)
    except msgspec.DecodeError as why:
        raise ValueError(f"{where}: {why}") from None
    if decoded.index != index:
        raise ValueError(f"{where}: it says that it is piece {decoded.index}")
    if isinstance(decoded.content, _Place) != (index == 0):
        raise ValueError(f"{where}: the place comes first, and once")
    return decoded.content
