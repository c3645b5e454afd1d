"""How often an address may do something: a bucket of tokens for each, in a table that is bounded."""

import functools
import ipaddress
from collections.abc import Callable

__all__ = ["Rates", "party"]

_IPV6_PREFIX = 64
"""What one customer of a network has at least; of its addresses he has as many as he likes."""


@functools.lru_cache(4_096)
def party(address: str) -> str:
    """Whom an IP address stands for: itself, or the /64 network of an IPv6 address; any other text for itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    if found.is_loopback:
        return str(found)
    return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))


class Rates:
    """So much a second for each key, and some at once.

    :cvar MAX_KEYS: about 2 MB; beyond it the one that has been quiet for longest is forgotten, and begins anew.
    """

    MAX_KEYS = 10_000

    def __init__(self, per_s: float, at_once: int, monotonic: Callable[[], float]) -> None:
        """
        :param monotonic: seconds, from anywhere.
        """
        self._per_s = per_s
        self._at_once = at_once
        self._monotonic = monotonic
        self._left: dict[str, tuple[float, float]] = {}  # What was left, and when; the newest stands last.

    def __len__(self) -> int:
        return len(self._left)

    def allows(self, key: str) -> bool:
        """Whether ``key`` may do it once more, which counts only if it may."""
        now_s = self._monotonic()
        left, then_s = self._left.pop(key, (float(self._at_once), now_s))
        left = min(self._at_once, left + (now_s - then_s) * self._per_s)
        is_allowed = left >= 1
        self._left[key] = (left - 1 if is_allowed else left), now_s
        if len(self._left) > self.MAX_KEYS:
            del self._left[next(iter(self._left))]
        return is_allowed

    def wait_s(self) -> int:
        """After which whoever was refused may try again, in whole seconds."""
        return max(1, -int(-1 // self._per_s))
