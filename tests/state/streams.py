"""Any log of a cluster, for Hypothesis: windows in order, as a daemon makes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Any

from hypothesis import strategies as st

from tests.stream.made import Made, made
from vizd.events.catalogue import KINDS, OWNER, Kind
from vizd.events.facet import Facet
from vizd.log.block import Block, FacetTable
from vizd.log.sealed import SealedWindow, Unpacker
from vizd.log.window import START, Draft, Mark, Publisher, Window

FORGED = 2**32 - 1
NODES = (1, 2, FORGED)
VALUES: dict[str, tuple[Any, ...]] = {
    "node": NODES,
    "from": NODES,
    "shard": (0, FORGED),
    "owner": (None, 0, FORGED),
    "term": (1, 2, 3, 2**64 - 1),
    "level": (1, 11),
    "slot": (1, 11),
    "slot_id": (1, 11),
    "name": ("", "a", 'a","hit_ratio":1,"name":"b', '"name":', "ü\n\\", "a/b"),
}
"""Few, so that keys meet."""
RAFT = [kind for kind in KINDS if str(kind) in ("Raft.LeaderElected", "Raft.StepDown")]

Happening = tuple[int, str, list[tuple[str, dict[str, Any]]]]
"""A node, what happened, and events. What: ``message``; ``late``, one of the process before; ``connect``, in the same
process; ``restart``, in a new one; ``disconnect``."""
Step = tuple[int, int, list[Happening]]
"""By how much the clock moves, how long the window is, and what is in it."""


@cache
def all_of(kind: Kind) -> list[tuple[str, dict[str, Any]]]:
    """Every event of a kind, by name and values."""
    names = [each.name for each in (*kind.type.fields, *kind.fields) if each.name in VALUES]
    if kind.type.shard == OWNER:
        names.append("owner")
    choices = product(*(VALUES[name] for name in names))
    return [(str(kind), dict(zip(names, values, strict=True))) for values in choices]


def steps(kinds: Sequence[Kind] = KINDS, max_size: int = 12) -> st.SearchStrategy[list[Step]]:
    """A log."""
    event = st.one_of([st.sampled_from(all_of(kind)) for kind in kinds])
    what = st.sampled_from(["message"] * 4 + ["late", "connect", "restart", "disconnect"])
    happening = st.tuples(st.sampled_from(NODES), what, st.lists(event, max_size=6))
    moves, lengths = st.sampled_from([0, 1, 50, 50, 50, 1_000, 5_000, -500]), st.sampled_from([1, 50, 1_000])
    return st.lists(st.tuples(moves, lengths, st.lists(happening, max_size=3)), max_size=max_size)


@cache
def made_once(publisher: int, name: str, values: tuple[tuple[str, Any], ...]) -> Made:
    """``made``, remembered."""
    return made(name, publisher, **dict(values))


@dataclass
class Chronicle:
    """Makes windows of steps."""

    clock_ms: int = 10_000
    seq: int = 0
    total_events: int = 0
    start_ms: int = 0
    incarnations: dict[int, int] = field(default_factory=dict)

    def windows(self, steps: Sequence[Step]) -> Iterator[Window]:
        for moved_ms, length_ms, happenings in steps:
            self.clock_ms += moved_ms
            self.start_ms = max(self.clock_ms, self.start_ms + 1)
            self.seq += 1
            facets: list[Facet] = []
            fragments: list[bytes] = []
            marks = []
            for node, what, events in happenings:
                if what not in ("message", "late"):
                    events = []
                marks.append(self._mark(node, what, len(events)))
                for name, values in events:
                    facet, fragment = made_once(node, name, tuple(values.items()))
                    # Every second event has a facet of its own, and each a ts that says nothing of its place.
                    at = self.total_events + len(facets)
                    facets.append(facet if at % 2 else Facet(facet.kind, facet.nodes, facet.shard))
                    fragments.append(fragment.replace(b'"ts":1,', b'"ts":%d,' % (1 + at * 7_919 % 10_007), 1))
            draft = Draft(0, length_ms, facets, fragments, marks)
            yield Window(self.seq, self.start_ms, "test", draft, self.total_events)
            self.total_events += len(facets)

    def _mark(self, node: int, what: str, events: int) -> Mark:
        incarnation = self.incarnations.setdefault(node, 1)
        if what == "restart":
            incarnation = self.incarnations[node] = incarnation + 1
        elif what == "late":
            incarnation = max(1, incarnation - 1)
        connected = {"connect": True, "restart": True, "disconnect": False}.get(what)
        return Mark(Publisher(node, f"node {node}", incarnation), 1, events, events=events, connected=connected)


def sealed(windows: Sequence[Window]) -> list[Window]:
    """As they are read back from a log."""
    if not windows:
        return []
    block, unpacker = Block(START, windows, FacetTable()), Unpacker()
    return [SealedWindow(block, index, block.all, unpacker) for index in range(len(windows))]
