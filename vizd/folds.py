"""What is folded over the log as it grows: the state, the coverage, the timeline, what is wrong, and who publishes.

All of it can be said as a keyframe in named parts, and be taken up from there: then only the windows behind the
keyframe have to be folded again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from twisted.logger import Logger

from vizd.insight.insight import Insight
from vizd.insight.thresholds import Thresholds
from vizd.log.disk.keyframes import STATE
from vizd.log.interfaces import ILog
from vizd.log.window import Position, Window
from vizd.state import timeline_keyframe
from vizd.state.coverage import Coverage
from vizd.state.keyframe import pieces, restore
from vizd.state.positions import Positions
from vizd.state.projection import Projection
from vizd.state.timeline import Timeline

__all__ = ["OF_USE_MS", "Folds"]

_COVERAGE, _TIMELINE, _INSIGHT, _POSITIONS = "coverage", timeline_keyframe.PART, "insight", "positions"
OF_USE_MS: Mapping[str, int | None] = {
    STATE: None,
    **dict.fromkeys((_COVERAGE, _TIMELINE, _INSIGHT, _POSITIONS), 0),
    **timeline_keyframe.HISTORY,
}
"""By part, for how long it is of use: ``None``, as long as the log has the windows behind it; 0, until the next
keyframe is whole; else so many milliseconds behind its place, as one of many that are taken together."""


class Folds:
    """All of them, of one log.

    :ivar projection: the newest event of each key. :ivar coverage: what is missing of each node.
    :ivar timeline: what happened in each second. :ivar insight: what is wrong.
    :ivar positions: how far the log has come with each publisher.
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
        self.positions = Positions()

    def empty_projection(self) -> Projection:
        """To fold again from some place."""
        return Projection(self._max_age_ms)

    def fold(self, window: Window, oldest_ms: int | None) -> None:
        """The next window of the log, or of what can be read of it; the coverage first of those that ask it.

        :param oldest_ms: ``ILog.oldest_start_ms``.
        """
        if 0 < self.projection.position.seq < window.seq - 1:
            events = window.position.total_events - sum(window.counts)
            self.projection.miss(Position(window.seq - 1, events, self.projection.position.end_ms))
            self.coverage.miss(window.start_ms)
        for each in (self.projection, self.coverage, self.timeline, self.insight, self.positions):
            try:
                each.fold(window)
            except Exception:  # Whatever is wrong with one view of the cluster, events must go on being stored.
                self._log.failure("{fold} could not take {window}", fold=type(each).__name__, window=window)
        if oldest_ms is not None:
            self.coverage.trim(oldest_ms)
            self.timeline.trim(oldest_ms)
            self.insight.trim(oldest_ms)

    def follow(self, log: ILog) -> None:
        """Fold what is appended to ``log`` from now on."""
        log.listen(lambda window: self.fold(window, log.oldest_start_ms))

    # Keyframes.

    def keyframe(self) -> Iterable[bytes]:
        """Pieces of the state as it is now: all that a log needs that ends with its daemon."""
        return pieces(self.projection.view())

    def parts(self) -> Iterator[tuple[str, bytes]]:
        """Pieces of all that is known now, each with the name of its part, see ``OF_USE_MS``.

        They may be made while it is folded on. All are to be stored, or none: then some seconds of the timeline will be
        missing after a restart, since the next keyframe takes them as told.
        """
        made = {
            STATE: pieces(self.projection.view()),
            _COVERAGE: self.coverage.keyframe(),
            _INSIGHT: self.insight.keyframe(),
            _POSITIONS: self.positions.keyframe(),
            **self.timeline.keyframe(),
        }
        return ((part, piece) for part, of_part in made.items() for piece in of_part)

    def restore(
        self,
        position: Position,
        newest: Callable[[str], Iterable[bytes]],
        history: Callable[[str], Iterable[Iterable[bytes]]],
    ) -> None:
        """Take up from a keyframe; before the first window, and before anybody asks for the projection.

        What can't be read begins anew behind ``position``, and that is logged.

        :param position: where the keyframe was made.
        :param newest: the pieces of one of its parts; a ValueError from within says that they can't be read.
        :param history: the same of all keyframes up to it that are still of use, the oldest first.
        """
        if not self._took(STATE, position, lambda: self._restore_projection(newest(STATE))):
            self.projection = self.empty_projection()
            self.projection.put_place(position, position.end_ms or 0, lost_forever=True, lost_ms=None)
        self._took(_COVERAGE, position, lambda: self.coverage.restore(newest(_COVERAGE)))
        self._took(_TIMELINE, position, lambda: self.timeline.restore(newest(_TIMELINE)))
        self._took(_INSIGHT, position, lambda: self.insight.restore(newest(_INSIGHT)))
        self._took(_POSITIONS, position, lambda: self.positions.restore(newest(_POSITIONS)))
        for part in timeline_keyframe.HISTORY:
            for of_keyframe in history(part):
                self._took(part, position, partial(self.timeline.restore_history, part, of_keyframe))

    def _restore_projection(self, of_state: Iterable[bytes]) -> None:
        for _ in restore(self.projection, of_state):
            pass

    def _took(self, part: str, position: Position, take: Callable[[], None]) -> bool:
        try:
            take()
        except ValueError as why:
            self._log.warn(
                "what was known as {part} in front of window {seq} can't be read, so it begins there: {why}",
                part=part,
                seq=position.seq + 1,
                why=why,
            )
            return False
        return True
