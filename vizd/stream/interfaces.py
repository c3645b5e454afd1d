"""What every encoding of the stream can do, and every live cursor."""

from collections.abc import Sequence
from typing import Any

from zope.interface import Attribute, Interface

__all__ = ["ICursor", "IEncoder", "IReader"]


class IEncoder(Interface):
    """One way to write messages."""

    name: str = Attribute("For people.")
    is_binary: bool = Attribute("Whether its messages are binary frames.")

    def message(fields: dict[str, Any]) -> bytes:
        """Any message but a batch."""

    def events(fragments: Sequence[bytes]) -> Sequence[bytes]:
        """Each event, given as JSON, in this encoding."""

    def data(start_ms: int, end_ms: int, events: Sequence[bytes], counts: Sequence[int]) -> bytes:
        """A window's ``{"window_start", "window_end", "events", "summary"}``.

        :param events: as ``events`` gave them. :param counts: by type, in the order of the catalogue.
        """

    def batch(data: bytes, extras: dict[str, Any]) -> bytes:
        """A ``batch`` around ``data``, with ``extras`` behind it."""


class ICursor(Interface):
    """The live stream of one client.

    It has no queue. What a client does not take stays in the log, and where the log or its patience ends, a ``gap``
    says what is missing.
    """

    filter = Attribute("The ``Filter`` in force.")
    position = Attribute("The ``Position`` behind what was sent last.")
    held = Attribute("The client has paused it.")
    gaps = Attribute("Declared so far: a ``Counter`` of their reasons.")
    wish_on_request = Attribute("The ``StateWish`` of a client that asks for the state.")

    def begin(text: str | None, now_ms: float) -> Any:
        """Where the stream begins: at the head, or behind the position that the client brings.

        :param text: of that position. :param now_ms: by the monotonic clock, here and below.
        :return: the position for ``connected``, ``None`` where a gap or the state comes first; and that gap.
        """

    def limit(by: Any, *, with_state: bool) -> None:
        """Go on under another ``Filter``; the state first, if asked."""

    def pause() -> None:
        """Hold it."""

    def resume(*, catch_up: bool) -> Any:
        """Go on at the head or, to ``catch_up``, where it was held; the gap that precedes this, if any."""

    def is_due() -> bool:
        """``pull`` has something."""

    def pull(now_ms: float) -> Any:
        """The next ``Frame``; ``None`` where there is none, or none that could be made without what it wants."""

    def reader() -> Any:
        """Its ``IReader``, if nothing but what that reads is to come until the client speaks; else ``None``."""

    def wants() -> Any:
        """What it can't go on without: ``Wanted``, a page; ``WantedView``, a state; ``Look``, a turn to look at one."""

    def feed(page: Any) -> None:
        """Give it that ``Page``."""

    def take_known() -> bool:
        """Take that page as another client has read it, if one has; whether it did."""

    def miss_state() -> Any:
        """The state that it wants can't be had any more; the gap that says so, if any."""

    def close() -> None:
        """The client has gone."""

    def lag_windows() -> int:
        """How many windows of the log it has not come to."""

    def lag_ms() -> int:
        """How long the next window has been in the log, by the log's own time; 0 at the head."""

    def described() -> dict[str, Any]:
        """What ``/api/stats`` says of it beside the rest."""


class IReader(Interface):
    """The part of a live stream that is the same for all clients at one place who ask for the same."""

    key = Attribute("Hashable; equal for readers that read the same, wherever they are.")

    def twin() -> Any:
        """Another one, at the same place."""

    def stands_with(other: Any) -> bool:
        """One with the same key is at the same place."""

    def welcome(other: Any) -> None:
        """Read for that one, which is at the same place, too."""

    def go_to(other: Any) -> None:
        """Go to the place of one with the same key that has read on."""

    def pull(now_ms: float) -> Any:
        """The next ``Frame``, if there is one.

        :raises LookupError: it has fallen too far behind.
        """
