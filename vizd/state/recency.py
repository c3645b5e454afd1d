"""The newest entry of each key, in order of recency, for readers who want it as it was a while ago.

    oldest ◀── chunk ── chunk ── chunk ── open chunk ──▶ newest

An entry that is replaced stays where it is, with the window in which that happened; so whoever reads the chain as of
an earlier window still finds it. A chunk of which more than half is gone is written anew, as another object: a reader
who holds the old one goes on with that, and nothing was copied for him. A chain costs its reader nothing until he
walks it, and its writer the same with readers as without.

Entries are rows of columns of numbers and bytes, since Python's collector of cycles would visit every object of its
own (100 ms for a million of them), and columns are filtered without a step of Python per row.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import compress
from typing import NamedTuple

from vizd.events.facet import Facet

__all__ = ["ENTRY_OVERHEAD_BYTES", "Chain", "Chunk", "Row"]

ENTRY_OVERHEAD_BYTES = 450
"""Of an entry beside the text of its key and its event: measured by ``python -m bench.state``."""
_THERE = 1 << 64
"""Behind every window: the entry is the newest of its key."""


class Row(NamedTuple):
    """An entry.

    :ivar end_ms: the latest end of a window, up to the one that brought it.
    """

    key: bytes
    facet: Facet
    fragment: bytes
    end_ms: int

    @property
    def memory_bytes(self) -> int:
        """About what it takes in a chain."""
        return len(self.key) + len(self.fragment) + ENTRY_OVERHEAD_BYTES


class Chunk:
    """Entries that came one after the other, as columns.

    :ivar numbers: rising. :ivar gone: the seq of the window from which on it is not the newest of its key.
    :ivar live: how many are. :ivar head: no row before this is.
    """

    __slots__ = ("ends_ms", "facets", "fragments", "gone", "head", "keys", "live", "numbers")

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.keys: list[bytes] = []
        self.facets: list[Facet] = []
        self.fragments: list[bytes] = []
        self.ends_ms: list[int] = []
        self.gone: list[int] = []
        self.live = 0
        self.head = 0

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, other: "Chunk") -> None:
        """What is live of ``other``, whose entries came later."""
        live = list(map(_THERE.__eq__, other.gone))
        self.numbers += compress(other.numbers, live)
        self.keys += compress(other.keys, live)
        self.facets += compress(other.facets, live)
        self.fragments += compress(other.fragments, live)
        self.ends_ms += compress(other.ends_ms, live)
        self.live += other.live
        self.gone += [_THERE] * other.live


class Chain:
    """The newest entry of each key.

    :ivar memory_bytes: about what the entries take; those that are gone may take as much again.
    """

    def __init__(self, chunk_rows: int) -> None:
        """
        :param chunk_rows: of a chunk, at most.
        """
        self._chunk_rows = chunk_rows
        self._numbers: dict[bytes, int] = {}
        self._chunks = [Chunk()]
        self._firsts = [0]
        """A number in front of or at the first row of each chunk, and behind the one before."""
        self._next = 0
        self.memory_bytes = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, key: bytes) -> bool:
        return key in self._numbers

    def chunks(self) -> tuple[tuple[Chunk, ...], int]:
        """All, and how many rows the last has by now: it may get more."""
        return tuple(self._chunks), len(self._chunks[-1])

    def put(self, seq: int, key: bytes, facet: Facet, fragment: bytes, end_ms: int) -> None:
        """The newest of its key, from the window ``seq`` on; ``end_ms`` never goes back."""
        before = self._numbers.get(key)
        if before is not None:
            self._lose(before, seq)
        number = self._next
        self._next = number + 1
        self._numbers[key] = number
        chunk = self._chunks[-1]
        if len(chunk.numbers) >= self._chunk_rows:
            self._chunks.append(Chunk())
            self._firsts.append(number)
            self._tidy(len(self._chunks) - 2)
            chunk = self._chunks[-1]
        chunk.numbers.append(number)
        chunk.keys.append(key)
        chunk.facets.append(facet)
        chunk.fragments.append(fragment)
        chunk.ends_ms.append(end_ms)
        chunk.gone.append(_THERE)
        chunk.live += 1
        self.memory_bytes += len(key) + len(fragment) + ENTRY_OVERHEAD_BYTES

    def put_oldest(self, rows: Iterable[Row]) -> None:
        """In front of all others, each older than the one before.

        :raises ValueError: a key is there already.
        """
        chunk = Chunk()
        first = number = self._firsts[0]
        for row in rows:
            if row.key in self._numbers:
                raise ValueError(f"the key {row.key!r} comes twice")
            number -= 1
            self._numbers[row.key] = number
            chunk.keys.append(row.key)
            chunk.facets.append(row.facet)
            chunk.fragments.append(row.fragment)
            chunk.ends_ms.append(row.end_ms)
            self.memory_bytes += row.memory_bytes
        for column in (chunk.keys, chunk.facets, chunk.fragments, chunk.ends_ms):
            column.reverse()
        chunk.numbers = list(range(number, first))
        chunk.live = len(chunk)
        chunk.gone = [_THERE] * chunk.live
        if chunk.live:
            self._chunks.insert(0, chunk)
            self._firsts.insert(0, number)

    def oldest(self) -> Row:
        """The chain must not be empty."""
        chunk = self._chunks[0]  # Has a live row: only the open one may have none, and is then the only one.
        at = chunk.head = chunk.gone.index(_THERE, chunk.head)
        return Row(chunk.keys[at], chunk.facets[at], chunk.fragments[at], chunk.ends_ms[at])

    def drop(self, seq: int, key: bytes) -> None:
        """It is no longer there, from the window ``seq`` on."""
        self._lose(self._numbers.pop(key), seq)

    def _lose(self, number: int, seq: int) -> None:
        at = bisect_right(self._firsts, number) - 1
        chunk = self._chunks[at]
        row = bisect_left(chunk.numbers, number)
        chunk.gone[row] = seq
        chunk.live -= 1
        self.memory_bytes -= len(chunk.keys[row]) + len(chunk.fragments[row]) + ENTRY_OVERHEAD_BYTES
        if at < len(self._chunks) - 1:
            self._tidy(at)

    def _tidy(self, at: int) -> None:
        """Write a full chunk anew if much of it is gone, together with a neighbour if one chunk can hold both."""
        chunk = self._chunks[at]
        if not chunk.live:
            self._remove(at)
            return
        if chunk.live * 2 > len(chunk):
            return
        # Each chunk is merged away at most once, so all merging together costs less than all writing did.
        for older, newer in ((at - 1, at), (at, at + 1)):
            are_full = older >= 0 and newer < len(self._chunks) - 1
            if are_full and self._chunks[older].live + self._chunks[newer].live <= self._chunk_rows:
                self._chunks[older] = _written(self._chunks[older], self._chunks[newer])
                self._remove(newer)
                return
        self._chunks[at] = _written(chunk)

    def _remove(self, at: int) -> None:
        del self._chunks[at], self._firsts[at]


def _written(*chunks: Chunk) -> Chunk:
    """One chunk of what is live of these, which follow each other."""
    written = Chunk()
    for chunk in chunks:
        written.take(chunk)
    return written
