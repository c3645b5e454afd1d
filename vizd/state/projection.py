"""The newest event of each key, as a fold over the windows of the log.

What a key is stands in the catalogue, what "newest" is for a shard's leadership in ``leadership``. The newest of all
others is the last one in log order, whatever its ts says.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, compress

from vizd.events.facet import Facet
from vizd.log.window import START, Mark, Position, Window
from vizd.state.keys import KEPT, Key, Keys, term_of
from vizd.state.leadership import Lead, Leadership
from vizd.state.nodes import Node, Nodes
from vizd.state.recency import Chain, entry_bytes
from vizd.state.view import ChainView, Slice, View

__all__ = ["Projection"]

_TRANSITIONS, _PHASES, _GAUGES = range(len(KEPT))


class Projection:
    """Folded over a log from its beginning, or from a keyframe.

    Gauges expire: one is there no longer when its window ended over ``max_age_ms`` before the newest one. (Should the
    clock step back, so that a window ends before its predecessor, the predecessor's end counts for both.)

    Beyond ``max_keys`` or ``max_bytes`` the oldest gauges are driven out, then the oldest phases, then the oldest
    transitions.

    :ivar position: behind the last window folded.
    :cvar CHUNK_ROWS: see ``Chain``; writing a chunk anew takes about 0.1 ms.
    :cvar EXPIRED_PER_FOLD: gauges cleared away beyond as many as were put in: about 1 ms, when a jump of the clock
        makes everything old at once.
    """

    MAX_KEYS = 250_000
    MAX_BYTES = 128 << 20
    CHUNK_ROWS = 512
    EXPIRED_PER_FOLD = 1_000

    def __init__(self, max_age_ms: int, max_keys: int = MAX_KEYS, max_bytes: int = MAX_BYTES) -> None:
        """
        :param max_bytes: of memory, estimated. What was replaced or expired lately may take as much again.
        """
        self._max_age_ms = max_age_ms
        self._max_keys = max_keys
        self._max_bytes = max_bytes
        self.position: Position = START
        self._latest_ms = 0
        self._lost_forever = False
        self._lost_ms: int | None = None
        self._keys = Keys()
        self._nodes = Nodes()
        self._leadership = Leadership(self._nodes.incarnation)
        self._chains = tuple(Chain(self.CHUNK_ROWS) for _ in KEPT)
        self._view: View | None = None

    def __len__(self) -> int:
        """Keys, and those gauges that have expired and are not cleared away yet."""
        return sum(map(len, self._chains))

    @property
    def memory_bytes(self) -> int:
        """About what the keys and their events take."""
        return sum(chain.memory_bytes for chain in self._chains)

    @property
    def as_of_ms(self) -> int | None:
        """The end of the last window; ``None`` before the first."""
        return self.position.end_ms

    @property
    def truncated(self) -> bool:
        """Keys were driven out by the bounds, and would be here without them.

        A gauge that was is no longer missed when it would have expired.
        """
        return self._lost_forever or (self._lost_ms is not None and self._lost_ms >= self._fresh_ms)

    @property
    def _fresh_ms(self) -> int:
        return self._latest_ms - self._max_age_ms

    def view(self) -> View:
        """The state as it is now. Takes a few us, and is the same object until the next fold."""
        if self._view is None:
            fresh_ms = (None, None, self._fresh_ms)
            self._view = View(
                self.position,
                self.truncated,
                self._nodes.shown(),
                self._leadership.shown(),
                self._latest_ms,
                self._lost_forever,
                self._lost_ms,
                tuple(ChainView(*chain.chunks(), fresh) for chain, fresh in zip(self._chains, fresh_ms, strict=True)),
            )
        return self._view

    def is_newest(self, key: bytes, fragment: bytes) -> bool:
        """Of this key there is nothing newer than this event, as JSON."""
        return any(chain.get(key) == fragment for chain in self._chains)

    def fold(self, window: Window) -> None:
        """The next window, with all its events: not one that was read for some types only.

        :raises ValueError: it is another one.
        """
        before = self.position
        if before.seq and window.seq != before.seq + 1:
            raise ValueError(f"window {window.seq} does not follow window {before.seq}")
        self._view = None
        self.position = window.position
        self._latest_ms = max(self._latest_ms, window.end_ms)
        newest = self._newest(window)
        for chain, places in zip(self._chains, newest, strict=True):
            keys, order = sorted(places, key=places.__getitem__), sorted(places.values())
            facets, fragments = map(window.facets.__getitem__, order), map(window.fragments.__getitem__, order)
            chain.put(window.seq, self._latest_ms, keys, list(facets), list(fragments))
        self._expire(len(newest[_GAUGES]) + self.EXPIRED_PER_FOLD)
        self._keep_bounds()

    def miss(self, through: Position) -> None:
        """The windows up to this place can't be read: what was newest in them is lost, and a view says so."""
        self._view = None
        self.position = through
        self._lost_forever = True

    def _newest(self, window: Window) -> Sequence[dict[bytes, int]]:
        """Where in the window the newest event of each key is, by class."""
        facets, fragments = window.facets, window.fragments
        newest: tuple[dict[bytes, int], ...] = tuple({} for _ in KEPT)
        looked_into: dict[Facet, Key] = {}
        # At the speed of C for each event, and of Python for each facet: a flood has few.
        for facet, at in dict(zip(facets, range(len(facets)), strict=True)).items():
            key = self._keys[facet]
            if key is None:
                continue
            if key.cut or key.leads:
                looked_into[facet] = key
            elif newest[key.rank].get(key.prefix, -1) < at:  # Two facets may be equal, and two kinds share a key.
                newest[key.rank][key.prefix] = at
        marks = _Marks(window.marks, self._nodes)
        if looked_into:
            for at in compress(range(len(facets)), map(looked_into.__contains__, facets)):
                facet = facets[at]
                rank, prefix, cut, _ = looked_into[facet]
                if cut:
                    newest[rank][prefix + cut(fragments[at])] = at
                    continue
                marks.follow_to(at)
                if self._leadership.follow(prefix, facet, term_of(fragments[at])):
                    newest[rank][prefix] = at
        marks.follow_all()
        return newest

    def _expire(self, count: int) -> None:
        """Clear away expired gauges, at most ``count``; views skip those that are left."""
        gauges = self._chains[_GAUGES]
        for _ in range(min(count, len(gauges))):
            key, end_ms = gauges.oldest()
            if end_ms >= self._fresh_ms:
                return
            gauges.drop(self.position.seq, key)

    def _keep_bounds(self) -> None:
        """Drive out the oldest while there is too much: about as much as the fold has put in."""
        keys, memory_bytes = len(self), self.memory_bytes
        for index in (_GAUGES, _PHASES, _TRANSITIONS):
            chain = self._chains[index]
            while len(chain) and (keys > self._max_keys or memory_bytes > self._max_bytes):
                key, end_ms = chain.oldest()
                memory_bytes -= chain.memory_bytes
                chain.drop(self.position.seq, key)
                memory_bytes += chain.memory_bytes
                keys -= 1
                self._miss(index, end_ms)
                self._leadership.forget(key)

    def _miss(self, index: int, end_ms: int) -> None:
        """An entry of this chain has no room."""
        if index == _GAUGES:
            self._lost_ms = max(self._lost_ms or 0, end_ms)
        else:
            self._lost_forever = True

    # From a keyframe, in this order, before the first fold.

    def put_place(self, position: Position, latest_ms: int, lost_forever: bool, lost_ms: int | None) -> None:
        """See ``View``.

        :raises ValueError: there is something here already.
        """
        if self.position != START:
            raise ValueError(f"a keyframe needs a new projection; this one has come to window {self.position.seq}")
        self.position, self._latest_ms = position, latest_ms
        self._lost_forever, self._lost_ms = lost_forever, lost_ms

    def put_node(self, number: int, node: Node) -> None:
        """Changed later than those that were put before."""
        self._nodes.put(number, node)

    def put_older(self, part: Slice) -> bool:
        """Events of one class, the newest first, each older than those of its class before it.

        Classes come in the order of a view.

        :returns: there was room for all of them. Else there is none for what would follow.
        :raises ValueError: a key comes twice, or is none.
        """
        index = KEPT.index(part.facets[0].kind.event_class)
        keys = list(map(self._keys.of, part.facets, part.fragments))
        fitting = self._fitting(keys, part.fragments)
        self._chains[index].put_older(
            keys[:fitting], part.facets[:fitting], part.fragments[:fitting], part.ends_ms[:fitting]
        )
        if fitting == len(keys):
            return True
        self._miss(index, part.ends_ms[fitting])
        return False

    def _fitting(self, keys: Sequence[bytes], fragments: Sequence[bytes]) -> int:
        """How many of these there is room for."""
        room_keys, room_bytes = self._max_keys - len(self), self._max_bytes - self.memory_bytes
        sizes = list(accumulate(map(entry_bytes, keys, fragments)))
        return max(0, min(room_keys, bisect_right(sizes, room_bytes)))

    def put_lead(self, key: bytes, lead: Lead) -> None:
        """Of an event that was put."""
        if key in self._chains[_TRANSITIONS]:
            self._leadership.put(key, lead)


class _Marks:
    """The marks of a window, beside its events: each is followed in front of its first event."""

    def __init__(self, marks: Iterable[Mark], nodes: Nodes) -> None:
        self._marks = iter(marks)
        self._nodes = nodes
        self._events = 0

    def follow_to(self, event: int) -> None:
        """Up to the mark of the event with this index."""
        while self._events <= event and (mark := next(self._marks, None)):
            self._nodes.follow(mark)
            self._events += mark.events

    def follow_all(self) -> None:
        """Up to the last."""
        for mark in self._marks:
            self._nodes.follow(mark)
