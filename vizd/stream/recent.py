"""The newest of what was made, within bounds."""

from collections import OrderedDict
from typing import Generic, TypeVar

__all__ = ["Recent"]

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping that forgets what was kept first when it holds too much.

    What readers share they ask for within a tick or two, so first in, first out is as good as anything.
    """

    def __init__(self, max_items: int, max_bytes: int) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._items: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._bytes = 0

    def __contains__(self, key: K) -> bool:
        return key in self._items

    def __getitem__(self, key: K) -> V:
        return self._items[key][0]

    def get(self, key: K) -> V | None:
        """What is kept for ``key``; ``None`` where there is nothing."""
        found = self._items.get(key)
        return found[0] if found else None

    def keep(self, key: K, value: V, size_bytes: int) -> V:
        """Keep ``value``, which is not kept yet, and return it. One that is larger than all the room is not kept."""
        self._items[key] = (value, size_bytes)
        self._bytes += size_bytes
        while len(self._items) > self._max_items or self._bytes > self._max_bytes:
            self._bytes -= self._items.popitem(last=False)[1][1]
        return value
