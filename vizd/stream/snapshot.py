"""The state as of one place of the log, as messages: what a client gets before the windows behind that place.

    wants() ─▶ a view of the state at the place, if that is not the head
            ─▶ a turn to look at some entries of it
    pull()  ─▶ batches; the last one has the position

A view is immutable, so it may take as long as the client takes. Wire contract, section 2, "State first".
"""

import enum
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol

from vizd.log.window import Position, counts_of
from vizd.state.view import View
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame, Frames
from vizd.stream.interfaces import IEncoder
from vizd.stream.walk import Walk

__all__ = ["Look", "Snapshot", "StateWish", "WantedView"]

BATCH_EVENTS = 1_000
"""Of a message, at most."""


class StateWish(enum.Enum):
    """What a client wants of the state; the value is how many events at most."""

    NONE = 0
    NEWEST = 5_000
    ALL = 2**63

    @property
    def on_request(self) -> "StateWish":
        """What one gets who asks for the state, whatever was wished for otherwise."""
        return self if self is not StateWish.NONE else StateWish.NEWEST


@dataclass(frozen=True, slots=True)
class WantedView:
    """The state at ``position``."""

    snapshot: "Snapshot"
    position: Position


@dataclass(frozen=True, slots=True)
class Look:
    """A turn to look at some entries of a state."""

    at: "Looking"


class Looking(Protocol):
    """Whoever does that."""

    def look(self) -> None:
        """Take the turn."""


class Snapshot:
    """One, for one client.

    :ivar wish: how much of it. :ivar view: what it is made of, once it has that.
    :ivar ended: all of it has been pulled.
    """

    def __init__(self, position: Position, by: Filter, wish: StateWish, encoder: IEncoder, frames: Frames) -> None:
        self._position = position
        self._filter = by
        self.wish = wish
        self._encoder = encoder
        self._frames = frames
        self._walk: Walk | None = None
        self.view: View | None = None
        self._batches = 0
        self.ended = False

    def __repr__(self) -> str:
        return f"<Snapshot at {self._position.seq}>"

    def wants(self) -> WantedView | Look | None:
        """What it can't go on without."""
        if self.ended or self._is_due:
            return None
        return WantedView(self, self._position) if self._walk is None else Look(self)

    def show(self, view: View) -> None:
        """Give it the state at its place."""
        self.view = view
        self._walk = Walk(view, self._filter, self.wish.value)

    def look(self) -> None:
        """Look at the next entries of it: until there is a batch, or as many as one turn has time for."""
        if self._walk is not None:
            self._walk.look(BATCH_EVENTS + 1)

    @property
    def _is_due(self) -> bool:
        """There is a batch, and it is known whether it is the last one."""
        return self._walk is not None and (self._walk.is_read or len(self._walk) > BATCH_EVENTS)

    def is_due(self) -> bool:
        """``pull`` has something, or it has ended."""
        return not self.ended and self._is_due

    def pull(self, *, in_history: bool = False) -> Frame | None:
        """The next message. ``None``: not without what it wants, or it has ended."""
        walk = self._walk
        if walk is None or not self.is_due():
            return None
        facets, fragments = walk.take(BATCH_EVENTS)
        self.ended = is_last = walk.is_read and not len(walk)
        if not facets:
            return None if in_history else self._frames.position(self._position, self._encoder)
        extras: dict[str, Any] = {"history": True} if in_history else {}
        extras["snapshot"] = True
        if is_last and not in_history:
            extras["position"] = self._frames.position_text(self._position)
        if is_last and walk.is_truncated:
            extras["truncated"] = True
        key = self._filter, self._encoder.name, self._position.seq, (self.wish, self._batches, in_history)
        self._batches += 1
        counts = counts_of(Counter(facets).items())
        return self._frames.state(key, self._position.end_ms or 0, fragments, counts, self._encoder, extras)
