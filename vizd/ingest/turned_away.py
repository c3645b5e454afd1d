"""Calls that the door has refused: counted by reason with all other refusals, and told in the log now and then.

They are counted in the gRPC thread, and told to the reactor's at most once a second, however many there are.
"""

from collections import Counter
from collections.abc import Callable

from twisted.logger import Logger

__all__ = ["HandOver", "TurnedAway"]

HAND_OVER_EVERY_S = 1.0
TELL_EVERY_S = 60.0
"""In the log. A node with a wrong token tries every few seconds, for as long as nobody looks."""


class HandOver:
    """The gRPC thread's side."""

    def __init__(self, call_later: Callable[..., object], take: Callable[[Counter[str], str], object]) -> None:
        """
        :param call_later: of the thread's loop. :param take: gets the counts, and whom the last was of.
        """
        self._call_later = call_later
        self._take = take
        self._counts: Counter[str] = Counter()
        self._last = ""

    def add(self, reason: str, whom: str) -> None:
        """One call.

        :param reason: one of few. :param whom: for people: an address, or a node and its address.
        """
        if not self._counts:
            self._call_later(HAND_OVER_EVERY_S, self.hand_over)
        self._counts[reason] += 1
        self._last = whom

    def hand_over(self) -> None:
        """What there is, now."""
        if self._counts:
            counts, self._counts = self._counts, Counter()
            self._take(counts, self._last)


class TurnedAway:
    """The reactor's side."""

    _log = Logger()

    def __init__(self, refusals: Counter[str], monotonic: Callable[[], float]) -> None:
        """
        :param refusals: by reason, for all to see. :param monotonic: seconds, from anywhere.
        """
        self._refusals = refusals
        self._monotonic = monotonic
        self._untold: Counter[str] = Counter()
        self._told_s = float("-inf")

    def take(self, counts: Counter[str], last: str) -> None:
        """Some more."""
        self._refusals.update(counts)
        self._untold.update(counts)
        if self._monotonic() - self._told_s < TELL_EVERY_S:
            return
        self._told_s = self._monotonic()
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(self._untold.items()))
        self._log.warn(
            "{count} gRPC calls were refused since this was last said ({reasons}); the last one of {last}",
            count=self._untold.total(),
            reasons=reasons,
            last=last,
        )
        self._untold.clear()
