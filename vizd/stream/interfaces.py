"""What every encoding of the stream can do."""

from collections.abc import Sequence
from typing import Any

from zope.interface import Attribute, Interface

__all__ = ["IEncoder"]


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
