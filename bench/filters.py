"""What a reader may ask for, and which events that lets pass.

Written anew from the wire contract, section 2, "Filter", event by event and without a thought for speed: it is
what the daemon's own filters are compared to, so it takes nothing from ``vizd``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, UnsetType

__all__ = ["SUMMARY_NAMES", "Asked", "Event", "asked_by", "facet_of", "passes"]

SUMMARY_NAMES = {
    "Wal": "wal_count",
    "Compaction": "compaction_count",
    "Lsm": "lsm_count",
    "Raft": "raft_count",
    "Swim": "swim_count",
    "Shard": "shard_count",
    "Cache": "cache_count",
    "SlotHeat": "heat_count",
}
"""The count in a batch's summary that is of each type."""


class _Kind(msgspec.Struct):
    kind: str
    node: int | UnsetType = UNSET
    voter: int | UnsetType = msgspec.field(default=UNSET, name="from")


class _Data(msgspec.Struct):
    node: int | UnsetType = UNSET
    shard: int | UnsetType = UNSET
    kind: _Kind | str | UnsetType = UNSET


class _Typed(msgspec.Struct):
    type: str
    data: _Data


class Event(msgspec.Struct):
    """What the rules look at in an event's JSON; the rest is skipped.

    :ivar node: the publishing node. :ivar shard: the owner shard.
    """

    ts: int
    node: int
    event: _Typed
    shard: int | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Asked:
    """One reader: a filter, an encoding, and how the filter is said.

    :ivar types: as it writes them. :ivar by_message: it sends a ``filter``; else the query says it.
    """

    name: str
    types: tuple[str, ...] = ()
    nodes: tuple[int, ...] = ()
    shards: tuple[int, ...] = ()
    is_json: bool = True
    by_message: bool = False

    @property
    def is_open(self) -> bool:
        """It asks for everything."""
        return not (self.types or self.nodes or self.shards)

    @property
    def query(self) -> str:
        """Of its URL. A snapshot would be events that the accounting counts twice."""
        parameters = {"state": "false", "json": str(self.is_json).lower()}
        if not self.by_message:
            axes = {"types": self.types, "nodes": self.nodes, "shards": self.shards}
            parameters |= {axis: ",".join(map(str, values)) for axis, values in axes.items() if values}
        return urlencode(parameters, safe=",")

    @property
    def described(self) -> str:
        """For people."""
        axes = {"types": self.types, "nodes": self.nodes, "shards": self.shards}
        text = " ".join(f"{axis}={','.join(map(str, values))}" for axis, values in axes.items() if values)
        return f"{text or 'everything'} as {'JSON' if self.is_json else 'MessagePack'}"


Facet = tuple[str, frozenset[int], int | None]


def facet_of(event: Event) -> Facet:
    """Type, the nodes and the shard that a filter finds it under.

    The subject node of a Raft event is the leader or the voter; a ``LeaderElected`` is found under its
    publishing node too. What has no subject node is found under the publishing one.
    """
    name, data = event.event.type, event.event.data
    kind = data.kind if isinstance(data.kind, _Kind) else None
    subject = data.node
    if name == "Raft" and kind is not None:
        subject = kind.node if kind.voter is UNSET else kind.voter
    nodes = {event.node if subject is UNSET else subject}
    if name == "Raft" and kind is not None and kind.kind == "LeaderElected":
        nodes.add(event.node)
    shard = data.shard if name in ("Raft", "Shard") else event.shard
    return name, frozenset(nodes), None if shard is UNSET else shard


def passes(facet: Facet, asked: Asked) -> bool:
    """Whether the reader is to get an event with this facet."""
    name, nodes, shard = facet
    types = {"slotheat" if each.lower() == "heat" else each.lower() for each in asked.types}
    if types and name.lower() not in types:
        return False
    if asked.nodes and not nodes & set(asked.nodes):
        return False
    return not asked.shards or shard is None or shard in asked.shards


_FIRST = (
    Asked("everything"),
    Asked("everything-packed", is_json=False),
    Asked("membership", types=("raft", "swim")),
    Asked("membership-packed", types=("Raft", "SWIM"), is_json=False, by_message=True),
    Asked("lsm", types=("lsm",)),
    Asked("compaction", types=("compaction",), is_json=False),
    Asked("slotheat", types=("slotheat",), by_message=True),
    Asked("heat", types=("Heat",), is_json=False),
    Asked("shard", types=("shard",)),
    Asked("wal", types=("Wal",), is_json=False, by_message=True),
    Asked("cache", types=("cache",)),
    Asked("node-1", nodes=(1,), by_message=True),
    Asked("nodes-2-3", nodes=(2, 3), is_json=False),
    Asked("shard-0", shards=(0,)),
    Asked("shards-5-7", shards=(5, 6, 7), is_json=False, by_message=True),
    Asked("node-4-of-shards", nodes=(4,), shards=(1, 2)),
    Asked("engine-of-node-5", types=("wal", "lsm"), nodes=(5,), is_json=False),
    Asked("raft-of-node-1", types=("raft",), nodes=(1,), by_message=True),
    Asked("moves-of-shard-3", types=("compaction", "shard"), shards=(3,), is_json=False),
    Asked("three-axes", types=("raft", "swim", "shard", "cache"), nodes=(2,), shards=(0, 1, 2), by_message=True),
)


def asked_by(clients: int, nodes: int, shards: int, seed: int) -> list[Asked]:
    """So many readers; the first two ask for everything, the first one in JSON.

    :param nodes: numbered from 1. :param shards: numbered from 0. :param seed: of the filters beyond the 20th.
    """
    return list(islice(_readers(nodes, shards, Random(seed)), clients))


def _readers(nodes: int, shards: int, rng: Random) -> Iterator[Asked]:
    yield from _FIRST
    number = len(_FIRST)
    while True:
        number += 1
        yield Asked(
            f"random-{number}",
            types=tuple(rng.sample(list(SUMMARY_NAMES), rng.randint(0, 3))),
            nodes=tuple(rng.sample(range(1, nodes + 1), rng.randint(0, min(2, nodes)))),
            shards=tuple(rng.sample(range(shards), rng.randint(1, min(4, shards)))),
            is_json=rng.random() < 0.5,
            by_message=rng.random() < 0.5,
        )
