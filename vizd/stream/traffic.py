"""How much clients were sent, added up by those who send."""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field

__all__ = ["Sent", "Traffic"]


@dataclass(slots=True)
class Sent:
    """Messages and what was in them.

    :ivar frames: messages of any type. :ivar batches: live ones and those of histories. :ivar events: in those.
    :ivar size_bytes: of all messages, before the WebSocket's framing.
    """

    frames: int = 0
    batches: int = 0
    events: int = 0
    size_bytes: int = 0


@dataclass(slots=True)
class Traffic:
    """Of many clients together.

    :ivar sent: by the name of the encoding. :ivar gaps: declared, by reason.
    """

    sent: dict[str, Sent] = field(default_factory=dict)
    gaps: Counter[str] = field(default_factory=Counter)

    def add(self, encoding: str, sent: Sent, gaps: Counter[str]) -> None:
        """What one more client was sent."""
        total = self.sent.setdefault(encoding, Sent())
        total.frames += sent.frames
        total.batches += sent.batches
        total.events += sent.events
        total.size_bytes += sent.size_bytes
        self.gaps.update(gaps)

    @property
    def batches(self) -> int:
        """In all encodings."""
        return sum(each.batches for each in self.sent.values())

    @property
    def events(self) -> int:
        """In those batches."""
        return sum(each.events for each in self.sent.values())

    def copy(self) -> "Traffic":
        """One that goes its own way from here."""
        return deepcopy(self)
