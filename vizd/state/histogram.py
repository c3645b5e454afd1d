"""Durations counted in bins of a fixed size relative to them.

Below 16 ms each millisecond has a bin of its own. Above, each doubling is divided into eight, so a percentile is wrong
by at most ``ERROR`` of itself. All of u32 takes 240 bins: the number of a bin is a byte.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate

__all__ = ["BINS", "ERROR", "bin_of", "middle_of", "percentiles"]

_EXACT = 16
_SUB_BITS = 3
BINS = _EXACT + ((32 - 4) << _SUB_BITS)
ERROR = 1 / 16
"""Half of a bin, as a part of its lower end."""


def bin_of(ms: int) -> int:
    """The bin of a duration, 0 to 2**32 - 1 milliseconds."""
    if ms < _EXACT:
        return ms
    octave = ms.bit_length() - 5
    return _EXACT + (octave << _SUB_BITS) + ((ms >> (octave + 1)) & 7)


def middle_of(number: int) -> int:
    """Milliseconds in the middle of a bin, rounded down."""
    if number < _EXACT:
        return number
    octave, part = divmod(number - _EXACT, 1 << _SUB_BITS)
    width = 2 << octave
    return (8 + part) * width + (width - 1) // 2


_MIDDLES = tuple(map(middle_of, range(BINS)))


def percentiles(bins: Mapping[int, int], percents: Iterable[int]) -> list[int]:
    """For each percent the middle of the bin with the duration that so many of all do not exceed (nearest rank), in ms.

    :param bins: how many there are in each bin; not empty. :param percents: 1 to 100.
    """
    numbers = sorted(bins)
    passed = list(accumulate(map(bins.__getitem__, numbers)))
    ranks = (-(-passed[-1] * percent // 100) for percent in percents)
    return [_MIDDLES[numbers[bisect_left(passed, rank)]] for rank in ranks]
