"""What "the newest one" of an event is counted by: a key of bytes, made from its facet and, for some kinds, a few
bytes of its JSON.

An event's JSON is canonical (``vizd.events.decode``): its keys are in the catalogue's order, without spaces. So what
a key needs of it is cut out between two places, and nothing is parsed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from vizd.events.catalogue import KINDS, EventClass, Kind
from vizd.events.facet import Facet

__all__ = ["KEPT", "Key", "Keys", "term_of"]

KEPT = (EventClass.TRANSITION, EventClass.PHASE, EventClass.GAUGE)
"""The classes that have keys, the ones that matter most first."""

_IN_FACET = frozenset({"node", "publisher", "shard"})
"""Fields of a key that are ``nodes[0]`` and ``shard`` of the facet."""
_SHORTEST_HEAD = len(b'{"ts":1,"node":1,"event":{"type":"')
"""No field of ``data`` begins before this."""

Cut = Callable[[bytes], bytes]


class Key(NamedTuple):
    """How the events of one facet are keyed.

    :ivar rank: of its class, in ``KEPT``.
    :ivar prefix: the key, or what all its keys begin with.
    :ivar cut: gives the rest of the key from an event's JSON; ``None``: the prefix is the key.
    :ivar leads: whether an event is the newest is for ``leadership`` to say.
    """

    rank: int
    prefix: bytes
    cut: Cut | None
    leads: bool


class Keys(dict[Facet, Key | None]):
    """By facet; ``None`` where nothing of it is kept. Asked once per event, so a dict and nothing around it.

    :cvar MAX_KEPT: as many as ``Facets`` shares.
    """

    MAX_KEPT = 65_536

    def __missing__(self, facet: Facet) -> Key | None:
        if len(self) >= self.MAX_KEPT:
            self.clear()
        plan = _PLANS.get(facet.kind)
        if plan is None:
            key = None
        else:
            node = facet.nodes[0] if plan.by_node else ""
            shard = "" if facet.shard is None else facet.shard
            prefix = f"{plan.life}/{node}/{shard if plan.by_shard else ''}/".encode()
            key = Key(plan.rank, prefix, plan.cut, plan.leads)
        self[facet] = key
        return key

    def of(self, facet: Facet, fragment: bytes) -> bytes:
        """The key of an event.

        :raises ValueError: it is of a kind that has none, or is no event of its kind.
        """
        key = self[facet]
        if key is None:
            raise ValueError(f"{facet.kind} is of a class that has no keys")
        return key.prefix + key.cut(fragment) if key.cut else key.prefix


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one kind is keyed. ``life`` names it, or what it shares with other kinds, among all types."""

    rank: int
    life: str
    by_node: bool
    by_shard: bool
    cut: Cut | None
    leads: bool

    @classmethod
    def of(cls, kind: Kind) -> "_Plan":
        life = f"{kind.type.name}.{kind.life}"
        by_node = bool({"node", "publisher"} & set(kind.key))
        rank = KEPT.index(kind.event_class)
        return cls(rank, life, by_node, "shard" in kind.key, _cut(kind), kind.life == "leadership")


def _cut(kind: Kind) -> Cut | None:
    """Cuts what ``kind``'s key needs beyond the facet: from its first such field to what follows the last."""
    rest = [name for name in kind.key if name not in _IN_FACET]
    if not rest:
        return None
    outer = [each.name for each in kind.type.fields]
    names = outer + [each.name for each in kind.fields]
    last = names.index(rest[-1])
    following = "kind" if kind.name and last == len(outer) - 1 else names[last + 1]
    return _between(f'"{rest[0]}":'.encode(), f',"{following}":'.encode())


def _between(begin: bytes, end: bytes) -> Cut:
    skipped = len(begin)

    def cut(fragment: bytes) -> bytes:
        # From both sides: what a node may choose freely, a Cache's name, lies between the two.
        return fragment[fragment.index(begin, _SHORTEST_HEAD) + skipped : fragment.rindex(end)]

    return cut


_term = _between(b'"term":', b',"kind":')


def term_of(fragment: bytes) -> int:
    """The Raft term of a Raft event, from its JSON."""
    return int(_term(fragment))


_PLANS = {kind: _Plan.of(kind) for kind in KINDS if kind.key}
