"""Which of an engine's key ranges are read and written most: one slot, and less around it."""

from random import Random

__all__ = ["SLOTS", "Heat"]

SLOTS = 8
_BY_DISTANCE = (0.97, 0.62, 0.31, 0.12, 0.04)


class Heat:
    """Slots 0 to ``SLOTS - 1``, as a ring."""

    def __init__(self, rng: Random) -> None:
        """:param rng: says where it is hottest."""
        self._rng = rng
        self._hot_slot = rng.randrange(SLOTS)

    def of(self, slot: int) -> float:
        """0 to 1."""
        distance = abs(slot - self._hot_slot)
        return _BY_DISTANCE[min(distance, SLOTS - distance)]

    def move(self) -> None:
        """Let the hot slot be the next one, on either side."""
        self._hot_slot = (self._hot_slot + self._rng.choice((-1, 1))) % SLOTS
