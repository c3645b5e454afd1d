"""A fold as bytes: pieces of bounded size, made and taken in one after the other.

    version (1 byte)  CRC-32 (4 bytes)  MessagePack of [index, content]

The last piece has no content, so that a keyframe whose end is missing is known by it. Pieces are not compressed; each
may be by itself.
"""

import struct
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Generic, TypeVar
from zlib import crc32

import msgspec

__all__ = ["Codec", "slices"]

_FRAME = struct.Struct(">BI")
_encode = msgspec.msgpack.Encoder().encode

T = TypeVar("T")
P = TypeVar("P")


def slices(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Of this size each, but for the last."""
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some


class Codec(Generic[T]):
    """Of one fold."""

    def __init__(self, version: int, content: Any) -> None:
        """
        :param version: to be raised whenever contents are made, or meant, in another way.
        :param content: the type of each; a union of tagged structs.
        """
        self._version = version
        self._decode = msgspec.msgpack.Decoder(tuple[int, content | None]).decode

    def pieces(self, contents: Iterable[T]) -> Iterator[bytes]:
        """A piece of each, made when it is asked for; and the end."""
        index = 0
        for index, content in enumerate(contents, 1):
            yield self._framed(_encode((index - 1, content)))
        yield self._framed(_encode((index, None)))

    def contents(self, pieces: Iterable[bytes]) -> Iterator[T]:
        """What is in each.

        :raises ValueError: a piece is damaged, missing or from another version; it says which.
        """
        has_ended = False
        index = -1
        for index, piece in enumerate(pieces):
            if has_ended:
                raise ValueError(f"keyframe, piece {index}: it comes behind the end")
            content = self._content(index, piece)
            if content is None:
                has_ended = True
            else:
                yield content
        if not has_ended:
            raise ValueError(f"keyframe: its end is missing, behind {index + 1} pieces")

    def begun_by(self, place: type[P], pieces: Iterable[bytes]) -> tuple[P, list[T]]:
        """The first content, which is of this kind, and all others.

        :raises ValueError: as ``contents``; or it is of another kind.
        """
        contents = list(self.contents(pieces))
        if not contents or not isinstance(contents[0], place):
            raise ValueError("keyframe: the place comes first")
        return contents[0], contents[1:]

    def _framed(self, body: bytes) -> bytes:
        return _FRAME.pack(self._version, crc32(body)) + body

    def _content(self, index: int, piece: bytes) -> T | None:
        where = f"keyframe, piece {index}"
        if len(piece) < _FRAME.size:
            raise ValueError(f"{where}: {len(piece)} bytes are no piece")
        version, checksum = _FRAME.unpack_from(piece)
        if version != self._version:
            raise ValueError(f"{where}: it is of version {version}, this is for version {self._version}")
        body = memoryview(piece)[_FRAME.size :]
        if crc32(body) != checksum:
            raise ValueError(f"{where}: its checksum is wrong, so it is damaged")
        try:
            decoded, content = self._decode(body)
        except msgspec.DecodeError as why:
            raise ValueError(f"{where}: {why}") from None
        if decoded != index:
            raise ValueError(f"{where}: it says that it is piece {decoded}")
        return content
