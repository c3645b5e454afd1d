"""What the thread that writes does: all that is to be written, in one transaction."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from vizd.log.block import Block, FacetTable
from vizd.log.disk.keyframes import PartedKeyframe
from vizd.log.disk.room import Room
from vizd.log.disk.rows import Row, Said, head_of, row_of, seal
from vizd.log.head import BlockHead
from vizd.log.window import Position, Window

__all__ = ["Entry", "Scribe", "Turn", "Written"]

TRIMMED_AT_ONCE = 8
"""Rows that one transaction deletes: about a megabyte, and 2 ms more; a segment of a minute is gone in eight."""

MAX_SHARED = 256
"""Summaries that later blocks may have again; a cluster that stands still has one or two."""

_INSERT = "INSERT INTO blocks (seq, is_sealed, head, rest, rare, whole) VALUES (?, ?, ?, ?, ?, ?)"
_TRIM = "DELETE FROM {0} WHERE seq IN (SELECT seq FROM {0} WHERE seq <= ? ORDER BY seq LIMIT ?)"
_OUTDATED = "DELETE FROM keyframes WHERE part = ? AND seq < ? AND end_ms <= ?"
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Entry:
    """A window that has its place, and is to be written there.

    :ivar before: in front of it. :ivar latest_before_ms: the latest end of a window in front of it.
    """

    before: Position
    latest_before_ms: int
    window: Window


@dataclass(frozen=True, slots=True)
class Turn:
    """What one transaction does.

    :ivar entries: windows to add. :ivar sealed: those that become one block, instead of the rows they have.
    :ivar keyframe: one whose pieces are all there. :ivar trim_seq: what is not behind it is to go, as far as there
        is time. :ivar is_least: nothing more could be trimmed, however little room there is.
    """

    entries: Sequence[Entry] = ()
    sealed: Sequence[Window] = ()
    sealed_before: Position | None = None
    sealed_latest_before_ms: int = 0
    keyframe: PartedKeyframe | None = None
    trim_seq: int = 0
    is_least: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a turn.

    :ivar head: of the block that was sealed. :ivar keyframe_bytes: what the keyframe takes for long.
    :ivar is_trimmed: nothing is left to delete. :ivar is_short: it was seen that there is less room than should be.
    """

    head: BlockHead | None
    keyframe_bytes: int
    is_trimmed: bool
    is_short: bool


class Scribe:
    """Writes. All is called in its thread."""

    def __init__(self, connection: sqlite3.Connection, of_use_ms: Mapping[str, int | None], room: Room) -> None:
        """
        :param of_use_ms: for how long a part of a keyframe is, see ``DiskLog``.
        """
        self._connection = connection
        self._of_use_ms = of_use_ms
        self._room = room
        self._shared: dict[Said, Said] = {}

    def close(self) -> None:
        """Write no more."""
        self._connection.close()

    def write(self, turn: Turn) -> Written:
        """All of ``turn``, durably, or nothing.

        :raises sqlite3.Error: nothing, and why. :raises NoRoom: the same.
        """
        has_looked = self._room.look(self._connection)
        if self._room.is_short and turn.is_least:
            raise self._room.refuse()
        rows = [self._row_of(entry) for entry in turn.entries]
        block = None
        if turn.sealed_before is not None:
            block = row_of(Block(turn.sealed_before, turn.sealed, FacetTable(), turn.sealed_latest_before_ms))
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            for row in rows:
                execute(_INSERT, (row.seq, False, row.head, row.rest, row.rare, row.whole))
            if block is not None:
                execute("DELETE FROM blocks WHERE seq BETWEEN ? AND ?", (block.seq, turn.sealed[-1].seq))
                execute(_INSERT, (block.seq, True, block.head, block.rest, block.rare, block.whole))
            keyframe_bytes = self._write_keyframe(turn.keyframe) if turn.keyframe else 0
            is_trimmed = self._trim(turn.trim_seq)
            self._room.give_back(self._connection)
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise
        head = self._head_of(block) if block else None
        return Written(head, keyframe_bytes, is_trimmed, has_looked and self._room.is_short)

    def _head_of(self, row: Row) -> BlockHead:
        if len(self._shared) > MAX_SHARED:
            self._shared.clear()
        return head_of(row.seq, row.head, self._shared)

    def _row_of(self, entry: Entry) -> Row:
        return row_of(Block(entry.before, [entry.window], FacetTable(), entry.latest_before_ms))

    def _write_keyframe(self, keyframe: PartedKeyframe) -> int:
        """All of it, and away with what it makes useless of those before it; what it will take for long."""
        seq, end_ms = keyframe.position.seq, keyframe.position.end_ms or 0
        kept_bytes = 0
        for part, packed in keyframe.parts.items():
            pieces = seal(_encode(packed), seq, part)
            self._connection.execute("INSERT INTO keyframes VALUES (?, ?, ?, ?)", (seq, part, end_ms, pieces))
            kept_bytes += len(pieces) if self._of_use_ms.get(part) != 0 else 0
        for part, use_ms in self._of_use_ms.items():
            if use_ms is not None:
                self._connection.execute(_OUTDATED, (part, seq, end_ms - use_ms))
        return kept_bytes

    def _trim(self, seq: int) -> bool:
        """Whether nothing is left to delete."""
        if not seq:
            return True
        # A keyframe in front of the oldest window is of a segment that goes; the one at it begins what stays.
        self._connection.execute(_TRIM.format("keyframes"), (seq - 1, TRIMMED_AT_ONCE))
        return self._connection.execute(_TRIM.format("blocks"), (seq, TRIMMED_AT_ONCE)).rowcount < TRIMMED_AT_ONCE
