"""What one client sent and received, in order, in a file: small enough for a hundred clients and ten minutes.

A batch is a header, a position, eight counts and the ids of its events. Everything else is a note: a word and its
fields as JSON. Words of the client itself are ``connect``, ``filter``, ``pause``, ``resume``, ``history``,
``history_cancel``, ``left``, ``finished`` and ``unfinished``; ``pong`` (with what it came behind), ``connected``,
``gap``, ``position``, ``history_end``, ``error`` and ``closed`` are the daemon's; ``fault`` is a message that is none
of the contract.
"""

import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

import msgspec

__all__ = ["COUNTS", "Batch", "Buffer", "Note", "Record", "Transcript", "read"]

COUNTS = 8
_HEAD = struct.Struct("<BBHIqqq")
_COUNTS = struct.Struct(f"<{COUNTS}I")
_LIVE, _HISTORY, _NOTE = range(3)
ID_BYTES = 8


@dataclass(slots=True)
class Batch:
    """A ``batch`` message.

    :ivar at_us: when it was received, microseconds since the Unix epoch.
    :ivar counts: of its summary, in the order of the contract.
    :ivar ids: of its events, 8 bytes each, in this machine's order of bytes.
    """

    at_us: int
    start_ms: int
    end_ms: int
    position: str | None
    counts: tuple[int, ...]
    ids: bytes
    is_history: bool = False

    @property
    def events(self) -> int:
        """How many."""
        return len(self.ids) // ID_BYTES


@dataclass(slots=True)
class Note:
    """Anything else; ``at_us`` as in ``Batch``."""

    at_us: int
    word: str
    fields: dict[str, Any]


Record = Batch | Note


class Buffer(Protocol):
    """``bytes``, or an ``mmap`` of a file."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: slice, /) -> bytes: ...


class Transcript:
    """Writes one."""

    def __init__(self, file: BinaryIO) -> None:
        """:param file: buffered; it is not closed."""
        self._file = file

    def batch(self, batch: Batch) -> None:
        """The next record."""
        position = (batch.position or "").encode()
        kind = _HISTORY if batch.is_history else _LIVE
        self._file.write(
            _HEAD.pack(kind, len(position), 0, batch.events, batch.at_us, batch.start_ms, batch.end_ms)
            + position
            + _COUNTS.pack(*batch.counts)
        )
        self._file.write(batch.ids)

    def note(self, at_us: int, word: str, fields: dict[str, Any]) -> None:
        """The next record."""
        text = msgspec.json.encode([word, fields])
        self._file.write(_HEAD.pack(_NOTE, 0, 0, len(text), at_us, 0, 0) + text)

    def write(self, records: Sequence[Record]) -> None:
        """Many, for those who have made them up."""
        for record in records:
            if isinstance(record, Batch):
                self.batch(record)
            else:
                self.note(record.at_us, record.word, record.fields)


def read(buffer: Buffer) -> Iterator[Record]:
    """The records of a transcript.

    :raises ValueError: the file ends in the middle of one.
    """
    at, end = 0, len(buffer)
    while at < end:
        head = buffer[at : at + _HEAD.size]
        if len(head) < _HEAD.size:
            raise ValueError(f"a transcript is cut off at byte {at}")
        kind, position_bytes, _, count, at_us, start_ms, end_ms = _HEAD.unpack(head)
        at += _HEAD.size
        size = count if kind == _NOTE else position_bytes + _COUNTS.size + count * ID_BYTES
        if at + size > end:
            raise ValueError(f"a transcript is cut off at byte {at}")
        if kind == _NOTE:
            word, fields = msgspec.json.decode(buffer[at : at + size])
            yield Note(at_us, word, fields)
        else:
            behind = at + position_bytes
            counts = _COUNTS.unpack(buffer[behind : behind + _COUNTS.size])
            position = buffer[at:behind].decode() or None
            ids = buffer[behind + _COUNTS.size : at + size]
            yield Batch(at_us, start_ms, end_ms, position, counts, ids, kind == _HISTORY)
        at += size


def ids_of(batch: Batch) -> "array[int]":
    """The ids, as numbers."""
    return array("q", batch.ids)
