"""How much clients were sent, added up by those who send."""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field, replace

from vizd.stream.frames import Frame

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

    def count(self, frame: Frame) -> None:
        """One more message."""
        self.frames += 1
        self.batches += frame.events > 0
        self.events += frame.events
        self.size_bytes += len(frame.payload)

    def add(self, other: "Sent") -> None:
        """What ``other`` counts, too."""
        self.frames += other.frames
        self.batches += other.batches
        self.events += other.events
        self.size_bytes += other.size_bytes

    def since(self, then: "Sent") -> "Sent":
        """What has come since this was ``then``."""
        return Sent(
            self.frames - then.frames,
            self.batches - then.batches,
            self.events - then.events,
            self.size_bytes - then.size_bytes,
        )

    def copy(self) -> "Sent":
        """As it is now."""
        return replace(self)


@dataclass(slots=True)
class Traffic:
    """Of many clients together.

    :ivar sent: by the name of the encoding. :ivar gaps: declared, by reason.
    """

    sent: dict[str, Sent] = field(default_factory=dict)
    gaps: Counter[str] = field(default_factory=Counter)

    def add(self, encoding: str, sent: Sent, gaps: Counter[str]) -> None:
        """What one more client was sent."""
        self.sent.setdefault(encoding, Sent()).add(sent)
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
