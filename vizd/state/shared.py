"""A dict that can be shown at any time, as it stands, to whoever wants to keep it."""

from collections.abc import Mapping
from typing import Generic, TypeVar

__all__ = ["SharedDict"]

K = TypeVar("K")
V = TypeVar("V")


class SharedDict(Generic[K, V]):
    """Made for what changes rarely: the first change after a showing copies the dict.

    :ivar now: to read; not to be kept.
    """

    def __init__(self) -> None:
        self.now: dict[K, V] = {}
        self._is_shown = False

    def shown(self) -> Mapping[K, V]:
        """As it is now. Never changes."""
        self._is_shown = True
        return self.now

    def put(self, key: K, value: V) -> None:
        """As the newest in the dict's order."""
        own = self._own()
        own.pop(key, None)
        own[key] = value

    def drop(self, key: K) -> None:
        """Nothing, where it is not there."""
        if key in self.now:
            del self._own()[key]

    def _own(self) -> dict[K, V]:
        if self._is_shown:
            self.now = dict(self.now)
            self._is_shown = False
        return self.now
