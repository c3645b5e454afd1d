"""What every kind of log promises to those who write and read it."""

from collections.abc import Callable
from dataclasses import dataclass

from zope.interface import Attribute, Interface

from vizd.log.keyframe import Keyframe
from vizd.log.window import Draft, Page, PageLimits, Position, Summary, Window

__all__ = ["EPOCH_BYTES", "ILog", "IStalling", "Stall"]

EPOCH_BYTES = 8


class ILog(Interface):
    """The one append-only log of windows.

    Its newest part is in memory, so live reading is synchronous. What lies behind is read in pages:

        oldest ──── read ────▶ tail ──── after ────▶ head
    """

    epoch: bytes = Attribute(
        "Which log this is: EPOCH_BYTES random bytes. Positions mean nothing in a log of another epoch."
    )
    head: Position = Attribute("Behind the newest window.")
    tail: Position = Attribute("In front of the oldest window that ``after`` gives at once.")
    oldest: Position = Attribute("In front of the oldest window that it still has.")
    oldest_start_ms: int | None = Attribute("start_ms of the oldest window that it still has; None without one.")
    memory_bytes: int = Attribute("What the windows take, in memory or on the disk, estimated.")
    retention_ms: int = Attribute("From the start of the oldest window that it has to the end of the newest.")
    is_shortened: bool = Attribute("It was the bound in bytes that trimmed last, not the one in time.")
    oldest_event_ms: int | None = Attribute("start_ms of the oldest window with events; None without one.")
    newest_event_ms: int | None = Attribute("end_ms of the newest window with events; None without one.")

    has_room: bool = Attribute("More may be appended now. False while too much waits to be durable.")

    def start() -> None:
        """Appends and reads may come."""

    async def settled() -> None:
        """Return when every append until now is durable, or can't be made so for the time being."""

    async def close() -> None:
        """Make what was appended durable, and let go of everything. After the last append."""

    def append(draft: Draft) -> None:
        """Give ``draft`` its place and, once that is durable, tell the listeners."""

    def listen(listener: Callable[[Window], None]) -> None:
        """Call ``listener`` with every window from now on, in order, when it is durable and readable."""

    def after(position: Position) -> Window | None:
        """The window behind ``position``; ``None`` at the head.

        :raises LookupError: ``position`` is in front of the tail.
        """

    def before_ms(start_ms: int) -> Position:
        """In front of the first window whose ``start_ms`` is not below this; the head where there is none."""

    def ended_by(at_ms: int) -> Position:
        """Behind the longest beginning of the log whose windows had all ended by then.

        :raises LookupError: it ends in front of the oldest window.
        """

    async def keyframe(position: Position) -> Keyframe:
        """The newest keyframe that is not behind ``position``.

        :raises LookupError: none is left.
        """

    async def read(
        position: Position, stop: Position, wanted: Callable[[Summary], bool], limits: PageLimits = ...
    ) -> Page:
        """The windows behind ``position``, up to ``stop`` at most, for which ``wanted`` is true.

        ``wanted`` may be asked of parts of the log, too. A window of the page may lack events of types, nodes or
        shards that ``wanted`` refuses by themselves.

        Where windows between the two have been trimmed, the page begins with a gap of them.
        """


@dataclass(frozen=True, slots=True)
class Stall:
    """:ivar reason: for people; what would be right, too, where that is known. :ivar for_s: since it stores nothing."""

    reason: str
    for_s: float


class IStalling(Interface):
    """A log whose newest windows may have to wait."""

    stall: Stall | None = Attribute("Why nothing becomes durable now; ``None``: it does.")
    waiting: int = Attribute("Windows that are not durable yet.")
    late_through: int = Attribute(
        "The seq of the last window that came to the head late, all those in front of it with it: who is behind there"
        " has not been slow."
    )

    def waiting_after(seq: int) -> Window | None:
        """While it stalls, the first window that waits and is behind this seq; the same will be in the log."""

    def listen_stalled(listener: Callable[[], None]) -> None:
        """Call ``listener`` when a stall has begun, and when a window more waits in it."""
