"""How long a publisher waits before it tries again."""

from random import Random

__all__ = ["Backoff"]


class Backoff:
    """Exponential delays with jitter, so that a hundred nodes do not come back in one moment.

    A delay is between half and all of a bound that doubles with each try.
    """

    def __init__(self, first_s: float, longest_s: float, rng: Random) -> None:
        """
        :param first_s: the first bound, in seconds.
        :param longest_s: the bound that is never exceeded, in seconds.
        :param rng: where the jitter comes from.
        :raises ValueError: unless 0 < first_s <= longest_s.
        """
        if not 0 < first_s <= longest_s:
            raise ValueError(f"backoff from {first_s} s to {longest_s} s: 0 < first <= longest is needed")
        self._first_s = first_s
        self._longest_s = longest_s
        self._rng = rng
        self._bound_s = first_s

    def reset(self) -> None:
        """It worked: the next delay is a first one."""
        self._bound_s = self._first_s

    def slow_down(self) -> None:
        """Trying again will not help by itself: the next delay is a longest one."""
        self._bound_s = self._longest_s

    def next_s(self) -> float:
        """The next delay, in seconds."""
        bound_s = self._bound_s
        self._bound_s = min(self._longest_s, bound_s * 2)
        return bound_s * self._rng.uniform(0.5, 1)
