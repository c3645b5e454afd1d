"""A node as the timeline keeps it."""

from vizd.state.changes import Changes
from vizd.state.reading import merged
from vizd.state.series import Series

__all__ = ["LIVENESS", "Subject"]

LIVENESS = ("alive", "suspect", "confirm", "leave")
"""What ``Subject.liveness`` numbers."""


class Subject:
    """A node that events are about.

    :ivar readings: ``Reading`` records. :ivar liveness: by Swim events, see ``LIVENESS``.
    """

    __slots__ = ("index", "liveness", "node", "pressure", "readings")

    def __init__(self, node: int, index: int) -> None:
        self.node = node
        self.index = index
        self.readings = Series(merged)
        self.liveness = Changes()
        self.pressure: float | None = None
