"""Records in order of time: every second for a while, and less finely for longer.

A record stays bytes; who made it says how several become one. Times are whole seconds since the Unix epoch, and only
rise.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

__all__ = ["TIERS", "Series", "width_kept"]

TIERS = ((1, 7 * 60), (5, 21 * 60), (10, 130 * 60), (60, 25 * 3600))
"""Seconds that one record is of, and for how long such records are kept; each width divides the next.

The page shows 5, 15 and 60 minutes, and asks for some 200 steps: these are 300, 180 and 360 records. What is beyond the
round number is for the steps that begin before the range, and for answers that take a while to be made.
"""
_MARGIN_S = 60
_RECORD_BYTES = 8 + 4
"""Of a record's entries beside its bytes."""


def width_kept(age_s: int) -> int:
    """Seconds of the finest records that are still there at this age."""
    return next((width for width, keep_s in TIERS if age_s <= keep_s - _MARGIN_S), TIERS[-1][0])


class _Tier:
    """Records of one width.

    :ivar through_s: everything before this is in it.
    """

    def __init__(self, width_s: int, keep_s: int) -> None:
        self.width_s = width_s
        self.keep_s = keep_s
        self.through_s = 0
        self._starts = array("Q")
        self._sizes = array("I")
        self._records = bytearray()

    @property
    def newest_s(self) -> int | None:
        return self._starts[-1] if self._starts else None

    @property
    def memory_bytes(self) -> int:
        return len(self._records) + len(self._starts) * _RECORD_BYTES

    def put(self, start_s: int, record: bytes) -> None:
        self._starts.append(start_s)
        self._sizes.append(len(record))
        self._records += record

    def pop(self) -> bytes:
        """The newest one, no longer in it."""
        self._starts.pop()
        begin = len(self._records) - self._sizes.pop()
        record = bytes(self._records[begin:])
        del self._records[begin:]
        return record

    def between(self, from_s: int, to_s: int) -> Iterator[tuple[int, bytes]]:
        first = bisect_left(self._starts, from_s)
        behind = bisect_left(self._starts, to_s, first)
        begin = sum(self._sizes[:first])
        end = begin + sum(self._sizes[first:behind])
        # Copied: it is read over many turns, in which records come and go.
        starts, sizes, records = self._starts[first:behind], self._sizes[first:behind], bytes(self._records[begin:end])
        at = 0
        for start_s, size in zip(starts, sizes, strict=True):
            yield start_s, records[at : at + size]
            at += size

    def trim(self, before_s: int) -> None:
        self._drop(bisect_left(self._starts, before_s))

    def halve(self) -> None:
        self._drop((len(self._starts) + 1) // 2)

    def _drop(self, count: int) -> None:
        if count:
            del self._records[: sum(self._sizes[:count])]
            del self._starts[:count]
            del self._sizes[:count]


class Series:
    """The records of one subject."""

    def __init__(self, merge: Callable[[Iterable[bytes]], bytes], tiers: Sequence[tuple[int, int]] = TIERS) -> None:
        """
        :param merge: one record of one or more.
        """
        self._merge = merge
        self._tiers = [_Tier(*tier) for tier in tiers]

    @property
    def memory_bytes(self) -> int:
        """About what it takes."""
        return sum(tier.memory_bytes for tier in self._tiers)

    @property
    def is_empty(self) -> bool:
        """There is no record."""
        return not self.memory_bytes

    def put(self, second: int, record: bytes) -> None:
        """Add to the newest second, or begin a later one."""
        finest = self._tiers[0]
        if finest.newest_s == second:
            record = self._merge((finest.pop(), record))
        finest.put(second, record)

    def tend(self, second: int, oldest_s: int) -> None:
        """Make coarse records of fine ones, and let go of what is too old. To be called now and then.

        :param second: the one that is still being filled; those before it are complete.
        :param oldest_s: nothing before this is needed.
        """
        through_s = second
        for fine, coarse in zip(self._tiers, self._tiers[1:], strict=False):
            width_s = coarse.width_s
            through_s -= through_s % width_s
            if through_s > coarse.through_s:
                fresh = fine.between(coarse.through_s, through_s)
                for start_s, group in groupby(fresh, key=lambda each: each[0] - each[0] % width_s):
                    coarse.put(start_s, self._merge(record for _, record in group))
                coarse.through_s = through_s
        for tier in self._tiers:
            tier.trim(max(second - tier.keep_s, oldest_s - oldest_s % tier.width_s))

    def shed(self, max_bytes: int) -> None:
        """Let go of the older half of whatever is largest, until it is no larger than this."""
        while self.memory_bytes > max_bytes and not self.is_empty:
            max(self._tiers, key=lambda tier: tier.memory_bytes).halve()

    def read(self, from_s: int, to_s: int, step_s: int) -> Iterator[tuple[int, bytes]]:
        """What starts in [from_s, to_s), in order, in records as wide as fits a step.

        :param from_s: a multiple of ``step_s``.
        """
        for tier in reversed(self._tiers):
            if step_s % tier.width_s == 0:
                through_s = to_s if tier is self._tiers[0] else min(to_s, tier.through_s)
                if through_s > from_s:
                    yield from tier.between(from_s, through_s)
                    from_s = through_s
