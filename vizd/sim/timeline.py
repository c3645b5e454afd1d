"""What happens when, in a simulation: calls in the order of their time.

There is no clock: time goes where it is advanced to, in whole milliseconds since the Unix epoch.
"""

from collections.abc import Callable
from heapq import heappop, heappush

__all__ = ["Timeline"]


class Timeline:
    """Calls that are due. Calls of one moment come in the order in which they were asked for.

    :ivar now_ms: the present.
    """

    def __init__(self, start_ms: int) -> None:
        """:param start_ms: the first present."""
        self.now_ms = start_ms
        self._due: list[tuple[int, int, Callable[[], object]]] = []
        self._asked = 0

    def after(self, delay_ms: float, call: Callable[[], object]) -> None:
        """Make ``call`` when ``delay_ms`` have passed; a fraction of a millisecond is rounded."""
        self._asked += 1
        heappush(self._due, (self.now_ms + max(0, round(delay_ms)), self._asked, call))

    def next_due_ms(self) -> int | None:
        """When the next call is due, if any."""
        return self._due[0][0] if self._due else None

    def make_next_call(self) -> None:
        """Go to the time of the next call and make it.

        :raises IndexError: if none is due, ever.
        """
        self.now_ms, _, call = heappop(self._due)
        call()

    def postpone(self, by_ms: int) -> None:
        """Let ``by_ms`` pass in which nothing happens: all that is due becomes due so much later."""
        self.now_ms += by_ms
        self._due = [(due_ms + by_ms, order, call) for due_ms, order, call in self._due]
