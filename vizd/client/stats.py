"""What became of a publisher's events, as snapshots."""

from dataclasses import dataclass

from vizd.events.catalogue import EventClass

__all__ = ["Counts", "PublisherStats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Every event emitted is in one place: emitted = acked + in_flight + waiting + dropped_total.

    :ivar dropped: given up before they were sent, by class.
    :ivar waiting: not sent yet.
    :ivar in_flight: sent, and not known to be stored.
    :ivar sent: got a sequence number; sent once or more.
    :ivar acked: stored by the daemon, as it says (or forgotten by it later).
    """

    emitted: int
    dropped: dict[EventClass, int]
    waiting: int
    in_flight: int
    sent: int
    acked: int

    @property
    def dropped_total(self) -> int:
        """All classes together."""
        return sum(self.dropped.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherStats:
    """A publisher at one moment.

    :ivar events: what became of them.
    :ivar rejected: refused by the daemon as invalid; they count as acked.
    :ivar connected: a daemon has welcomed the present stream.
    :ivar streams: that were welcomed, in total.
    :ivar fenced: another process took over this identity; nothing is sent any more.
    :ivar last_error: why the last stream ended or could not begin; ``None`` if none did.
    """

    events: Counts
    rejected: int
    connected: bool
    streams: int
    fenced: bool
    last_error: str | None

    @property
    def reconnects(self) -> int:
        """Welcomed streams after the first."""
        return max(0, self.streams - 1)
