"""The container of an incident: chunks that are found, checked and left out one by one.

    marker, lengths, checksums | head: what it is and which span it covers | body: items, compressed

A head has a checksum of its own, so that of a body that is damaged it is known what is missing.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec
import zstandard

__all__ = ["FORMAT", "Chunk", "Damaged", "Head", "NotAnIncident", "begin", "read_chunks", "write_chunk"]

MAGIC = b"norikvIN"
FORMAT = 1
"""Another number is another layout."""
_MARKER = b"\xf1VIZ\x0d\x0a\x1a\xf2"
"""Bytes that text has not, and that a change of line ends would change."""
_PREFIX = struct.Struct(">8sIIII")
MAX_HEAD_BYTES = 4 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024
"""Unpacked; a writer ends a chunk at a quarter of a MiB, and one window has 2 at most."""
_PIECE_BYTES = 1 << 20

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class NotAnIncident(ValueError):
    """The text says what was found instead."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a chunk is.

    :ivar number: 0, 1, ...: one that is missing is noticed. :ivar kind: ``header``, ``coverage``, ``state``,
        ``windows`` or ``end``.
    :ivar from_ms: where its windows begin. :ivar to_ms: where they end. :ivar events: in it.
    """

    number: int
    kind: str
    from_ms: int | None = None
    to_ms: int | None = None
    events: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """One that is whole."""

    head: Head
    items: list[Any]


@dataclass(frozen=True, slots=True)
class Damaged:
    """What lies here can't be read.

    :ivar at: in bytes from the beginning of the file. :ivar head: if that is whole.
    """

    at: int
    why: str
    head: Head | None = None


def begin(file: BinaryIO) -> None:
    """An empty one."""
    file.write(MAGIC + struct.pack(">I", FORMAT))


def write_chunk(file: BinaryIO, head: Head, items: Sequence[Any]) -> None:
    """
    :raises OSError: it could not be written.
    """
    packed_head, body = _encode(head), zstandard.ZstdCompressor(3).compress(_encode(items))
    file.write(_prefix(packed_head, len(body), zlib.crc32(body)))
    file.write(packed_head)
    file.write(body)


def _prefix(packed_head: bytes, body_bytes: int, body_sum: int) -> bytes:
    """The head's checksum is of all that is said before the body."""
    said = struct.pack(">III", len(packed_head), body_bytes, body_sum)
    return _PREFIX.pack(_MARKER, len(packed_head), body_bytes, zlib.crc32(said + packed_head), body_sum)


def read_chunks(file: BinaryIO) -> Iterator[Chunk | Damaged]:
    """All that is whole, in order, and what is not where it lies. At most two chunks are in memory.

    :raises NotAnIncident: it is none, or of another version.
    """
    opening = file.read(len(MAGIC) + 4)
    if opening[: len(MAGIC)] != MAGIC:
        raise NotAnIncident("this is not an incident that vizctl has exported")
    [version] = struct.unpack(">I", opening[len(MAGIC) :].ljust(4, b"\0"))
    if version != FORMAT:
        raise NotAnIncident(f"an incident of format {version}: this program reads format {FORMAT}")
    at = len(opening)
    while True:
        file.seek(at)
        prefix = file.read(_PREFIX.size)
        if not prefix:
            return
        found = _read_one(file, at, prefix)
        yield found
        if isinstance(found, Chunk):
            at = file.tell()
            continue
        behind = at + 1
        if found.head is not None:  # Its lengths are right: they led to a head that is.
            _, head_bytes, body_bytes, *_ = _PREFIX.unpack(prefix)
            behind = at + _PREFIX.size + head_bytes + body_bytes
        following = _next_marker(file, behind)
        if following is None:
            return
        at = following


def _read_one(file: BinaryIO, at: int, prefix: bytes) -> Chunk | Damaged:
    if len(prefix) < _PREFIX.size:
        return Damaged(at, "the file ends within a chunk")
    marker, head_bytes, body_bytes, _, body_sum = _PREFIX.unpack(prefix)
    if marker != _MARKER or head_bytes > MAX_HEAD_BYTES:
        return Damaged(at, "what begins a chunk is damaged")
    packed_head = file.read(head_bytes)
    if _prefix(packed_head, body_bytes, body_sum) != prefix:
        return Damaged(at, "the file ends within a chunk" if len(packed_head) < head_bytes else "a head is damaged")
    try:
        head = msgspec.msgpack.decode(packed_head, type=Head)
    except msgspec.DecodeError as error:
        return Damaged(at, f"a head is none ({error})")
    if body_bytes > MAX_BODY_BYTES:
        return Damaged(at, "a length is damaged")
    body = file.read(body_bytes)
    if len(body) < body_bytes:
        return Damaged(at, "the file ends within a chunk", head)
    if zlib.crc32(body) != body_sum:
        return Damaged(at, "it is damaged", head)
    try:
        if zstandard.frame_content_size(body) > MAX_BODY_BYTES:
            return Damaged(at, "it is larger than it may be", head)
        items = _decode(zstandard.ZstdDecompressor().decompress(body, max_output_size=MAX_BODY_BYTES))
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        return Damaged(at, f"it can't be unpacked ({error})", head)
    return Chunk(head, items) if isinstance(items, list) else Damaged(at, "it has no items", head)


def _next_marker(file: BinaryIO, at: int) -> int | None:
    """Where the next chunk may begin."""
    file.seek(at)
    kept = b""
    while piece := file.read(_PIECE_BYTES):
        text = kept + piece
        found = text.find(_MARKER)
        if found >= 0:
            return at - len(kept) + found
        at += len(piece)
        kept = text[-len(_MARKER) + 1 :]
    return None
