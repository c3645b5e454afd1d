"""What a rule remembers of each of its subjects, bounded."""

from collections.abc import Hashable
from typing import TypeVar

from vizd.state.copied import CopiedDict

__all__ = ["Subjects"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Subjects(CopiedDict[K, V]):
    """In the order in which they were put; beyond ``MAX`` the one that was put first is forgotten.

    :cvar MAX: as many as ``Cases.MAX_SUBJECTS``.
    """

    MAX = 10_000

    def put(self, key: K, value: V) -> None:
        """It is the newest one now."""
        self.pop(key, None)
        self[key] = value
        if len(self) > self.MAX:
            del self[next(iter(self))]
