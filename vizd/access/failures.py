"""Wrong tokens: who brings more of them than a mistake explains, and a line in the log now and then.

A right token is taken however many wrong ones came from the same address: behind a proxy all have one address, and
whoever guesses must not be able to lock the others out. What makes guessing hopeless is the length of a token.
"""

import threading
from collections.abc import Callable

from twisted.logger import Logger

from vizd.access.rates import Rates, party

__all__ = ["Failures"]

PER_S = 1.0
AT_ONCE = 20
"""A page with an old token asks for a dozen things before it has heard of the first refusal."""
TELL_EVERY_S = 60.0


class Failures:
    """Any thread may tell."""

    _log = Logger()

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """
        :param monotonic: seconds, from anywhere.
        """
        self._monotonic = monotonic
        self._rates = Rates(PER_S, AT_ONCE, monotonic)
        self._lock = threading.Lock()
        self._untold = 0
        self._told_s: float | None = None

    def allows(self, address: str) -> bool:
        """Somebody at ``address`` has brought a wrong token. Whether that is still as often as may be."""
        with self._lock:
            self._untold += 1
            now_s = self._monotonic()
            if self._told_s is None or now_s - self._told_s >= TELL_EVERY_S:
                self._log.warn("wrong tokens: {count}, the last one from {peer}", count=self._untold, peer=address)
                self._told_s, self._untold = now_s, 0
            return self._rates.allows(party(address))

    def wait_s(self) -> int:
        """After which it makes sense to try again."""
        return self._rates.wait_s()
