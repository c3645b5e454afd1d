"""Keyframes of the durable log: made of named parts, of which some are kept longer than others."""

from collections.abc import Iterable, Iterator

from vizd.log.keyframe import Keyframe
from vizd.log.window import Position
from vizd.log.zstd import compress

__all__ = ["STATE", "PartedKeyframe", "StoredKeyframe"]

STATE = "state"
"""The part that readers of the past begin with: ``ILog.keyframe`` is this part and no other."""


class PartedKeyframe(Keyframe):
    """One that is being made, or waits to be stored.

    :ivar parts: the pieces that are made, compressed.
    """

    def __init__(self, position: Position, pieces: Iterable[tuple[str, bytes]]) -> None:
        """
        :param pieces: each with the name of its part.
        """
        super().__init__(position, ())
        self._parted: Iterator[tuple[str, bytes]] = iter(pieces)
        self.parts: dict[str, list[bytes]] = {STATE: self._made}

    def make(self, count: int) -> bool:
        """See ``Keyframe``."""
        for _ in range(count):
            part, piece = next(self._parted, (None, b""))
            if part is None:
                self.is_made = True
                return False
            packed = compress(piece)
            self.parts.setdefault(part, []).append(packed)
            self.memory_bytes += len(packed)
        return True


class StoredKeyframe(Keyframe):
    """One in the database, whose pieces have to be read."""

    def __init__(self, position: Position, size_bytes: int) -> None:
        super().__init__(position, ())
        self.memory_bytes = size_bytes
        self.is_made = True
