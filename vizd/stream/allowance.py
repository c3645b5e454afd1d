"""How many bytes a line of so many kilobits a second takes now.

Two rules together (wire contract, "Budget"):

- over any two seconds no more than the budget, measured where the bytes arrive, so with some time to spare;
- what goes all the same, since it can't wait, is a debt: nothing else goes until it is paid.

It goes evenly, too: a line that is idle saves up little, since what goes at once is missing for the rest of the two
seconds.
"""

from collections import deque

__all__ = ["MAX_KBPS", "MIN_KBPS", "Allowance", "saved_bytes"]

MIN_KBPS = 1
"""Below about 8 nothing but transitions goes: what surrounds a batch takes 300 bytes."""
MAX_KBPS = 10_000_000
"""10 Gbit/s: a line without a limit has no budget."""

_SPAN_MS = 2_000
_MARGIN_MS = 300
"""Two seconds where bytes arrive may be more here: by what a busy machine delays one batch, and not the next."""
_PACE = 0.85
"""Of the budget, what comes in: so the two seconds are not exhausted by what an idle line had saved up."""
_SAVED_MS = 200
_SAVED_BYTES = 2_400
"""What an idle line saves up, the larger of the two, but not more than comes in within a second: on a thin line that is
one batch that is worth what surrounds it."""
_GRAIN_MS = 10
"""What is spent within such a time is one entry, so there are at most 231."""


def saved_bytes(kbps: float) -> float:
    """What an idle line with this budget saves up."""
    return max(kbps / 8 * _SAVED_MS, min(_SAVED_BYTES, kbps / 8 * 1_000))


class Allowance:
    """Of one line."""

    def __init__(self, kbps: float, now_ms: float) -> None:
        """
        :param kbps: kilobits (1000) a second of WebSocket payload. :param now_ms: by the monotonic clock, as below.
        """
        self._bytes_per_ms = kbps / 8
        self._saved = saved_bytes(kbps)
        self._most = self._saved
        self._as_of_ms = now_ms
        self._spent: deque[tuple[float, int]] = deque()
        self._spent_bytes = 0

    def set_kbps(self, kbps: float) -> None:
        """Another budget from now on; debts stay."""
        self._bytes_per_ms = kbps / 8
        self._most = saved_bytes(kbps)

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
        gained = _PACE * self._bytes_per_ms * max(0.0, now_ms - self._as_of_ms)
        self._as_of_ms = now_ms
        self._saved = min(self._most, self._saved + gained)
        while self._spent and now_ms - self._spent[0][0] > _SPAN_MS + _MARGIN_MS + _GRAIN_MS:
            self._spent_bytes -= self._spent.popleft()[1]
