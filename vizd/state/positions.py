"""How far the log has come with each publisher, so that a daemon that starts again greets it as it would have before.

A fold over the marks of the log's windows, which tells of an incarnation what the ingest's registry knows, as far as
that is stored.
"""

from collections.abc import Iterable, Iterator

import msgspec

from vizd.log.window import Mark, Publisher, Window
from vizd.state.copied import CopiedDict, Entries
from vizd.state.pieces import Codec

__all__ = ["Place", "Positions"]


class Place(msgspec.Struct, array_like=True):
    """One incarnation.

    :ivar stored_through: the log has everything up to this seq that was not lost.
    :ivar accounted_through: stored or known to be lost.
    :ivar given_up: events that it gave up before they had a seq.
    :ivar connected: its stream is open. :ivar fenced: another process has taken its identity.
    """

    stored_through: int
    accounted_through: int
    given_up: int = 0
    connected: bool = True
    fenced: bool = False


class _Known(msgspec.Struct, array_like=True, tag="known"):
    """Of a keyframe: some incarnations, those that connected first first."""

    known: Entries


_codec: Codec[_Known] = Codec(1, _Known)


class Positions:
    """Folded over a log from its beginning, or from a keyframe.

    :cvar MAX_KNOWN: as many as the registry remembers; beyond it the one goes that connected first of those that are
        not connected.
    """

    MAX_KNOWN = 10_000

    def __init__(self) -> None:
        self._known: CopiedDict[Publisher, Place] = CopiedDict(tuple[Publisher, Place])
        self._newest: dict[tuple[int, str], Publisher] = {}

    def __iter__(self) -> Iterator[tuple[Publisher, Place]]:
        """All incarnations, those that connected first first."""
        return iter(self._known.items())

    def fold(self, window: Window) -> None:
        """The next window of the log."""
        for mark in window.marks:
            if not mark.refused:
                self._follow(mark)

    def _follow(self, mark: Mark) -> None:
        publisher = mark.publisher
        place: Place | None = self._known.get(publisher)
        if place is None:
            # Its first mark says how far it had come by its own account.
            place = self._remember(publisher, Place(mark.last_seq, mark.last_seq, fenced=True))
            if mark.connected or (publisher.node, publisher.name) not in self._newest:
                self._prefer(publisher, place)
        elif mark.connected:
            self._known[publisher] = self._known.pop(publisher)
            self._prefer(publisher, place)
        if mark.lost:
            place.accounted_through += max(0, mark.lost - max(0, mark.given_up - place.given_up))
        if mark.last_seq > place.stored_through:
            place.stored_through = mark.last_seq
            place.accounted_through = max(place.accounted_through, mark.last_seq)
        if mark.given_up > place.given_up:
            place.given_up = mark.given_up
        place.connected = mark.connected is not False

    def _remember(self, publisher: Publisher, place: Place) -> Place:
        if len(self._known) >= self.MAX_KNOWN:
            gone = next((each for each, known in self._known.items() if not known.connected), next(iter(self._known)))
            del self._known[gone]
            if self._newest.get((gone.node, gone.name)) == gone:
                del self._newest[gone.node, gone.name]
        self._known[publisher] = place
        return place

    def _prefer(self, publisher: Publisher, place: Place) -> None:
        """It is the newest of its identity from now on, and the only one that is not fenced."""
        identity = publisher.node, publisher.name
        before = self._newest.get(identity)
        if before is not None and before != publisher:
            self._known[before].fenced = True
        self._newest[identity] = publisher
        place.fenced = False

    # Keyframes.

    def keyframe(self) -> Iterator[bytes]:
        """Pieces of all that it knows now; they may be made while it is folded on."""
        return _codec.pieces(map(_Known, self._known.copied()))

    def restore(self, pieces: Iterable[bytes]) -> None:
        """Know what the keyframe knew; before the first window.

        :raises ValueError: it can't be read; nothing has changed then.
        """
        known: list[tuple[Publisher, Place]] = []
        for content in _codec.contents(pieces):
            known += self._known.read(content.known)
        self._known.update(known)
        self._newest = {(each.node, each.name): each for each, place in known if not place.fenced}
