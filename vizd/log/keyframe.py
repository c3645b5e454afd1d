"""The state of the folds at one place of the log, so that nobody has to read from the log's beginning.

It is made of pieces, and so that no append takes long they are made and compressed a few at a time. What is in them
is the folds' own affair.
"""

from collections.abc import Iterable, Iterator, Sequence

from vizd.log.window import START, Position
from vizd.log.zstd import compress, decompress

__all__ = ["BEGINNING", "Keyframe"]

_PIECE_OVERHEAD_BYTES = 33 + 8
"""Of a ``bytes`` object, and of its pointer."""


class Keyframe:
    """See the module.

    :ivar position: the last window that it knows is the one in front of this place.
    :ivar is_made: there are no more pieces to make. :ivar memory_bytes: about what it takes.
    """

    def __init__(self, position: Position, pieces: Iterable[bytes]) -> None:
        """
        :param pieces: taken one after the other, when they are needed; they must not change in the meantime.
        """
        self.position = position
        self._left = iter(pieces)
        self._made: list[bytes] = []
        self.is_made = False
        self.memory_bytes = 0

    @classmethod
    def again(cls, position: Position, packed: Sequence[bytes]) -> "Keyframe":
        """One that was kept elsewhere, from its pieces as they were packed."""
        keyframe = cls(position, ())
        keyframe._made = list(packed)
        keyframe.memory_bytes = sum(len(each) + _PIECE_OVERHEAD_BYTES for each in packed)
        keyframe.is_made = True
        return keyframe

    def make(self, count: int) -> bool:
        """The next pieces, so many at most; whether there may be more."""
        for _ in range(count):
            piece = next(self._left, None)
            if piece is None:
                self.is_made = True
                return False
            packed = compress(piece)
            self._made.append(packed)
            self.memory_bytes += len(packed) + _PIECE_OVERHEAD_BYTES
        return True

    def pieces(self) -> Iterator[bytes]:
        """All of them, in order. What is not made yet is made at the step that needs it."""
        at = 0
        while at < len(self._made) or self.make(1):
            if at < len(self._made):
                yield decompress(self._made[at])
                at += 1


BEGINNING = Keyframe(START, ())
"""Of a log that has nothing in it: there are no pieces."""
