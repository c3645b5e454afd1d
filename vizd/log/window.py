"""What the log is made of, for everyone who writes or reads it.

A fold over the log reads windows and nothing else, never a clock, so all that a fold needs is in them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from vizd.events.catalogue import TYPES
from vizd.events.facet import Facet

__all__ = [
    "END",
    "START",
    "Draft",
    "Gap",
    "Mark",
    "Page",
    "PageLimits",
    "Position",
    "Publisher",
    "Summary",
    "Window",
    "counts_of",
]

_FRAGMENT_OVERHEAD_BYTES = 33 + 8 + 8 + 8
"""Of a ``bytes`` object, its pointer and its facet's in the two columns, and its place among those of its facet."""
_WINDOW_OVERHEAD_BYTES = 1_000
"""Of the window, its sets and its lists: measured as about 900."""
_FACET_BYTES = 150
"""Of a facet that no other window shares."""
_PLACES = list(range(100_000))
"""Enough for any window: an inbox holds no more events."""
_MARK_BYTES = 200
"""Of a mark and its numbers; a hundred quiet nodes make windows of little else."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """One process of one node.

    :ivar node: ``Hello.node``. :ivar name: ``Hello.node_name``. :ivar incarnation: ``Hello.incarnation``.
    """

    node: int
    name: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened to one publisher's stream at one point of a window.

    :ivar last_seq: the highest seq that is accounted for; 0 before the first event of an incarnation.
    :ivar first_seq: the lowest seq that this mark accounts for; ``last_seq + 1`` where it holds none.
    :ivar events: how many events of the window came from it; the others were invalid or unknown.
    :ivar lost: events known to be lost: seqs jumped over, and what the node gave up itself.
    :ivar invalid: events refused. :ivar unknown: events of kinds that this version does not know.
    :ivar connected: ``True``, it has connected here; ``False``, it has disconnected; ``None``, neither.
    :ivar skew_ms: the node's clock minus the daemon's; ``None`` where the node did not say.
    :ivar restated: the events of this mark say again what was known, and are no new transitions.
    :ivar refused: it was not let in, since its node number is another process's; says nothing of the node's stream.
    :ivar given_up: how many events this process has said in all that it gave up before they had a seq.
    """

    publisher: Publisher
    first_seq: int
    last_seq: int
    events: int = 0
    lost: int = 0
    invalid: int = 0
    unknown: int = 0
    connected: bool | None = None
    skew_ms: int | None = None
    restated: bool = False
    refused: bool = False
    given_up: int = 0


def counts_of(numbers: Iterable[tuple[Facet, int]]) -> list[int]:
    """How many events of each type, in the order of the catalogue.

    :param numbers: of facets, how many events have them.
    """
    counts = [0] * len(TYPES)
    for facet, number in numbers:
        counts[facet.kind.type.index] += number
    return counts


