"""Clients that stand at the same place and get the same: what comes is made once, and given to each.

    join     a client has nothing of its own to come: it takes a seat
    tell     the log has grown: each frame goes to every seat
    leave    the client speaks, its socket is full, or it goes: it takes the audience's place, and its own way

A further client costs one turn of the loop in ``Audience._give``: nothing is asked or counted in it, or it would be
asked and counted twenty times a second for each of a thousand clients. What a client was sent is the difference between
the audience's totals when it leaves and when it came.
"""

from collections.abc import Callable, Hashable
from typing import Any, Protocol

from vizd.stream.frames import Frame
from vizd.stream.traffic import Sent

__all__ = ["MAX_BYTES_PER_TURN", "Audience", "Audiences", "Guest", "Seat"]

MAX_BYTES_PER_TURN = 1 << 20
"""Sent to one client before others have their turn; an audience is dismissed where there is more."""


class Guest(Protocol):
    """A client, as this module needs it."""

    def failed(self, error: Exception) -> None:
        """It could not be sent something: it has to leave."""

    def dismissed(self) -> None:
        """It has to leave, and pull for itself."""


class Seat:
    """A client's, until it leaves.

    :ivar guest: whose it is.
    """

    __slots__ = ("_audience", "_reader", "_sent", "_since", "guest")

    def __init__(self, audience: "Audience", reader: Any, sent: Sent, guest: Guest) -> None:
        """
        :param reader: the client's own. :param sent: the client's own.
        """
        self._audience = audience
        self._reader = reader
        self._sent = sent
        self._since = audience.sent.copy()
        self.guest = guest

    def look(self) -> None:
        """Bring the client's own reader and count to where it is."""
        self._reader.go_to(self._audience.reader)
        self._sent.add(self._audience.sent.since(self._since))
        self._since = self._audience.sent.copy()

    def leave(self) -> None:
        """Go one's own way, from here."""
        self.look()
        self._audience.remove(self)


class Audience:
    """Of one reader.

    :ivar reader: for all. :ivar sent: since it came together.
    """

    def __init__(self, reader: Any) -> None:
        self.reader = reader.twin()
        self.sent = Sent()
        self._sends: dict[Seat, Callable[[Frame], None]] = {}

    def __len__(self) -> int:
        return len(self._sends)

    def join(self, reader: Any, sent: Sent, send: Callable[[Frame], None], guest: Guest) -> Seat:
        """See ``Audiences.join``."""
        self.reader.welcome(reader)
        seat = Seat(self, reader, sent, guest)
        self._sends[seat] = send
        return seat

    def remove(self, seat: Seat) -> None:
        """It has left."""
        del self._sends[seat]

    def tell(self, now_ms: float) -> None:
        """Give everyone what there is."""
        given_bytes = 0
        try:
            while self._sends and (frame := self.reader.pull(now_ms)):
                self.sent.count(frame)
                self._give(frame)
                given_bytes += len(frame.payload)
                if given_bytes >= MAX_BYTES_PER_TURN:
                    return self._dismiss()
        except Exception:  # It is behind, or has a fault: each will see for itself.
            self._dismiss()

    def _give(self, frame: Frame) -> None:
        for seat, send in list(self._sends.items()):
            try:
                send(frame)
            except Exception as error:  # A fault of one is that one's end, and nobody else's.
                seat.guest.failed(error)

    def _dismiss(self) -> None:
        for seat in list(self._sends):
            seat.guest.dismissed()


class Audiences:
    """All of one daemon, one for each different reader; the empty ones go when another is made."""

    def __init__(self) -> None:
        self._audiences: dict[Hashable, Audience] = {}

    def join(self, reader: Any, sent: Sent, send: Callable[[Frame], None], guest: Guest) -> Seat | None:
        """A seat among those who stand where ``reader`` does; ``None``: they are about to go on, try again then.

        :param reader: an ``IReader``. :param sent: brought up to date when the seat is left, or looked at.
        :param send: gives the client a frame.
        """
        audience = self._audiences.get(reader.key)
        if audience is None or not len(audience):
            self._audiences = {key: each for key, each in self._audiences.items() if len(each)}
            audience = self._audiences[reader.key] = Audience(reader)
        elif not audience.reader.stands_with(reader):
            return None
        return audience.join(reader, sent, send, guest)

    def tell(self, now_ms: float) -> None:
        """The log has grown, or a line has room again."""
        for audience in list(self._audiences.values()):
            audience.tell(now_ms)
