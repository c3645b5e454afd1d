"""Windows one after the other, for tests of the folds."""

from collections.abc import Sequence

from tests.stream.made import Made
from vizd.log.window import Draft, Mark, Publisher, Window


class Windows:
    """Makes the windows of a log that never trims."""

    def __init__(self) -> None:
        self._seq = self._events = self._start_ms = 0

    def make(self, at_ms: int, events: Sequence[Made] = (), marks: Sequence[Mark] = (), length_ms: int = 50) -> Window:
        """The next one, at ``at_ms`` or as soon behind its predecessor as can be."""
        self._seq += 1
        self._start_ms = max(at_ms, self._start_ms + 1)
        facets, fragments = [facet for facet, _ in events], [text for _, text in events]
        made = Window(
            self._seq, self._start_ms, "test", Draft(at_ms, length_ms, facets, fragments, marks), self._events
        )
        self._events = made.position.total_events
        return made


def mark(
    node: int = 1,
    incarnation: int = 1,
    *,
    events: int = 0,
    lost: int = 0,
    connected: bool | None = None,
    skew_ms: int | None = None,
    name: str | None = None,
) -> Mark:
    """What happened to a node's stream."""
    publisher = Publisher(node, f"node-{node}" if name is None else name, incarnation)
    return Mark(publisher, 1, 0, events=events, lost=lost, connected=connected, skew_ms=skew_ms)
