"""When something is to be looked at again: the next time first."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

__all__ = ["Agenda", "Due"]

_SPARE = 1_000
"""Entries that mean nothing any more; with more of them than this, and than ones that do, they are cleared away."""


class Due(Protocol):
    """
    :ivar due_ms: when it is to be looked at; ``None``: not at all. Whoever is done with it clears that.
    :ivar turn: of two that are due at once the one with the lower turn comes first.
    """

    due_ms: int | None
    turn: int


D = TypeVar("D", bound=Due)


class Agenda(list[tuple[int, int, D]]):
    """A heap of times. Each thing stands in it at its earliest one; what it stood at before is skipped."""

    def __init__(self, before_change: Callable[[D], object] = lambda each: None) -> None:
        """
        :param before_change: told of each before its time has come and is cleared.
        """
        self._before_change = before_change
        self._pushed = 0

    def put(self, each: D, at_ms: int, others: int) -> None:
        """Look at ``each`` then, if not before.

        :param others: how many things there are that may be due; bounds the heap.
        """
        if each.due_ms is not None and each.due_ms <= at_ms:
            return
        each.due_ms = at_ms
        self._pushed = each.turn = self._pushed + 1
        heapq.heappush(self, (at_ms, each.turn, each))
        if len(self) > 2 * others + _SPARE:
            self[:] = [entry for entry in self if _stands(entry)]
            heapq.heapify(self)

    def restore(self, things: Iterable[D]) -> None:
        """These stood in it, and some may be due."""
        self[:] = [(each.due_ms, each.turn, each) for each in things if each.due_ms is not None]
        heapq.heapify(self)
        self._pushed = max((turn for _, turn, _ in self), default=0)

    def take(self, now_ms: int) -> Iterator[D]:
        """Those that are due by now."""
        while self and self[0][0] <= now_ms:
            entry = heapq.heappop(self)
            if _stands(entry):
                self._before_change(entry[2])
                entry[2].due_ms = None
                yield entry[2]


def _stands(entry: tuple[int, int, Due]) -> bool:
    """It is not one of those at which something stood before."""
    return entry[2].due_ms is not None and entry[2].turn == entry[1]
