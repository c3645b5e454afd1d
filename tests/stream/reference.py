"""What a filter lets pass, decided from an event's JSON alone, one by one: slow, and easy to see through."""

import json
from collections.abc import Collection
from typing import Any

from hypothesis import strategies as st

from tests.stream.made import Made, made
from vizd.events.catalogue import KINDS, OWNER


def passes(event: dict[str, Any], types: Collection[str], nodes: Collection[int], shards: Collection[int]) -> bool:
    """The rules of the wire contract, section 2, "Filter"."""
    name = event["event"]["type"]
    names = {name.lower()} | ({"heat"} if name == "SlotHeat" else set())
    if types and names.isdisjoint(each.lower() for each in types):
        return False
    if nodes and _nodes(event).isdisjoint(nodes):
        return False
    data = event["event"]["data"]
    shard = data["shard"] if name in ("Raft", "Shard") else event.get("shard")
    return not shards or shard is None or shard in shards


def _nodes(event: dict[str, Any]) -> set[int]:
    name, data, publisher = event["event"]["type"], event["event"]["data"], event["node"]
    if name == "Raft":
        kind = data["kind"]
        if kind["kind"] == "LeaderElected":
            return {kind["node"], publisher}
        return {kind.get("from", publisher)}
    return {data.get("node", publisher)}


def expected(events: Collection[Made], **limits: Collection[Any]) -> list[bytes]:
    """The fragments that pass, in order."""
    return [text for _, text in events if passes(json.loads(text), **limits)]


def _pool() -> list[Made]:
    """Every kind, with few enough nodes and shards that filters hit and miss."""
    pool = []
    for number, kind in enumerate(KINDS):
        for at in range(6):
            names = {each.name for each in (*kind.type.fields, *kind.fields)}
            values: dict[str, Any] = {name: (at + number) % 4 for name in ("node", "from", "shard") if name in names}
            owner = at % 3 if kind.type.shard == OWNER and at % 2 else None
            pool.append(made(str(kind), publisher=at % 3 + 1, owner=owner, ts=number * 10 + at + 1, **values))
    return pool


EVENTS = st.lists(st.sampled_from(_pool()), max_size=20)
"""Events of a window."""

TYPES = st.lists(st.sampled_from(sorted({each.type.name for each in KINDS} | {"heat", "RAFT", "slotheat", "wAl"})))
LIMITS = st.fixed_dictionaries({
    "types": st.just([]) | TYPES,
    "nodes": st.lists(st.integers(0, 5), max_size=3),
    "shards": st.lists(st.integers(0, 5), max_size=3),
})  # fmt: skip
