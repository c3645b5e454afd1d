"""Which events a reader asks for: by type, by node, by shard.

The rules are those of the wire contract, section 2, "Filter". An axis without values is no limit.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from vizd.events.catalogue import TYPES, TYPES_BY_NAME, EventClass
from vizd.events.facet import Facet
from vizd.log.window import Summary

__all__ = ["MAX_ID", "Filter", "ids_from_text"]

MAX_ID = 2**32 - 1
"""Nodes and shards are u32."""


class _Verdicts(dict[Facet, bool]):
    """What one filter has said of each facet; looked up once per event, so a dict and nothing around it."""

    MAX_KEPT = 65_536

    def __init__(self, judge: "Filter") -> None:
        self._types, self._nodes, self._shards = judge.types, judge.nodes, judge.shards

    def __missing__(self, facet: Facet) -> bool:
        if len(self) >= self.MAX_KEPT:
            self.clear()
        verdict = self[facet] = (
            (not self._types or bool(self._types >> facet.kind.type.index & 1))
            and (not self._nodes or not self._nodes.isdisjoint(facet.nodes))
            and (not self._shards or facet.shard is None or facet.shard in self._shards)
        )
        return verdict


class _Transitions(dict[Facet, bool]):
    """Which facets pass and are of transitions."""

    def __init__(self, verdicts: _Verdicts) -> None:
        self._verdicts = verdicts

    def __missing__(self, facet: Facet) -> bool:
        if len(self) >= _Verdicts.MAX_KEPT:
            self.clear()
        verdict = self[facet] = facet.kind.event_class is EventClass.TRANSITION and self._verdicts[facet]
        return verdict


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Filter:
    """Equal filters made by ``of`` are one object, so their readers share verdicts and frames.

    :ivar types: a bit mask of type indexes. :ivar nodes: ids. :ivar shards: ids.
    :ivar verdicts: whether a facet passes. :ivar transitions: whether it passes and is of transitions.
    """

    types: int = 0
    nodes: frozenset[int] = frozenset()
    shards: frozenset[int] = frozenset()
    verdicts: _Verdicts = field(init=False, compare=False, repr=False)
    transitions: _Transitions = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdicts", _Verdicts(self))
        object.__setattr__(self, "transitions", _Transitions(self.verdicts))

    @classmethod
    def of(cls, types: Iterable[str] = (), nodes: Iterable[int] = (), shards: Iterable[int] = ()) -> "Filter":
        """The filter with these limits.

        :param types: names in any case; ``heat`` and ``slotheat`` are one.
        :raises ValueError: no such type.
        """
        mask = 0
        for name in types:
            event_type = TYPES_BY_NAME.get(name.strip().lower())
            if event_type is None:
                known = ", ".join(each.name for each in TYPES)
                raise ValueError(f"types: {name[:40]!r} is no event type: use {known}")
            mask |= 1 << event_type.index
        limits = mask, frozenset(nodes), frozenset(shards)
        return _interned.setdefault(limits, cls(*limits))

    @property
    def is_open(self) -> bool:
        """It lets everything pass."""
        return not (self.types or self.nodes or self.shards)

    def wants_types(self, types: int) -> bool:
        """Whether any of these types, a bit mask, passes; of none, none does."""
        return bool(types & self.types if self.types else types)

    def wants(self, summary: Summary) -> bool:
        """False: none of the events there passes. True: look."""
        return bool(
            self.wants_types(summary.types)
            and (not self.nodes or not self.nodes.isdisjoint(summary.nodes))
            and (not self.shards or None in (shards := summary.shards) or not self.shards.isdisjoint(shards))
        )

    def described(self) -> dict[str, list[str] | list[int]]:
        """For people: the limits, by axis; an axis without one is absent."""
        axes: dict[str, list[str] | list[int]] = {
            "types": [each.name for each in TYPES if self.types >> each.index & 1],
            "nodes": sorted(self.nodes),
            "shards": sorted(self.shards),
        }
        return {axis: values for axis, values in axes.items() if values}


_interned: WeakValueDictionary[tuple[int, frozenset[int], frozenset[int]], Filter] = WeakValueDictionary()
"""By their limits: a filter that is its own key would never be let go."""


def ids_from_text(name: str, text: str) -> list[int]:
    """Ids from ``"1,2,3"``; none from an empty text.

    :param name: of the parameter, for the error.
    :raises ValueError: something in it is no id.
    """
    ids = []
    for part in filter(None, map(str.strip, text.split(","))):
        digits = part.lstrip("0") or "0"
        if not (part.isascii() and part.isdigit()) or len(digits) > 10 or int(digits) > MAX_ID:
            raise ValueError(f"{name}: {part[:40]!r} is no id: use numbers from 0 to {MAX_ID}, with commas between")
        ids.append(int(digits))
    return ids
