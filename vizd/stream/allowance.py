"""How many bytes a line of so many kilobits a second takes now.

Two rules together (wire contract, "Budget"):

- over any two seconds no more than the budget, measured where the bytes arrive, so with some time to spare;
- what goes all the same, since it can't wait, is a debt: nothing else goes until it is paid.
"""

from collections import deque

__all__ = ["MAX_KBPS", "MIN_KBPS", "Allowance"]

MIN_KBPS = 1
"""Below about 8 nothing but transitions goes: what surrounds a batch takes 300 bytes."""
MAX_KBPS = 10_000_000
"""10 Gbit/s: a line without a limit has no budget."""

_SPAN_MS = 2_000
_MARGIN_MS = 100
"""Two seconds where they arrive may be a little more here."""
_SAVED_MS = 1_000
"""What an idle line saves up: as long as it may take until it is looked at again, on a silent cluster."""
_GRAIN_MS = 10
"""What is spent within such a time is one entry, so there are at most 210."""


class Allowance:
    """Of one line.

    :cvar SAVED_BYTES_PER_KBPS: that an idle line saves up.
    """

    SAVED_BYTES_PER_KBPS = _SAVED_MS / 8

    def __init__(self, kbps: float, now_ms: float) -> None:
        """
        :param kbps: kilobits (1000) a second of WebSocket payload. :param now_ms: by the monotonic clock, as below.
        """
        self._bytes_per_ms = kbps / 8
        self._saved = self._bytes_per_ms * _SAVED_MS
        self._as_of_ms = now_ms
        self._spent: deque[tuple[float, int]] = deque()
        self._spent_bytes = 0

    def set_kbps(self, kbps: float) -> None:
        """Another budget from now on; debts stay."""
        self._bytes_per_ms = kbps / 8

    def room(self, now_ms: float) -> int:
        """Bytes that may go now; 0 or less: none."""
        self._let_pass(now_ms)
        return int(min(self._saved, self._bytes_per_ms * _SPAN_MS - self._spent_bytes))

    def is_unused(self, now_ms: float) -> bool:
        """Nothing was spent lately, and nothing is owed."""
        self._let_pass(now_ms)
        return not self._spent and self._saved >= 0

    def spend(self, size_bytes: int, now_ms: float) -> None:
        """So many go, whether there is room or not."""
        self._let_pass(now_ms)
        self._saved -= size_bytes
        self._spent_bytes += size_bytes
        if self._spent and now_ms - self._spent[-1][0] < _GRAIN_MS:
            began_ms, before = self._spent.pop()
            self._spent.append((began_ms, before + size_bytes))
        else:
            self._spent.append((now_ms, size_bytes))

    def _let_pass(self, now_ms: float) -> None:
        gained = self._bytes_per_ms * max(0.0, now_ms - self._as_of_ms)
        self._as_of_ms = now_ms
        self._saved = min(self._bytes_per_ms * _SAVED_MS, self._saved + gained)
        while self._spent and now_ms - self._spent[0][0] > _SPAN_MS + _MARGIN_MS + _GRAIN_MS:
            self._spent_bytes -= self._spent.popleft()[1]
