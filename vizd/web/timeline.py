"""``GET /api/timeline``: what a page draws an hour from."""

from collections.abc import Iterator

from vizd.state.chart import chart
from vizd.state.timeline import Timeline
from vizd.stream.filter import ids_from_text
from vizd.web.admission import Admission
from vizd.web.query import Query
from vizd.web.sliced import SlicedEndpoint
from vizd.web.turns import Turns

__all__ = ["TimelineEndpoint"]


class TimelineEndpoint(SlicedEndpoint):
    """``from``, ``to``, ``step_ms``, ``nodes``.

    The answer is of that part of the range that the log has; ``from`` and ``step_ms`` say where its steps are: a step
    is raised to a multiple of what is kept of its range, and begins at a multiple of itself. What the log lets go of
    while a slow client takes its answer is ``null``.
    """

    def __init__(self, admission: Admission, timeline: Timeline, turns: Turns) -> None:
        super().__init__(admission, turns)
        self._timeline = timeline

    def slices(self, query: Query) -> Iterator[bytes]:
        """See ``SlicedEndpoint``."""
        steps = self._timeline.steps(*query.range_ms(), query.count("step_ms"))
        return chart(self._timeline, steps, ids_from_text("nodes", query.text("nodes") or ""))
