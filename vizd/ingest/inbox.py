"""The border between the gRPC thread and the reactor: a bounded queue that each tick empties.

One thread puts, the other drains. Nothing else crosses in this direction.
"""

from collections import deque
from collections.abc import Callable

from vizd.log.coalescer import Arrival

__all__ = ["Inbox"]


class Inbox:
    """Arrivals that no window holds yet.

    It does not refuse: whoever puts asks ``is_full`` first and stops reading its socket while it is, so it
    goes beyond its bound by one message at most.

    :cvar MAX_EVENTS: twenty ticks of 100,000 events/s. :cvar MAX_BYTES: of their JSON.
    """

    MAX_EVENTS = 100_000
    MAX_BYTES = 32 << 20

    def __init__(self) -> None:
        self._arrivals: deque[Arrival] = deque()
        # Each is written by one thread only; their differences are what waits.
        self._put_events = self._put_bytes = 0
        self._taken_events = self._taken_bytes = 0
        self.on_drained: Callable[[], None] = lambda: None

    @property
    def events(self) -> int:
        """Events that wait; an arrival without any counts as one."""
        return self._put_events - self._taken_events

    @property
    def is_full(self) -> bool:
        """Nothing should be put before ``on_drained`` was called."""
        return self.events >= self.MAX_EVENTS or self._put_bytes - self._taken_bytes >= self.MAX_BYTES

    def put(self, arrival: Arrival) -> None:
        """Called in the gRPC thread."""
        self._put_events += max(1, len(arrival.fragments))
        self._put_bytes += arrival.size_bytes
        self._arrivals.append(arrival)

    def drain(self) -> list[Arrival]:
        """All that waits, in order. Called in the reactor's thread."""
        drained = [self._arrivals.popleft() for _ in range(len(self._arrivals))]
        if drained:
            self._taken_events += sum(max(1, len(arrival.fragments)) for arrival in drained)
            self._taken_bytes += sum(arrival.size_bytes for arrival in drained)
            self.on_drained()
        return drained
