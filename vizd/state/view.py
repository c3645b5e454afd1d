"""The state as of one place of the log, for as long as somebody reads it."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress

from vizd.events.facet import Facet
from vizd.log.window import Position
from vizd.state.leadership import Lead
from vizd.state.nodes import Node
from vizd.state.recency import Chunk

__all__ = ["ChainView", "Slice", "View"]


@dataclass(frozen=True, slots=True)
class Slice:
    """Events of a view, the newest first, as columns of one length.

    :ivar ends_ms: the latest end of a window, up to the one that brought the event.
    """

    facets: Sequence[Facet]
    fragments: Sequence[bytes]
    ends_ms: Sequence[int]


@dataclass(frozen=True, slots=True)
class ChainView:
    """One class of entries.

    :ivar chunks: all, and more may have come to the last one since. :ivar rows: what it had then.
    :ivar fresh_ms: what has an earlier end has expired; ``None``: nothing does.
    """

    chunks: tuple[Chunk, ...]
    rows: int
    fresh_ms: int | None


@dataclass(frozen=True, slots=True)
class View:
    """Never changes, whatever is folded after it was made.

    :ivar position: behind the last window that it knows. :ivar as_of_ms: where that ended; ``None``: it knows none.
    :ivar truncated: the bounds have driven out keys that would be in it.
    :ivar nodes: those that have published, by id.
    :ivar leads: what is known of each shard's term, by key. :ivar latest_ms: the latest end of a window.
    :ivar lost_forever: a transition or a phase was driven out. :ivar lost_ms: the ``end_ms`` of the newest gauge that
        was; ``None``: none was. These four are for keyframes.
    """

    position: Position
    truncated: bool
    nodes: Mapping[int, Node]
    leads: Mapping[bytes, Lead] = field(repr=False)
    latest_ms: int
    lost_forever: bool
    lost_ms: int | None
    chains: tuple[ChainView, ...] = field(repr=False)

    @property
    def as_of_ms(self) -> int | None:
        """The end of the last window; ``None`` before the first."""
        return self.position.end_ms

    def slices(self, count: int = 512) -> Iterator[Slice]:
        """The newest event of each key: transitions, then phases, then gauges, the newest first in each.

        A step looks at no more than ``count`` entries, which takes about 0.1 us each, and gives those of them that
        the view holds, perhaps none. Slices end with chunks, so a larger ``count`` gives no larger ones.

        What was read is let go of, if the view itself is.
        """
        seq = self.position.seq
        walks = [_walk(list(each.chunks), each.rows, each.fresh_ms, seq, count) for each in self.chains]
        return chain.from_iterable(walks)


def _walk(chunks: list[Chunk], behind: int, fresh_ms: int | None, seq: int, count: int) -> Iterator[Slice]:
    """One class. ``chunks`` is emptied; ``behind``: rows of the last one; ``seq``: of the view's window."""
    while chunks:
        chunk = chunks.pop()
        fresh = 0 if fresh_ms is None else bisect_left(chunk.ends_ms, fresh_ms, 0, behind)
        while behind > fresh:
            rows = slice(max(fresh, behind - count), behind)
            behind = rows.start
            live = list(map(seq.__lt__, chunk.gone[rows]))
            live.reverse()
            yield Slice(
                list(compress(reversed(chunk.facets[rows]), live)),
                list(compress(reversed(chunk.fragments[rows]), live)),
                list(compress(reversed(chunk.ends_ms[rows]), live)),
            )
        if fresh:
            return
        behind = len(chunks[-1]) if chunks else 0
