"""What waits for room on a thin line.

    transitions    all, and not for long
    phases         the newest of each key
    gauges         the same
    logs           the newest few

A key that is updated while it waits keeps its place in the line, so each has its turn however often others change; and
phases, gauges and logs are served in turns, so that a flood of gauges does not delay the others. Everything is counted,
whether it is sent or not.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from vizd.events.catalogue import TYPES
from vizd.stream.digest import Digest, Placed

__all__ = ["Conflation"]

MAX_LOGS = 500
"""That wait; a newer one drives out the oldest."""


def _fitting(waiting: Mapping[bytes, Placed], newer: Mapping[bytes, Placed], room: int) -> Mapping[bytes, Placed]:
    """What may wait of ``newer``: keys that wait already, and so many others."""
    if len(newer) <= room:
        return newer
    others = islice((key for key in newer if key not in waiting), max(0, room))
    return {key: newer[key] for key in (*(newer.keys() & waiting.keys()), *others)}


class Conflation:
    """Of one line.

    :ivar events: that have matched since the last batch. :ivar counts: of each type, in the order of the catalogue.
    :ivar transitions: that have not been sent, in order.
    """

    def __init__(self) -> None:
        self.events = 0
        self.counts: Sequence[int] = [0] * len(TYPES)
        self.transitions: list[bytes] = []
        self._phases: dict[bytes, Placed] = {}
        self._gauges: dict[bytes, Placed] = {}
        self._logs: dict[int, Placed] = {}
        self._turn = 0

    def __len__(self) -> int:
        """Events that wait for room."""
        return len(self._phases) + len(self._gauges) + len(self._logs)

    def __contains__(self, key: bytes) -> bool:
        """An event of this key waits."""
        return key in self._phases or key in self._gauges

    def add(self, digest: Digest, max_keys: int) -> None:
        """What the next window brings.

        :param max_keys: that may wait. One that finds no room is counted, and may wait when it changes the next time.
            A phase finds some as long as gauges wait.
        """
        self.events += digest.events
        self.counts = list(map(sum, zip(self.counts, digest.counts, strict=True)))
        self.transitions += digest.transitions
        phases, gauges = self._phases, self._gauges
        before = len(phases)
        phases.update(_fitting(phases, digest.phases, max_keys - before))
        # A phase has the place of the gauge that came last: of gauges there may be a flood.
        over = len(phases) + len(gauges) - max_keys
        for _ in range(min(over, len(phases) - before, len(gauges))):
            gauges.popitem()
        gauges.update(_fitting(gauges, digest.gauges, max_keys - len(phases) - len(gauges)))
        self._logs.update((each[0], each) for each in digest.logs)
        for place in list(islice(self._logs, max(0, len(self._logs) - MAX_LOGS))):
            del self._logs[place]

    def bytes_waiting(self) -> int:
        """About what they take as JSON. Looks at each, so it is for a few."""
        lines: Sequence[dict[Any, Placed]] = (self._phases, self._gauges, self._logs)
        return sum(len(event) + 1 for line in lines for _, event in line.values())

    def take(self, room: int, largest: int, max_events: int, encode: Callable[[bytes], bytes]) -> list[bytes]:
        """As many as there is room for, encoded, in order of arrival; they wait no longer.

        :param room: bytes, one more for each event than it has. :param largest: there is never more room than that:
            an event that needs more is left out.
        """
        lines: Sequence[dict[Any, Placed]] = (self._phases, self._gauges, self._logs)
        taken: list[tuple[int, bytes]] = []
        for turn in range(len(lines)):
            line = lines[(self._turn + turn) % len(lines)]
            served = []
            # In one go: a dict that loses its first entries one by one is searched from its beginning each time.
            for key, (place, event) in line.items():
                encoded = encode(event)
                size_bytes = len(encoded) + 1
                if size_bytes <= largest:
                    if size_bytes > room or len(taken) >= max_events:
                        break
                    room -= size_bytes
                    taken.append((place, encoded))
                served.append(key)
            for key in served:
                del line[key]
        self._turn += 1
        return [event for _, event in sorted(taken)]

    def told(self) -> None:
        """A batch says what has been counted: count anew. What waits goes on waiting."""
        self.events = 0
        self.counts = [0] * len(TYPES)
        self.transitions = []
