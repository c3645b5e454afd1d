"""Counts how long the fsyncs of each node took: the flood of a cluster's events, at about 0.2 us each.

Nothing is parsed per event. A slice of each fragment's end holds the digits, where the facet says; what slices were
read as is remembered; and what is counted are numbers made of a node's index and a duration. All of that is ``map`` and
dicts, without a loop of our own.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from operator import add, getitem

from vizd.events.catalogue import KINDS
from vizd.events.facet import Facet
from vizd.state.histogram import BINS, bin_of, middle_of

__all__ = ["EXACT_MS", "FsyncTally"]

EXACT_MS = 32_768
"""Below this the longest one is exact; above, it is the middle of its bin of the histogram."""

_MAX_KEPT = 65_536
_MAX_VALUES = 8_192

_BINS = bytes(map(bin_of, range(EXACT_MS))) + bytes(range(BINS))
"""Of a code."""
_DIGITS = 10
"""Of the largest u32. A shorter number has a colon within as many bytes before its end."""
_CODE_BITS = 16
_UNREADABLE = (1 << _CODE_BITS) - 1
_NOBODY = 0
"""The index of whatever is not counted."""

_NOTHING = slice(0, 0)
_EVERYTHING = slice(None)

_FSYNC = next(kind for kind in KINDS if str(kind) == "Wal.Fsync")
_RARE = {kind for kind in KINDS if kind.type.name == "Swim" or str(kind) == "Lsm.WritePressureUpdate"}


class _Parts(dict[Facet, slice]):
    """Which part of a fragment is looked at: the end of the digits of an fsync, all of a rare event, or nothing."""

    def __missing__(self, facet: Facet) -> slice:
        if len(self) >= _MAX_KEPT:
            self.clear()
        part = _NOTHING
        if facet.kind is _FSYNC:
            end = -len("}}}}") if facet.shard is None else -len(f'}}}}}},"shard":{facet.shard}}}')
            part = slice(end - _DIGITS, end)
        elif facet.kind in _RARE:
            part = _EVERYTHING
        self[facet] = part
        return part


class _Bases(dict[Facet, int]):
    """The index of the node that an fsync is of, shifted; ``_NOBODY`` for every other kind."""

    def __init__(self, index_of: Callable[[int], int | None]) -> None:
        self._index_of = index_of

    def __missing__(self, facet: Facet) -> int:
        if len(self) >= _MAX_KEPT:
            self.clear()
        index = self._index_of(facet.nodes[0]) if facet.kind is _FSYNC else _NOBODY
        if index is None:  # Not remembered: there may be room for it later.
            return _NOBODY
        base = self[facet] = index << _CODE_BITS
        return base


class _Codes(dict[bytes, int]):
    """What a part of a fragment is counted as; whole fragments are collected in ``rare``."""

    def __init__(self) -> None:
        self.rare: list[bytes] = []

    def __missing__(self, part: bytes) -> int:
        if len(part) > _DIGITS:
            self.rare.append(part)
            return 0
        digits = part.rpartition(b":")[2]
        if not digits.isdigit():
            return _UNREADABLE
        ms = int(digits)
        code = ms if ms < EXACT_MS else EXACT_MS + bin_of(ms)
        if len(self) < _MAX_VALUES:
            self[part] = code
        return code


class FsyncTally:
    """Of one second."""

    def __init__(self, index_of: Callable[[int], int | None]) -> None:
        """
        :param index_of: a node's index, 1 or more; ``None``: it is not counted. Remembered until ``forget``.
        """
        self._parts = _Parts()
        self._bases = _Bases(index_of)
        self._codes = _Codes()
        self._counts: Counter[int] = Counter()

    def add(self, facets: Sequence[Facet], fragments: Sequence[bytes]) -> list[bytes]:
        """Count the fsyncs among these events; returns the Swim events and WritePressureUpdates, in order."""
        parts = map(getitem, fragments, map(self._parts.__getitem__, facets))
        codes = map(self._codes.__getitem__, parts)  # type: ignore[arg-type]  # mypy takes the bytes for their numbers.
        self._counts.update(map(add, map(self._bases.__getitem__, facets), codes))
        rare, self._codes.rare = self._codes.rare, []
        return rare

    def take(self) -> dict[int, tuple[dict[int, int], int]]:
        """By index: how many fsyncs in each bin, and the longest in ms. Starts anew."""
        bins_of: defaultdict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        longest: dict[int, int] = {}
        counts, self._counts = self._counts, Counter()
        for key in sorted(counts):
            code = key & _UNREADABLE
            if code != _UNREADABLE:
                index = key >> _CODE_BITS
                bins_of[index][_BINS[code]] += counts[key]
                longest[index] = code  # Codes rise with what they stand for.
        bins_of.pop(_NOBODY, None)
        return {
            index: (bins, code if (code := longest[index]) < EXACT_MS else middle_of(code - EXACT_MS))
            for index, bins in bins_of.items()
        }

    def forget(self) -> None:
        """Indexes have changed; what was counted before is to be taken first."""
        self._bases.clear()
