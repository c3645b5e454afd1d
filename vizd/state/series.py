"""Records in order of time: every second for a while, and less finely for longer.

A record stays bytes; who made it says how several become one. Times are whole seconds since the Unix epoch, and only
rise.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

import msgspec

from vizd.state.columns import numbers, packed

__all__ = ["TIERS", "Columns", "Outline", "Series", "width_kept"]

TIERS = ((1, 7 * 60), (5, 21 * 60), (10, 130 * 60), (60, 25 * 3600))
"""Seconds that one record is of, and for how long such records are kept; each width divides the next.

The page shows 5, 15 and 60 minutes, and asks for some 200 steps: these are 300, 180 and 360 records. What is beyond the
round number is for the steps that begin before the range, and for answers that take a while to be made.
"""
_MARGIN_S = 60
_RECORD_BYTES = 8 + 4
"""Of a record's entries beside its bytes."""

Columns = tuple[bytes, bytes, bytes]
"""Records of a tier for keyframes: when they start, how large they are, and they themselves."""
_NOTHING_S = 2**63
"""A second that no record is as new as."""


class Outline(msgspec.Struct, array_like=True):
    """What a series has, without its records.

    :ivar through_s: by tier, see ``_Tier``. :ivar from_s: by tier, the start of its oldest record.
    """

    through_s: list[int]
    from_s: list[int]


def width_kept(age_s: int) -> int:
    """Seconds of the finest records that are still there at this age."""
    return next((width for width, keep_s in TIERS if age_s <= keep_s - _MARGIN_S), TIERS[-1][0])


class _Tier:
    """Records of one width.

    :ivar through_s: everything before this is in it. :ivar told_s: everything before this stands in a keyframe.
    :ivar from_s: nothing before this is taken from a keyframe.
    """

    def __init__(self, width_s: int, keep_s: int) -> None:
        self.width_s = width_s
        self.keep_s = keep_s
        self.through_s = self.told_s = self.from_s = 0
        self._starts = array("Q")
        self._sizes = array("I")
        self._records = bytearray()

    @property
    def newest_s(self) -> int | None:
        return self._starts[-1] if self._starts else None

    @property
    def oldest_s(self) -> int | None:
        return self._starts[0] if self._starts else None

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

    def columns(self, from_s: int, to_s: int) -> Columns:
        found = list(self.between(from_s, to_s))
        starts = array("Q", [start_s for start_s, _ in found])
        sizes = array("I", [len(record) for _, record in found])
        return packed(starts), packed(sizes), b"".join(record for _, record in found)

    def take(self, columns: Columns) -> None:
        starts, sizes = numbers("Q", columns[0]), numbers("I", columns[1])
        begin = 0
        for start_s, size in zip(starts, sizes, strict=True):
            if start_s == self.newest_s:  # It had not been over when it was told before.
                self.pop()
            if start_s >= self.from_s and (self.newest_s is None or start_s > self.newest_s):
                self.put(start_s, columns[2][begin : begin + size])
            begin += size

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

    # Keyframes: what is over never changes, so each tells only what the one before it did not.

    def outline(self) -> Outline:
        """As it is now."""
        tiers = self._tiers
        oldest_s = [tier.oldest_s for tier in tiers]
        return Outline([tier.through_s for tier in tiers], [_NOTHING_S if each is None else each for each in oldest_s])

    def newest(self, second: int) -> bytes | None:
        """What the newest second has so far; ``None``, where that is not this one."""
        finest = self._tiers[0]
        if finest.newest_s != second:
            return None
        record = finest.pop()
        finest.put(second, record)
        return record

    def untold(self, tier: int, to_s: int) -> Columns:
        """The records of a tier that no keyframe has yet."""
        return self._tiers[tier].columns(self._tiers[tier].told_s, to_s)

    def tell(self, tier: int, to_s: int) -> None:
        """Keyframes have the records of a tier up to here."""
        self._tiers[tier].told_s = to_s

    def restore(self, outline: Outline, second: int) -> None:
        """Be as the outline says, but for the records.

        :param second: the newest one, which the next keyframe tells once more.
        """
        for tier, through_s, from_s in zip(self._tiers, outline.through_s, outline.from_s, strict=True):
            tier.through_s = tier.told_s = through_s
            tier.from_s = from_s
        self._tiers[0].told_s = second

    def take(self, tier: int, columns: Columns) -> None:
        """Records of a tier; those of the oldest keyframe first."""
        self._tiers[tier].take(columns)
