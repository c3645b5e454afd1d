"""How often something took how long, for Prometheus: counts by upper bound, from the daemon's start."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

__all__ = ["BOUNDS_S", "Histogram"]

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""From what a tick usually takes to beyond what makes the daemon sick (5 s); a bound is within its bucket."""


class Histogram:
    """One of them.

    :ivar sum_s: of all that was observed, in seconds.
    """

    def __init__(self) -> None:
        self.sum_s = 0.0
        self._counts = [0] * (len(BOUNDS_S) + 1)

    def observe(self, duration_s: float) -> None:
        """Count one of so many seconds; less than 1 us."""
        self.sum_s += duration_s
        self._counts[bisect_left(BOUNDS_S, duration_s)] += 1

    def cumulative(self) -> Iterator[tuple[str, int]]:
        """Each bound as text, ``+Inf`` at last, and how many did not exceed it."""
        return zip((*map(str, BOUNDS_S), "+Inf"), accumulate(self._counts), strict=True)
