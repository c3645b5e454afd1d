"""What one client is told of what is wrong: each finding that is open when it comes, then each change.

There is no queue: of a finding that changes while the client does not take it, only the newest version is sent.
"""

from collections import deque

from vizd.insight.insight import Insight
from vizd.stream.frames import Frame, Frames
from vizd.stream.interfaces import IEncoder

__all__ = ["Findings"]


class Findings:
    """For one client."""

    def __init__(self, insight: Insight, frames: Frames, encoder: IEncoder) -> None:
        self._insight = insight
        self._frames = frames
        self._encoder = encoder
        self._open = deque(insight.open_findings())  # As many as may be open at once, no more.
        self._told = insight.changes

    def is_due(self) -> bool:
        """``pull`` has something, or has to look."""
        return bool(self._open) or self._insight.changes > self._told

    def pull(self) -> Frame | None:
        """The next ``finding``, in the order in which they changed."""
        if self._open:
            return self._frames.finding(self._open.popleft(), self._encoder)
        if not self.is_due():
            return None
        finding = next(self._insight.changed_since(self._told), None)
        self._told = finding.change if finding else self._insight.changes
        return self._frames.finding(finding, self._encoder) if finding else None
