"""What a rule has found, as it is told to people and to the wire."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vizd.log.window import Position

__all__ = ["SEVERITIES", "Finding"]

SEVERITIES = ("critical", "warning", "info")
"""The worst first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One version of one finding. A later version has the same ``id`` and a higher ``change``.

    :ivar id: of this finding for its whole life, and of no other in this log: rule, subject, and the seq of the window
        in which it opened. Safe in a URL, at most 128 characters.
    :ivar rule: its name in ``rules.RULES``. :ivar severity: one of ``SEVERITIES``.
    :ivar subject: what it is about, such as ``{"shard": 7}`` or ``{"node": 2, "name": "node-2", "shard": 7}``.
    :ivar first_ms: since when it is so, by the log's time.
    :ivar last_ms: open: when this version was made; closed: until when it was so.
    :ivar conclusive: nothing is missing from the log that could have made it otherwise.
    :ivar detail: a sentence that a person could say aloud.
    :ivar positions: behind the windows that show it: the first ones and the last ones.
    :ivar change: the number of the change that made this version; rises over all findings.
    """

    id: str
    rule: str
    severity: str
    subject: dict[str, Any]
    first_ms: int
    last_ms: int
    open: bool
    conclusive: bool
    detail: str
    positions: tuple[Position, ...]
    change: int

    def fields(self, position_text: Callable[[Position], str]) -> dict[str, Any]:
        """As ``/api/insight`` says it, in the order of the wire contract."""
        return {
            "id": self.id,
            "rule": self.rule,
            "severity": self.severity,
            "subject": self.subject,
            "first_ms": self.first_ms,
            "last_ms": self.last_ms,
            "open": self.open,
            "conclusive": self.conclusive,
            "detail": self.detail,
            "positions": [position_text(each) for each in self.positions],
        }
