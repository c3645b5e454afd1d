"""What a thread that reads does."""

import sqlite3

import msgspec

from vizd.events.facet import Facets
from vizd.log.block import Block, Unpacked
from vizd.log.disk.rows import Damaged, block_of, open_seal
from vizd.log.head import BlockHead

__all__ = ["Reader"]

_BLOCK = {column: f"SELECT rest, {column} FROM blocks WHERE seq = ?" for column in ("whole", "rare")}  # noqa: S608
_decode_pieces = msgspec.msgpack.Decoder(list[bytes]).decode


class Reader:
    """Reads. All is called in its thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._facets = Facets()

    def close(self) -> None:
        """Read no more."""
        self._connection.close()

    def block(self, head: BlockHead, column: str) -> tuple[Block, Unpacked] | None:
        """The block of ``head``, and its events unpacked; ``None``: it is not there any more.

        :param column: ``whole``, or ``rare``.
        :raises Damaged: it is not what was written.
        """
        seq = head.before.seq + 1
        found = self._fetch(_BLOCK[column], seq)
        if found is None:
            return None
        rest, events = found
        block = block_of(head, rest, events, column, self._facets)
        unpacked = block.all.unpack()
        unpacked.unpack()
        return block, unpacked

    def keyframe(self, seq: int, part: str) -> list[bytes] | None:
        """The packed pieces of the keyframe behind this window; ``None``: there are none any more.

        :raises Damaged: it is not what was written.
        """
        found = self._fetch("SELECT pieces FROM keyframes WHERE seq = ? AND part = ?", seq, part)
        return None if found is None else open_seal(found[0], seq, part, _decode_pieces)

    def having(self, part: str, seq: int) -> list[int]:
        """Behind which windows there is a keyframe with this part, in order, up to the one behind ``seq``.

        None, where nobody can tell.
        """
        query = "SELECT seq FROM keyframes WHERE part = ? AND seq <= ? ORDER BY seq"
        try:
            return [found for (found,) in self._connection.execute(query, (part, seq))]
        except (sqlite3.Error, UnicodeDecodeError):
            return []

    def _fetch(self, query: str, seq: int, *others: str) -> tuple[bytes | None, ...] | None:
        try:
            found: tuple[bytes | None, ...] | None = self._connection.execute(query, (seq, *others)).fetchone()
        except (sqlite3.Error, UnicodeDecodeError) as why:
            raise Damaged(f"row {seq}: {why}") from None
        return found
