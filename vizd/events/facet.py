"""What a filter can ask of an event, shared by all events of which it is the same.

A window keeps one pointer per event to its facet. A filter judges each facet once and then picks
events by looking verdicts up, so its cost per event is that of a dict.
"""

from dataclasses import dataclass

from vizd.events.catalogue import KINDS, Kind

__all__ = ["Facet", "FacetRow", "Facets"]

FacetRow = tuple[str, tuple[int, ...], int | None]
"""A facet where it is stored: the name of its kind, its nodes, its shard."""

_NAMES = {kind: str(kind) for kind in KINDS}
_KINDS = {name: kind for kind, name in _NAMES.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Facet:
    """Equal facets are usually, not always, one object: compare their fields, not them.

    :ivar kind: its line in the catalogue.
    :ivar nodes: the nodes that a filter finds it under: the subject, or else the publisher; a
        ``LeaderElected`` has both.
    :ivar shard: its shard, or the shard whose engine produced it; ``None`` where it has none.
    """

    kind: Kind
    nodes: tuple[int, ...]
    shard: int | None

    def row(self) -> FacetRow:
        """To be stored."""
        return _NAMES[self.kind], self.nodes, self.shard


class Facets(dict[tuple[Kind, int | tuple[int, ...], int | None], Facet]):
    """Hands out one facet per combination: ``facets[kind, node, shard]``, or with a tuple of several nodes.

    A dict and nothing around it, since it is asked once per event.

    :cvar MAX_KEPT: combinations remembered, about 20 MB. A cluster of 100 nodes and 1,000 shards stays
        well below it; whoever invents ids loses the sharing, not the events.
    """

    MAX_KEPT = 65_536

    def __missing__(self, key: tuple[Kind, int | tuple[int, ...], int | None]) -> Facet:
        if len(self) >= self.MAX_KEPT:
            self.clear()
        kind, nodes, shard = key
        facet = self[key] = Facet(kind, nodes if isinstance(nodes, tuple) else (nodes,), shard)
        return facet

    def of(self, kind: Kind, nodes: tuple[int, ...], shard: int | None) -> Facet:
        """The facet of an event with these."""
        return self[kind, nodes if len(nodes) > 1 else nodes[0], shard]

    def of_row(self, row: FacetRow) -> Facet:
        """The facet that was stored so.

        :raises LookupError: this version knows no such kind.
        """
        name, nodes, shard = row
        return self.of(_KINDS[name], nodes, shard)
