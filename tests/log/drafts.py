"""Windows to be, for tests of the log."""

from collections.abc import Sequence

from vizd.events.catalogue import KINDS
from vizd.events.facet import Facets
from vizd.log.coalescer import Arrival
from vizd.log.window import Draft, Mark, Publisher

PUBLISHER = Publisher(1, "one", 0xABCD)
_FACETS = Facets()


def draft(
    opened_ms: int = 0, events: int = 1, length_ms: int = 50, *, kind: int = 0, marks: Sequence[Mark] = ()
) -> Draft:
    """A draft whose ``events`` events are all of one kind, and tell which one they are."""
    facet = _FACETS.of(KINDS[kind], (1,), None)
    fragments = [f'{{"ts":{opened_ms},"is":{number}}}'.encode() for number in range(events)]
    return Draft(opened_ms, length_ms, [facet] * events, fragments, marks)


def mark(last_seq: int, events: int = 1, publisher: Publisher = PUBLISHER) -> Mark:
    """Of ``events`` events that end with ``last_seq``."""
    return Mark(publisher, last_seq - events + 1, last_seq, events=events)


def arrival(last_seq: int, events: int = 1, size_bytes: int | None = None) -> Arrival:
    """A message whose fragments are numbered by their seqs; ``size_bytes``: to lie about its size."""
    fragments = [b"%d" % seq for seq in range(last_seq - events + 1, last_seq + 1)]
    size_bytes = sum(map(len, fragments)) if size_bytes is None else size_bytes
    return Arrival(mark(last_seq, events), [_FACETS.of(KINDS[0], (1,), None)] * events, fragments, size_bytes)
