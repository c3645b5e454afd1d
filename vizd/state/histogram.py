"""Durations counted in bins of a fixed size relative to them.

Below 16 ms each millisecond has a bin of its own. Above, each doubling is divided into eight, so a percentile is wrong
by at most ``ERROR`` of itself. All of u32 takes 240 bins: the number of a bin is a byte.
"""

from collections.abc import Mapping, Sequence

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


def percentiles(bins: Mapping[int, int], percents: Sequence[int]) -> list[int]:
    """For each percent the middle of the bin with the duration that so many of all do not exceed (nearest rank), in ms.

    :param bins: how many there are in each bin; not empty. :param percents: 1 to 100, rising.
    """
    total = sum(bins.values())
    numbers = iter(sorted(bins))
    number = next(numbers)
    passed = bins[number]
    found = []
    for percent in percents:
        rank = -(-total * percent // 100)
        while passed < rank:
            number = next(numbers)
            passed += bins[number]
        found.append(middle_of(number))
    return found
