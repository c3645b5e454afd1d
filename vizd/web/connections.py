"""The connections of HTTP that are open, and which one goes when there are too many.

Those of dashboards have a bound of their own, ``--max-clients``.
"""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

__all__ = ["SPARE", "Connection", "Connections"]

SPARE = 256
"""Beside ``--max-clients``: a browser has up to six, and a probe must always find one."""


class Connection(Protocol):
    """One of them, as this module needs it."""

    def cut(self) -> None:
        """Close it without a word."""


class Connections:
    """Whoever waits for the client, for a TLS handshake, a request or the rest of one, goes before whoever answers.

    So those who open connections and say nothing push out each other, and a client that asks at once is answered.
    """

    def __init__(self, room: Callable[[], int], refusals: Counter[str]) -> None:
        """
        :param room: how many may be open now. :param refusals: by reason, where each that had to go is counted.
        """
        self._room = room
        self._refusals = refusals
        self._waiting: dict[Connection, None] = {}  # Who has waited for longest stands first.
        self._busy: set[Connection] = set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._busy)

    def add(self, connection: Connection) -> bool:
        """It is open, and waits; false if there is no place for it."""
        if len(self) >= self._room():
            self._refusals["connections"] += 1
            if not self._waiting:
                return False
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.cut()
        self._waiting[connection] = None
        return True

    def answers(self, connection: Connection) -> None:
        """It has a request to answer."""
        if connection in self._waiting:
            del self._waiting[connection]
            self._busy.add(connection)

    def waits(self, connection: Connection) -> None:
        """It has answered."""
        if connection in self._busy:
            self._busy.remove(connection)
            self._waiting[connection] = None

    def remove(self, connection: Connection) -> None:
        """It is closed, or a dashboard's now."""
        self._waiting.pop(connection, None)
        self._busy.discard(connection)
