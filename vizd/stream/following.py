"""A reader of one conflated stream: a client on a thin line, or many equal ones together."""

from collections.abc import Hashable
from copy import copy

from zope.interface import implementer

from vizd.log.window import Position
from vizd.stream.conflated import ConflatedStream, Said
from vizd.stream.frames import Frame, Frames
from vizd.stream.interfaces import IEncoder, IReader
from vizd.stream.near import SAY_POSITION_AFTER_MS

__all__ = ["Following"]


@implementer(IReader)
class Following:
    """See the module, and ``IReader``. Whoever has it joins the stream, and leaves it.

    :ivar stream: that it follows. :ivar position: behind what was sent last.
    """

    def __init__(
        self,
        stream: ConflatedStream,
        frames: Frames,
        encoder: IEncoder,
        number: int,
        position: Position,
        told_ms: float,
    ) -> None:
        """
        :param number: of the batch that it gets next. :param told_ms: when the client has heard where it stands.
        """
        self.stream = stream
        self._frames = frames
        self._encoder = encoder
        self._number = number
        self.position = position
        self.told_ms = told_ms

    @property
    def key(self) -> Hashable:
        """See ``IReader``."""
        return self.stream

    def twin(self) -> "Following":
        """See ``IReader``."""
        return copy(self)

    def stands_with(self, other: "Following") -> bool:
        """See ``IReader``."""
        return self._number == other._number

    def welcome(self, other: "Following") -> None:
        """See ``IReader``. Nothing was for them between the one's position and the other's."""
        self.position = max(self.position, other.position, key=lambda each: each.seq)
        self.told_ms = min(self.told_ms, other.told_ms)

    def go_to(self, other: "Following") -> None:
        """See ``IReader``."""
        self._number, self.position, self.told_ms = other._number, other.position, other.told_ms

    @property
    def is_due(self) -> bool:
        """There may be something to pull."""
        return self.stream.is_behind() or self.stream.has_said(self._number)

    @property
    def is_here(self) -> bool:
        """It has taken all that the stream has said."""
        return not self.stream.has_said(self._number)

    def next(self, now_ms: float) -> Said | None:
        """The next batch, once.

        :raises LookupError: it has been let go of.
        """
        self.stream.follow(now_ms)
        said = self.stream.said(self._number)
        if said:
            self._number += 1
            self.position, self.told_ms = said.position, now_ms
        return said

    def pull(self, now_ms: float) -> Frame | None:
        """See ``IReader``."""
        said = self.next(now_ms)
        return said.frame if said else self.pull_position(now_ms)

    def pull_position(self, now_ms: float) -> Frame | None:
        """Where it stands, if nothing of what has happened since was for it."""
        is_time = now_ms - self.told_ms >= SAY_POSITION_AFTER_MS
        if not is_time or self.stream.has_counted or self.stream.position.seq == self.position.seq:
            return None
        self.position, self.told_ms = self.stream.position, now_ms
        return self._frames.position(self.position, self._encoder)