@dataclass(frozen=True, slots=True)
class Draft:
    """A window before the log has given it its place.

    :ivar opened_ms: wall clock, milliseconds since the Unix epoch.
    :ivar length_ms: by the monotonic clock.
    """

    opened_ms: int
    length_ms: int
    facets: Sequence[Facet]
    fragments: Sequence[bytes]
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the log: behind the window ``seq``, with what it takes to tell the size of a hole later.

    :ivar seq: 0 is in front of the first window. Seqs are dense, so it counts windows too.
    :ivar total_events: events of the log up to here.
    :ivar end_ms: where the window ``seq`` ends; ``None`` in front of the first window.
    """

    seq: int
    total_events: int
    end_ms: int | None


START = Position(0, 0, None)
"""In front of everything."""
END = Position(2**64 - 1, 2**64 - 1, None)
"""Behind everything that will ever be: where a reader stops who never does."""


class Summary(Protocol):
    """What occurs in a window, or in many: enough to say that a reader finds nothing there.

    ``types`` is a bit mask of type indexes. It is 0 where there are no events.
    """

    @property
    def types(self) -> int:
        """The types that occur."""

    @property
    def nodes(self) -> frozenset[int]:
        """Every node that a filter could find an event under."""

    @property
    def shards(self) -> frozenset[int | None]:
        """Every shard that occurs, and ``None`` where an event has none."""


class Window:
    """The events of about one tick, in order of arrival. Never changed.

    :ivar seq: its place in the log: consecutive, the first is 1.
    :ivar start_ms: strictly increasing over the log, whatever the clock does.
    :ivar end_ms: at least ``start_ms + 1``.
    :ivar origin: the daemon that made it.
    :ivar facets: what filters ask of each event. :ivar fragments: each event as JSON, in the same order.
    :ivar marks: in order of arrival; the first ``events`` of the window are the first mark's, and so on.
    :ivar counts: events by type, in the order of the catalogue.
    :ivar types: the types that occur, as a bit mask of their indexes.
    :ivar nodes: every node that a filter could find an event under.
    :ivar shards: every shard that occurs, and ``None`` where an event has none.
    :ivar position: the place of a reader who has read it last.
    :ivar memory_bytes: about what it takes in memory.
    """

    __slots__ = (
        "_places",
        "counts",
        "end_ms",
        "facets",
        "fragments",
        "marks",
        "memory_bytes",
        "nodes",
        "origin",
        "position",
        "seq",
        "shards",
        "start_ms",
        "types",
    )

    def __init__(self, seq: int, start_ms: int, origin: str, draft: Draft, events_before: int) -> None:
        self.seq = seq
        self.start_ms = start_ms
        self.end_ms = start_ms + max(1, draft.length_ms)
        self.origin = origin
        self.facets = draft.facets
        self.fragments = draft.fragments
        self.marks = tuple(draft.marks)
        self._places: dict[Facet, list[int]] | None = None
        self.position = Position(seq, events_before + len(draft.fragments), self.end_ms)
        different = Counter(draft.facets)
        self.counts = tuple(counts_of(different.items()))
        self.types = sum(1 << index for index, count in enumerate(self.counts) if count)
        self.nodes = frozenset(node for facet in different for node in facet.nodes)
        self.shards = frozenset(facet.shard for facet in different)
        self.memory_bytes = (
            sum(map(len, draft.fragments))
            + len(draft.fragments) * _FRAGMENT_OVERHEAD_BYTES
            + len(different) * _FACET_BYTES
            + len(self.marks) * _MARK_BYTES
            + _WINDOW_OVERHEAD_BYTES
        )

    def places_by_facet(self) -> Mapping[Facet, Sequence[int]]:
        """Where the events of each facet stand, in order; found once, for all readers together."""
        if self._places is None:
            self._places = {}
            # These numbers are there anyway: new ones would take as much memory as the text of the events.
            for facet, place in zip(self.facets, _PLACES, strict=False):
                self._places.setdefault(facet, []).append(place)
        return self._places

    def pick(self, verdicts: Mapping[Facet, bool]) -> tuple[Sequence[bytes], Sequence[int]]:
        """The events whose facets pass, in order, as JSON; and how many of each type.

        What it costs is what passes, and not what there is.
        """
        found = {facet: places for facet, places in self.places_by_facet().items() if verdicts[facet]}
        in_order = sorted(chain.from_iterable(found.values()))
        counts = counts_of((facet, len(places)) for facet, places in found.items())
        return list(map(self.fragments.__getitem__, in_order)), counts

    def tally(self, verdicts: Mapping[Facet, bool]) -> Sequence[int]:
        """How many events of each type pass, for whoever does not need the events."""
        found = self.places_by_facet().items()
        return counts_of((facet, len(places)) for facet, places in found if verdicts[facet])

    @property
    def chunks(self) -> Sequence[bytes]:
        """All events as JSON, in order, one or more to a chunk, with commas between those of one chunk."""
        return self.fragments

    def __repr__(self) -> str:
        return f"<Window {self.seq} [{self.start_ms}, {self.end_ms}) {sum(self.counts)} events>"


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the log that a reader does not get, counted over the whole log, whatever its filter.

    :ivar from_ms: end of the last window before it; ``None`` at the log's beginning, or where that is not known.
    :ivar to_ms: start of the next window; where that is yet to come, the end of the newest.
    :ivar windows: ``None`` where nobody knows any more; ``events`` too.
    :ivar reason: a word of the wire contract, such as ``trimmed``.
    """

    from_ms: int | None
    to_ms: int | None
    windows: int | None
    events: int | None
    reason: str

    @classmethod
    def between(cls, left: Position, entered: Position, to_ms: int | None, reason: str) -> "Gap | None":
        """What lies between two places; ``None`` where that is nothing."""
        windows = entered.seq - left.seq
        if windows <= 0:
            return None
        return cls(left.end_ms, to_ms, windows, entered.total_events - left.total_events, reason)


@dataclass(frozen=True, slots=True)
class PageLimits:
    """How much one step of a reader may take. The window that reaches a bound is the last one.

    The defaults keep a step near a millisecond: skipping a window costs about 0.1 us, taking the events of one
    apart 25 us and more, joining a page of this size less than 1 ms.

    :ivar windows: in the page. :ivar scanned: looked at, wanted or not.
    :ivar memory_bytes: of the windows in the page.
    """

    windows: int = 100
    scanned: int = 2_000
    memory_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """One step of a reader.

    :ivar gap: what has been trimmed from where the reader stood, or ``None``.
    :ivar windows: those that were wanted, in order.
    :ivar position: where the reader stands now.
    """

    gap: Gap | None
    windows: Sequence[Window]
    position: Position
