"""The log as the reference client saw it: what everybody else's transcript is laid against.

The reference takes everything from the first event on, so its transcript *is* the log, but for windows without
events, which nobody is sent, and for those that came to it as one batch because it was behind. Both leave room where
a time is to be found in the log; then a place is given as the range in which it is, and never guessed.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.filters import Asked
from bench.law.events import SLOTS, Forms, node_of, seq_of
from bench.law.transcript import ID_BYTES, Batch, Record

__all__ = ["Everything", "Log", "Passing", "Place"]

_MAX_FAULTS = 5
_MAX_FILTERS_KEPT = 40
"""At 500 events/s each and ten minutes, 150 MB."""


class Place(NamedTuple):
    """Between two events of the log: somewhere from ``first`` to ``last``, both counted in events before it."""

    first: int
    last: int

    @property
    def is_exact(self) -> bool:
        """It is known."""
        return self.first == self.last


class Everything:
    """What a reader without a filter is to get: all of the log."""

    def __init__(self, ids: bytearray) -> None:
        self._ids = ids

    def __len__(self) -> int:
        return len(self._ids) // ID_BYTES

    def lets_pass(self, _: int) -> bool:
        """Whether it is to get this event."""
        return True

    def index(self, number: int) -> int:
        """Where in the log the event with this number is; behind the last one: the log's end."""
        return number

    def first_at(self, index: int) -> int:
        """The number of the first event from that place of the log on."""
        return index

    def matches(self, number: int, ids: bytes) -> bool:
        """These are the events from that number on."""
        return self._ids[number * ID_BYTES : number * ID_BYTES + len(ids)] == ids


class Passing(Everything):
    """What a reader with a filter is to get, numbered from 0."""

    def __init__(self, slots: Sequence[bool], indexes: "array[int]", ids: bytearray, log_events: int) -> None:
        super().__init__(ids)
        self._slots = slots
        self._indexes = indexes
        self._log_events = log_events

    def lets_pass(self, slot: int) -> bool:
        """By the event's slot."""
        return self._slots[slot]

    def index(self, number: int) -> int:
        """See ``Everything``."""
        return self._indexes[number] if number < len(self._indexes) else self._log_events

    def first_at(self, index: int) -> int:
        """See ``Everything``."""
        return bisect_left(self._indexes, index)


