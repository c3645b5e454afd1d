"""What every form of a long answer can do."""

from collections.abc import Sequence
from typing import Any

from zope.interface import Attribute, Interface

from vizd.log.window import Gap
from vizd.stream.frames import Part

__all__ = ["IFormat"]


class IFormat(Interface):
    """One answer in the making: ``begin``, then batches and gaps in their order, then ``end``."""

    content_type: bytes = Attribute("Of the answer.")

    def begin() -> bytes:
        """What comes first."""

    def batch(part: Part) -> Sequence[bytes]:
        """A window, in pieces: it is long, and not to be copied more often than needed."""

    def gap(gap: Gap) -> bytes:
        """What has been trimmed at this point."""

    def end(totals: dict[str, Any]) -> bytes:
        """What comes last: ``total_events`` and ``next_from``."""
