"""The state for a client on a thin line: some of it before the stream, the rest beside it.

    First   the transitions, which are what the state is about, and as much of the rest as has room at once
    Rest    what was left out, as there is room beside the stream, unless something newer has come of it

So live transitions never wait for gauges of an hour ago, and what is said of every key is its newest in the end.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from vizd.events.catalogue import EventClass
from vizd.events.facet import Facet
from vizd.log.window import Position, counts_of
from vizd.state.view import View
from vizd.stream.allowance import Allowance
from vizd.stream.conflated import FEW, ConflatedStream
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame, Frames
from vizd.stream.interfaces import IEncoder
from vizd.stream.snapshot import BATCH_EVENTS, Look
from vizd.stream.source import Source
from vizd.stream.walk import Walk

__all__ = ["First", "Rest"]

ENOUGH = 200
"""Events that are held ready: more than have room at once on most lines."""


def _batch(
    frames: Frames,
    encoder: IEncoder,
    as_of_ms: int,
    facets: Sequence[Facet],
    events: Sequence[bytes],
    extras: dict[str, Any],
) -> Frame:
    """One of a snapshot; events are encoded."""
    counts = counts_of(Counter(facets).items())
    data = encoder.data(as_of_ms, as_of_ms, events, counts)
    return Frame(encoder.batch(data, {"snapshot": True, **extras}), encoder.is_binary, len(events))


def _fitting(events: Sequence[bytes], room: int) -> int:
    """How many of these there is room for."""
    for number, event in enumerate(events):
        room -= len(event) + 1
        if room < 0:
            return number
    return len(events)


class First:
    """What of the state comes before the stream.

    :ivar sent: events that have come of keys that are no transitions'. :ivar ended: all of it was pulled.
    :ivar is_partial: there is more.
    """

    def __init__(
        self, view: View, by: Filter, most: int, encoder: IEncoder, frames: Frames, allowance: Allowance
    ) -> None:
        """
        :param most: of events, in this and the rest together. :param allowance: for what is sent beside the stream.
        """
        self._allowance = allowance
        self._position = view.position
        self._walk = Walk(view, by, most)
        self._encoder = encoder
        self._frames = frames
        self.sent: frozenset[bytes] = frozenset()
        self.ended = False
        self.is_partial = False

    def wants(self) -> Look | None:
        """What it can't go on without."""
        return None if self.ended or self.is_due() else Look(self)

    def look(self) -> None:
        """Take a turn."""
        self._walk.look(BATCH_EVENTS + 1)

    def is_due(self) -> bool:
        """``pull`` has something."""
        return not self.ended and (self._walk.is_read or len(self._walk) > BATCH_EVENTS)

    def pull(self, now_ms: float) -> Frame | None:
        """The next message; ``None``: it needs a turn, or has ended."""
        if not self.is_due():
            return None
        walk = self._walk
        transitions = sum(each.kind.event_class is EventClass.TRANSITION for each in walk.facets[:BATCH_EVENTS])
        if transitions == BATCH_EVENTS and len(walk) > BATCH_EVENTS:
            facets, events = walk.take(BATCH_EVENTS)
            frame = self._made(facets, self._encoder.events(events), {})
        else:
            frame = self._last(transitions, self._allowance.room(now_ms))
        self._allowance.spend(len(frame.payload), now_ms)
        return frame

    def _last(self, transitions: int, room: int) -> Frame:
        walk = self._walk
        position = {"position": self._frames.position_text(self._position)}
        others = self._encoder.events(walk.fragments[transitions:BATCH_EVENTS])
        surrounding = len(self._made([], [], {**position, "truncated": True}).payload)
        urgent = sum(map(len, walk.fragments[:transitions])) + transitions
        facets, events = walk.take(transitions + _fitting(others, room - surrounding - urgent))
        self.sent = frozenset(events[transitions:])
        self.ended = True
        self.is_partial = bool(len(walk)) or not walk.is_read
        if not facets:
            return self._frames.position(self._position, self._encoder)
        truncated = {"truncated": True} if self.is_partial or walk.is_truncated else {}
        return self._made(facets, self._encoder.events(events), {**position, **truncated})

    def _made(self, facets: Sequence[Facet], events: Sequence[bytes], extras: dict[str, Any]) -> Frame:
        return _batch(self._frames, self._encoder, self._position.end_ms or 0, facets, events, extras)


class Rest:
    """Phases and gauges of the state as of where a reader has joined a stream.

    :ivar ended: there is nothing left to send.
    """

    def __init__(
        self,
        source: Source,
        stream: ConflatedStream,
        by: Filter,
        most: int,
        encoder: IEncoder,
        allowance: Allowance,
        worth_bytes: int,
        sent: frozenset[bytes] = frozenset(),
        newer_than: Position | None = None,
    ) -> None:
        """
        :param allowance: for what is sent beside the stream. :param worth_bytes: of room, for a batch that does not
            hold all that is left. :param sent: what need not come any more.
        :param newer_than: only what has come since, and as part of the stream, not of a snapshot.
        """
        self._source = source
        self._stream = stream
        self._encoder = encoder
        self._view = source.view()
        self._newer_than = newer_than
        self._walk = Walk(self._view, by, most, newer_than.end_ms if newer_than else None)
        self._sent = sent
        self._allowance = allowance
        self._worth_bytes = worth_bytes
        self.ended = False

    def wants(self) -> Look | None:
        """A turn, while there is little ready."""
        return None if self._walk.is_read or len(self._walk) >= ENOUGH else Look(self)

    def look(self) -> None:
        """Take it."""
        self._walk.look(ENOUGH)

    def pull(self, position: Position, now_ms: float) -> Frame | None:
        """What there is room for; ``None``: nothing now.

        :param position: behind what the reader was sent last.
        """
        walk, room = self._walk, self._allowance.room(now_ms)
        is_roomy = room >= self._worth_bytes
        if self.wants() or not (is_roomy or len(walk) <= FEW):
            return None
        self._let_go_of_old()
        if not len(walk):
            self.ended = walk.is_read
            return None
        events = self._encoder.events(walk.fragments)
        fitting = _fitting(events, room - len(self._made([], [], position).payload))
        if not is_roomy and fitting < len(events):
            return None
        fitting = max(1, fitting)  # One that is larger than all room would stay for ever.
        facets, _ = walk.take(fitting)
        frame = self._made(facets, events[:fitting], position)
        self._allowance.spend(len(frame.payload), now_ms)
        return frame

    def _let_go_of_old(self) -> None:
        """What is newer has come, or comes in the stream; so do transitions."""
        walk, source, stream, sent = self._walk, self._source, self._stream, self._sent
        walk.keep(
            lambda facet, event: (
                facet.kind.event_class is not EventClass.TRANSITION
                and event not in sent
                and source.is_current(facet, event)
                and not stream.brings(facet, event)
            )
        )

    def _made(self, facets: Sequence[Facet], events: Sequence[bytes], position: Position) -> Frame:
        source, encoder = self._source, self._encoder
        if self._newer_than is None:
            return _batch(source.frames, encoder, self._view.as_of_ms or 0, facets, events, {})
        return source.framed(position.end_ms or 0, position, events, counts_of(()), encoder)
