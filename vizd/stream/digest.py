"""What one window brings to a reader on a thin line, under one filter, sorted by what may be done with it.

Made once for all readers with that filter, whatever their budgets. An event is its JSON and its place in the log, so
that what waited can be put in order again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vizd.events.catalogue import EventClass
from vizd.events.facet import Facet
from vizd.log.window import Window, counts_of
from vizd.state.keys import Keys

__all__ = ["Digest", "Placed", "digest"]

_EMPTY_BYTES = 1_000
_ENTRY_BYTES = 250
"""Of a key, its place in a dict, and a pair."""

Placed = tuple[int, bytes]
"""How many events of the log there are up to it, and the event as JSON."""


@dataclass(frozen=True, slots=True, eq=False)
class Digest:
    """All of them are in order of arrival; of a key only the newest is there.

    :ivar events: how many matched. :ivar counts: of each type, in the order of the catalogue.
    :ivar phases: by key. :ivar gauges: by key.
    """

    events: int
    counts: Sequence[int]
    transitions: Sequence[bytes]
    logs: Sequence[Placed]
    phases: Mapping[bytes, Placed]
    gauges: Mapping[bytes, Placed]

    @property
    def memory_bytes(self) -> int:
        """About what it takes beside its window."""
        return _EMPTY_BYTES + _ENTRY_BYTES * (
            len(self.transitions) + len(self.logs) + len(self.phases) + len(self.gauges)
        )


def digest(window: Window, verdicts: Mapping[Facet, bool], keys: Keys) -> Digest:
    """What passes of ``window``."""
    by_class: dict[EventClass, list[int]] = {each: [] for each in EventClass}
    newest: dict[EventClass, dict[bytes, int]] = {EventClass.PHASE: {}, EventClass.GAUGE: {}}
    found = {facet: places for facet, places in window.places_by_facet().items() if verdicts[facet]}
    for facet, places in found.items():
        event_class = facet.kind.event_class
        if event_class not in newest:
            by_class[event_class] += places
            continue
        of_class, key = newest[event_class], keys[facet]
        if key is None:
            raise ValueError(f"{facet.kind} is of a class that has keys, and has none")
        # Without a cut all its places are of one key, and the last is the newest.
        for place in places if key.cut else places[-1:]:
            whole = key.prefix + key.cut(window.fragments[place]) if key.cut else key.prefix
            if of_class.get(whole, -1) < place:
                of_class[whole] = place
    before = window.position.total_events - len(window.fragments)

    def placed(place: int) -> Placed:
        return before + place, window.fragments[place]

    def in_order(of_class: dict[bytes, int]) -> dict[bytes, Placed]:
        return {key: placed(of_class[key]) for key in sorted(of_class, key=of_class.__getitem__)}

    counts = counts_of((facet, len(places)) for facet, places in found.items())
    return Digest(
        sum(counts),
        counts,
        [window.fragments[place] for place in sorted(by_class[EventClass.TRANSITION])],
        [placed(place) for place in sorted(by_class[EventClass.LOG])],
        in_order(newest[EventClass.PHASE]),
        in_order(newest[EventClass.GAUGE]),
    )
