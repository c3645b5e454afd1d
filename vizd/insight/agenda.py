"""When something is to be looked at again: the next time first."""

import heapq
from collections.abc import Iterator
from typing import Protocol, TypeVar

__all__ = ["Agenda", "Due"]

_SPARE = 1_000
"""Entries that mean nothing any more; with more of them than this, and than ones that do, they are cleared away."""


class Due(Protocol):
    """:ivar due_ms: when it is to be looked at; ``None``: not at all. Whoever is done with it clears that."""

    due_ms: int | None


D = TypeVar("D", bound=Due)


class Agenda(list[tuple[int, int, D]]):
    """A heap of times. Each thing stands in it at its earliest one; what it stood at before is skipped."""

    def __init__(self) -> None:
        self._pushed = 0

    def put(self, each: D, at_ms: int, others: int) -> None:
        """Look at ``each`` then, if not before.

        :param others: how many things there are that may be due; bounds the heap.
        """
        if each.due_ms is not None and each.due_ms <= at_ms:
            return
        each.due_ms = at_ms
        self._pushed += 1  # Of two that are due at once the first comes first, and things are not compared.
        heapq.heappush(self, (at_ms, self._pushed, each))
        if len(self) > 2 * others + _SPARE:
            self[:] = [entry for entry in self if entry[0] == entry[2].due_ms]
            heapq.heapify(self)

    def take(self, now_ms: int) -> Iterator[D]:
        """Those that are due by now."""
        while self and self[0][0] <= now_ms:
            due_ms, _, each = heapq.heappop(self)
            if each.due_ms == due_ms:
                each.due_ms = None
                yield each