class Log:
    """Pieces are the reference's batches: windows, or several as one.

    :ivar faults: what is wrong with the reference itself.
    :ivar stored: by node: the seq through which the log has its events.
    :ivar starts_ms: of the pieces. :ivar behinds: of each piece, how many events the log has through it.
    """

    def __init__(self, records: Iterable[Record], forms: Forms, oldest: Iterable[tuple[int, int]] = ()) -> None:
        """
        :param oldest: what the daemon said now and then: when, microseconds since the Unix epoch, and the start of
            the oldest window that it still had.
        """
        self.forms = forms
        self._oldest = sorted(oldest)
        self.faults: list[str] = []
        self.starts_ms = array("q")
        self.ends_ms = array("q")
        self.behinds = array("Q")
        self._ids = bytearray()
        self._positions: dict[str, int] = {}
        self._by_seq = [array("I") for _ in range(forms.nodes + 1)]
        # Events by what a filter can tell apart, so that a filter need not look at them one by one.
        facets = [each for each in dict.fromkeys(forms.facets) if each is not None]
        self._by_facet = {facet: array("I") for facet in facets}
        self._by_slot = [self._by_facet.get(facet) if facet else None for facet in forms.facets]
        self._passing: OrderedDict[Asked, Everything] = OrderedDict()
        for record in records:
            if isinstance(record, Batch) and not record.is_history:
                self._take(record)
            elif not isinstance(record, Batch) and record.word == "gap":
                self._fault(f"the reference was not given everything: {record.fields}")

    def _take(self, batch: Batch) -> None:
        at = len(self._ids) // ID_BYTES
        by_slot, by_seq = self._by_slot, self._by_seq
        for event_id in array("q", batch.ids):
            by_node = by_seq[event_id >> 32]
            if (event_id & 0xFFFFFFFF) == len(by_node) + 1:
                by_node.append(at)
            else:
                self._fault(
                    f"event {seq_of(event_id)} of node {node_of(event_id)} comes behind event {len(by_node)} of it"
                )
            by_slot[event_id >> 24 & ~0xFF | event_id & 0xFF].append(at)  # type: ignore[union-attr]
            at += 1
        self._ids += batch.ids
        self.starts_ms.append(batch.start_ms)
        self.ends_ms.append(batch.end_ms)
        self.behinds.append(at)
        if batch.position:
            self._positions[batch.position] = at

    def _fault(self, text: str) -> None:
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(text)

    def __len__(self) -> int:
        """Events."""
        return len(self._ids) // ID_BYTES

    @property
    def stored(self) -> dict[int, int]:
        """See the class."""
        return {node: len(self._by_seq[node]) for node in range(1, self.forms.nodes + 1)}

    # Events.

    def index_of(self, event_id: int) -> int | None:
        """Where an event is; ``None``: the log does not have it."""
        node, seq = node_of(event_id), seq_of(event_id)
        if not 0 < node <= self.forms.nodes or not 0 < seq <= len(self._by_seq[node]):
            return None
        return self._by_seq[node][seq - 1]

    def passing(self, asked: Asked) -> Everything:
        """What a reader is to get who asks for this."""
        found = self._passing.get(asked)
        if found is None:
            found = self._passing[asked] = self._select(asked)
            if len(self._passing) > _MAX_FILTERS_KEPT:
                self._passing.popitem(last=False)
        self._passing.move_to_end(asked)
        return found

    def _select(self, asked: Asked) -> Everything:
        if asked.is_open:
            return Everything(self._ids)
        slots = self.forms.passing(asked)
        facets = {facet for facet, passes in zip(self.forms.facets, slots, strict=True) if passes and facet}
        indexes = array("I", sorted(index for facet in facets for index in self._by_facet[facet]))
        ids = memoryview(self._ids).cast("q")
        selected = array("q", [ids[index] for index in indexes])
        ids.release()
        return Passing(slots, indexes, bytearray(selected.tobytes()), len(self))

    # Times and positions.

    def place_of(self, position: str | None) -> Place | None:
        """Where a position is, if the reference was given the same one."""
        at = self._positions.get(position) if position else None
        return None if at is None else Place(at, at)

    def piece_of(self, index: int) -> int:
        """The piece in which an event is."""
        return bisect_right(self.behinds, index)

    def before(self, piece: int) -> int:
        """How many events the log has in front of a piece."""
        return self.behinds[piece - 1] if piece else 0

    def behind_end(self, end_ms: int | None) -> Place:
        """Behind the window that ends then; ``None``: at the log's beginning."""
        if end_ms is None:
            return Place(0, 0)
        at = bisect_left(self.ends_ms, end_ms)
        if at < len(self.ends_ms) and self.ends_ms[at] == end_ms:
            return Place(self.behinds[at], self.behinds[at])
        # Behind a window without events, or inside a piece.
        return Place(self.before(at), max(self.before(at), self.before(bisect_left(self.starts_ms, end_ms))))

    def before_start(self, start_ms: int) -> Place:
        """In front of the window that starts then, or where there is none: of the next one."""
        at = bisect_left(self.starts_ms, start_ms)
        if at < len(self.starts_ms) and self.starts_ms[at] == start_ms:
            return Place(self.before(at), self.before(at))
        # In front of a window without events, or inside a piece: ends overlap the next start by the clock's jitter.
        return Place(min(self.before(at), self.before(bisect_right(self.ends_ms, start_ms))), self.before(at))

    def was_trimmed(self, start_ms: int, at_us: int) -> bool:
        """Whether the window that starts then can have been gone at that time.

        True where the daemon was not asked soon enough to know.
        """
        at = bisect_left(self._oldest, (at_us, 0))
        return at == len(self._oldest) or start_ms < self._oldest[at][1]

    def pieces_between(self, first: int, last: int) -> int:
        """How many whole pieces lie between two places: so many windows at least."""
        return max(0, bisect_right(self.behinds, last) - (bisect_left(self.behinds, first) + 1 if first else 0))


assert SLOTS == 1 << 8, "Log._take reads the slot off an id by its bits"
