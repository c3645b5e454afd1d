"""What lies behind the head, for a client on a thin line: the transitions are sent, all else is counted."""

from collections.abc import Sequence

from vizd.events.catalogue import TYPES
from vizd.log.window import Page, Position, Window
from vizd.stream.filter import Filter
from vizd.stream.frames import MAX_BYTES, MAX_EVENTS, Frame
from vizd.stream.interfaces import IEncoder
from vizd.stream.source import Source

__all__ = ["Passing"]


class Passing:
    """On the way through the windows in front of some place.

    :ivar to: the windows at hand lead there; ``None``: none are.
    :ivar since: what was counted and is not told yet came behind this; ``None``: nothing is.
    """

    def __init__(self, source: Source, encoder: IEncoder) -> None:
        self._source = source
        self._encoder = encoder
        self._windows: Sequence[Window] = ()
        self.to: Position | None = None
        self.forget()

    def forget(self) -> None:
        """Begin anew, somewhere else."""
        self._counts: Sequence[int] = [0] * len(TYPES)
        self._counts_from_ms: int | None = None
        self.since: Position | None = None
        self.put_back()

    def put_back(self) -> None:
        """Let go of the windows at hand: they can be read again."""
        self._windows, self.to = (), None

    def give(self, page: Page) -> None:
        """The next windows."""
        self._windows, self.to = page.windows, page.position

    def go(self, left: Position, by: Filter, head: Position) -> tuple[Position, Frame | None]:
        """As far as one message goes; it must have windows at hand.

        :param left: in front of them.
        :returns: where that is; and the message, if there were transitions, or the head is reached and something was
            counted.
        """
        if self.to is None:
            raise ValueError("there are no windows at hand")
        transitions: list[bytes] = []
        position, windows = self.to, self._windows
        self.put_back()
        for at, window in enumerate(windows):
            transitions += self._pass(window, by)
            if len(transitions) >= MAX_EVENTS or sum(map(len, transitions)) >= MAX_BYTES:
                self._windows, self.to = windows[at + 1 :], position
                position = window.position
                break
        if any(self._counts) and self.since is None:
            self.since = left
        is_told = bool(transitions) or (any(self._counts) and position.seq == head.seq)
        return position, self._message(transitions, position) if is_told else None

    def _pass(self, window: Window, by: Filter) -> Sequence[bytes]:
        """Its transitions; everything is counted."""
        if not by.wants_types(window.types):
            return ()
        if self._counts_from_ms is None:
            self._counts_from_ms = window.start_ms
        counts = window.counts if by.is_open else window.tally(by.verdicts)
        self._counts = list(map(sum, zip(self._counts, counts, strict=True)))
        return window.pick(by.transitions)[0]

    def _message(self, transitions: Sequence[bytes], position: Position) -> Frame:
        events, counts, from_ms = self._encoder.events(transitions), self._counts, self._counts_from_ms or 0
        self._counts, self._counts_from_ms, self.since = [0] * len(TYPES), None, None
        return self._source.framed(from_ms, position, events, counts, self._encoder)
