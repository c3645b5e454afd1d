"""What is folded over the log as it grows: the state, the coverage, the timeline, and what is wrong."""

from collections.abc import Iterable

from twisted.logger import Logger

from vizd.insight.insight import Insight
from vizd.insight.thresholds import Thresholds
from vizd.log.interfaces import ILog
from vizd.log.window import Window
from vizd.state.coverage import Coverage
from vizd.state.keyframe import pieces
from vizd.state.projection import Projection
from vizd.state.timeline import Timeline

__all__ = ["Folds"]


class Folds:
    """All of them, of one log.

    :ivar projection: the newest event of each key. :ivar coverage: what is missing of each node.
    :ivar timeline: what happened in each second. :ivar insight: what is wrong.
    """

    _log = Logger()

    def __init__(self, max_age_ms: int, thresholds: Thresholds | None = None) -> None:
        """
        :param max_age_ms: that of the log; gauges expire with it. :param thresholds: ``None``: those of the rules.
        """
        self._max_age_ms = max_age_ms
        self.projection = self.empty_projection()
        self.coverage = Coverage()
        self.timeline = Timeline(self.coverage)
        self.insight = Insight(self.coverage, self.timeline, thresholds or Thresholds())

    def empty_projection(self) -> Projection:
        """To fold again from some place."""
        return Projection(self._max_age_ms)

    def keyframe(self) -> Iterable[bytes]:
        """Pieces of the state as it is now."""
        return pieces(self.projection.view())

    def follow(self, log: ILog) -> None:
        """Fold what is appended to ``log`` from now on; the coverage first of those that ask it."""

        def fold(window: Window) -> None:
            for each in (self.projection, self.coverage, self.timeline, self.insight):
                try:
                    each.fold(window)
                except Exception:  # Whatever is wrong with one view of the cluster, events must go on being stored.
                    self._log.failure("{fold} could not take {window}", fold=type(each).__name__, window=window)
            oldest_ms = log.oldest_start_ms
            if oldest_ms is not None:
                self.coverage.trim(oldest_ms)
                self.timeline.trim(oldest_ms)
                self.insight.trim(oldest_ms)

        log.listen(fold)
