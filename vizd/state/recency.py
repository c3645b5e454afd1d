"""The newest entry of each key, in order of recency, for readers who want it as it was a while ago.

    oldest ◀── chunk ── chunk ── chunk ── open chunk ──▶ newest

An entry that is replaced stays where it is, with the window in which that happened; so whoever reads the chain as of
an earlier window still finds it. A chunk of which half is gone is written anew, as another object: a reader who holds
the old one goes on with that, and nothing was copied for him. A chain costs its reader nothing until he walks it, and
its writer the same with readers as without.

Entries are rows of columns, not objects, since Python's collector of cycles visits every object (100 ms for a million
of them), and columns are filtered without a step of Python per row.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import compress, count
from operator import attrgetter

from vizd.events.facet import Facet

__all__ = ["Chain", "Chunk", "entry_bytes"]

_ENTRY_OVERHEAD_BYTES = 300
"""Beside the text of its key and its event: measured as about 200, and 200 more where no other event has its facet."""
_THERE = 1 << 64
"""Behind every window: the entry is the newest of its key."""

_number = attrgetter("number")


def entry_bytes(key: bytes, fragment: bytes) -> int:
    """About what an entry takes in memory."""
    return len(key) + len(fragment) + _ENTRY_OVERHEAD_BYTES


class Chunk:
    """Entries that came one after the other, as columns.

    :ivar number: rises from chunk to chunk.
    :ivar ends_ms: the latest end of a window, up to the one that brought the entry; never falls.
    :ivar gone: the seq of the window from which on the entry is not the newest of its key.
    :ivar live: how many are. :ivar head: none before this row is.
    """

    __slots__ = ("ends_ms", "facets", "fragments", "gone", "head", "keys", "live", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.keys: list[bytes] = []
        self.facets: list[Facet] = []
        self.fragments: list[bytes] = []
        self.ends_ms: list[int] = []
        self.gone: list[int] = []
        self.live = 0
        self.head = 0

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, other: "Chunk") -> None:
        """What is live of ``other``, whose entries came later."""
        live = list(map(_THERE.__eq__, other.gone))
        self.keys += compress(other.keys, live)
        self.facets += compress(other.facets, live)
        self.fragments += compress(other.fragments, live)
        self.ends_ms += compress(other.ends_ms, live)
        self.gone += [_THERE] * other.live
        self.live += other.live


class Chain:
    """The newest entry of each key.

    :ivar memory_bytes: about what the entries take; those that are gone may take as much again.
    """

    def __init__(self, chunk_rows: int) -> None:
        """
        :param chunk_rows: of a chunk, at most.
        """
        self._chunk_rows = chunk_rows
        self._chunks = [Chunk(0)]
        """In order; the last is the open one. The others have at least one live row."""
        self._by_number = {0: self._chunks[0]}
        self._places: dict[bytes, int] = {}
        """A place is a chunk's number times ``chunk_rows``, plus the row."""
        self.memory_bytes = 0

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def get(self, key: bytes) -> bytes | None:
        """The newest event of this key; ``None``: there is none."""
        place = self._places.get(key)
        if place is None:
            return None
        number, row = divmod(place, self._chunk_rows)
        return self._by_number[number].fragments[row]

    def chunks(self) -> tuple[tuple[Chunk, ...], int]:
        """All, and how many rows the last has by now: it may get more."""
        return tuple(self._chunks), len(self._chunks[-1])

    def put(
        self, seq: int, end_ms: int, keys: Sequence[bytes], facets: Sequence[Facet], fragments: Sequence[bytes]
    ) -> None:
        """Entries of the window ``seq``, the newest of their keys from there on; in order, no key twice."""
        for place in map(self._places.get, keys):  # One by one, since losing moves what is left.
            if place is not None:
                self._lose(place, seq)
        at = 0
        while at < len(keys):
            chunk = self._chunks[-1] if len(self._chunks[-1]) < self._chunk_rows else self._opened()
            row = len(chunk)
            rows = slice(at, at + self._chunk_rows - row)
            chunk.keys += keys[rows]
            chunk.facets += facets[rows]
            chunk.fragments += fragments[rows]
            count_put = len(chunk) - row
            chunk.ends_ms += [end_ms] * count_put
            chunk.gone += [_THERE] * count_put
            chunk.live += count_put
            self._places.update(zip(keys[rows], count(chunk.number * self._chunk_rows + row)))
            at += count_put
        self.memory_bytes += sum(map(entry_bytes, keys, fragments))

    def _opened(self) -> Chunk:
        """A new open chunk, behind the one that is full."""
        full = self._chunks[-1]
        chunk = self._by_number[full.number + 1] = Chunk(full.number + 1)
        self._chunks.append(chunk)
        self._tidy(full)
        return chunk

    def put_older(
        self, keys: Sequence[bytes], facets: Sequence[Facet], fragments: Sequence[bytes], ends_ms: Sequence[int]
    ) -> None:
        """In front of all others, the newest first.

        :raises ValueError: a key comes twice.
        """
        for at in range(0, len(keys), self._chunk_rows):
            rows = slice(at, at + self._chunk_rows)
            chunk = Chunk(self._chunks[0].number - 1)
            chunk.keys += reversed(keys[rows])
            chunk.facets += reversed(facets[rows])
            chunk.fragments += reversed(fragments[rows])
            chunk.ends_ms += reversed(ends_ms[rows])
            chunk.live = len(chunk)
            chunk.gone += [_THERE] * chunk.live
            before = len(self)
            self._places.update(zip(chunk.keys, count(chunk.number * self._chunk_rows)))
            if len(self) != before + chunk.live:
                raise ValueError("a key comes twice")
            self._chunks.insert(0, chunk)
            self._by_number[chunk.number] = chunk
        self.memory_bytes += sum(map(entry_bytes, keys, fragments))

    def oldest(self) -> tuple[bytes, int]:
        """The key and ``end_ms`` of the oldest entry. The chain must not be empty."""
        chunk = self._chunks[0]  # It has a live row: only the open one may have none, and is then the only one.
        row = chunk.head = chunk.gone.index(_THERE, chunk.head)
        return chunk.keys[row], chunk.ends_ms[row]

    def drop(self, seq: int, key: bytes) -> None:
        """It is no longer there, from the window ``seq`` on."""
        self._lose(self._places.pop(key), seq)

    def _lose(self, place: int, seq: int) -> None:
        number, row = divmod(place, self._chunk_rows)
        chunk = self._by_number[number]
        chunk.gone[row] = seq
        chunk.live -= 1
        self.memory_bytes -= len(chunk.keys[row]) + len(chunk.fragments[row]) + _ENTRY_OVERHEAD_BYTES
        if chunk.live * 2 <= len(chunk.keys) and chunk is not self._chunks[-1]:
            self._tidy(chunk)

    def _tidy(self, chunk: Chunk) -> None:
        """Write a full chunk anew if half of it is gone, together with a neighbour if one chunk can hold both."""
        if chunk.live * 2 > len(chunk):
            return
        at = bisect_left(self._chunks, chunk.number, key=_number)
        if not chunk.live:
            self._remove(at)
            return
        # A chunk is merged away at most once, so all merging together costs no more than all putting did.
        for older, newer in ((at - 1, at), (at, at + 1)):
            are_full = older >= 0 and newer < len(self._chunks) - 1
            if are_full and self._chunks[older].live + self._chunks[newer].live <= self._chunk_rows:
                self._write(older, self._chunks[older], self._chunks[newer])
                self._remove(newer)
                return
        self._write(at, chunk)

    def _write(self, at: int, *chunks: Chunk) -> None:
        """One chunk of what is live of these, which follow each other, in the place of the first."""
        number = chunks[0].number
        written = self._chunks[at] = self._by_number[number] = Chunk(number)
        for chunk in chunks:
            written.take(chunk)
        self._places.update(zip(written.keys, count(number * self._chunk_rows)))

    def _remove(self, at: int) -> None:
        del self._by_number[self._chunks.pop(at).number]
