"""How many events came, by time: a running total, noted once every ten seconds."""

from array import array
from bisect import bisect_left

from vizd.state.columns import numbers, packed

__all__ = ["SLOT_MS", "Received"]

SLOT_MS = 10_000


class Received:
    """Counts in whole slots of ``SLOT_MS``; bounded in number.

    :cvar MAX: beyond it, 4 hours of slots, every other one of the older half is joined to the one before it.
    """

    MAX = 1_440

    def __init__(self) -> None:
        self._slots = array("Q")
        self._before = array("Q")
        self._total = 0

    def columns(self) -> tuple[int, bytes, bytes]:
        """All there is, for ``of``."""
        return self._total, packed(self._slots), packed(self._before)

    @classmethod
    def of(cls, total: int, slots: bytes, before: bytes) -> "Received":
        """That of these columns."""
        received = cls()
        received._total, received._slots, received._before = total, numbers("Q", slots), numbers("Q", before)
        return received

    def add(self, at_ms: int, events: int) -> None:
        """So many came at this time, which never falls."""
        slot_ms = at_ms - at_ms % SLOT_MS
        if not self._slots or self._slots[-1] != slot_ms:
            self._slots.append(slot_ms)
            self._before.append(self._total)
            if len(self._slots) > self.MAX:
                del self._slots[1 : self.MAX // 2 : 2]
                del self._before[1 : self.MAX // 2 : 2]
        self._total += events

    def trim(self, before_ms: int) -> None:
        """Let go of the slots that end at this or before it."""
        count = bisect_left(self._slots, before_ms - SLOT_MS + 1)
        del self._slots[:count]
        del self._before[:count]

    def between(self, from_ms: int, to_ms: int) -> int:
        """Events of all slots that begin before ``to_ms`` and do not end before ``from_ms`` or at it."""
        if from_ms >= to_ms:
            return 0
        return self._total_before(to_ms) - self._total_before(from_ms - from_ms % SLOT_MS)

    def _total_before(self, at_ms: int) -> int:
        index = bisect_left(self._slots, at_ms)
        return self._before[index] if index < len(self._slots) else self._total
