"""What all rules may ask: the log's time, who is there, what is missing. And events as rules see them."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from vizd.events.facet import Facet
from vizd.insight.processes import Processes
from vizd.log.window import START, Position, Window
from vizd.state.coverage import COMPLETE, Coverage
from vizd.state.timeline import Timeline

__all__ = ["Cluster", "Event", "read_event"]

_decode = msgspec.json.Decoder().decode


class Event(NamedTuple):
    """One event of interest.

    :ivar kind: such as ``LeaderElected``. :ivar node: the one that published it.
    :ivar shard: its shard, or the shard whose engine produced it.
    :ivar data: the fields of its type and of its kind.
    :ivar restated: it says again what was known. :ivar is_late: a newer process of its node has come since.
    """

    kind: str
    node: int
    shard: int | None
    facet: Facet
    data: Mapping[str, Any]
    restated: bool
    is_late: bool


def read_event(facet: Facet, fragment: bytes, restated: bool, is_late: bool) -> Event:
    """From an event's JSON."""
    said = _decode(fragment)
    data = said["event"]["data"]
    kind = data.get("kind")
    if isinstance(kind, dict):
        data |= kind
    data.pop("kind", None)
    return Event(facet.kind.name, said["node"], facet.shard, facet, data, restated, is_late)


class Cluster:
    """As of the window that is being folded.

    :ivar now_ms: the latest end of a window. :ivar start_ms: of the newest window. :ivar position: behind it.
    :ivar second: the one in which the newest window starts; ``second_before``: that of the window before it.
    :ivar processes: those that publish. :ivar swim: by node, the newest of Swim's words for it.
    :ivar shards_ms: by shard, when it was mentioned last; ``nodes_ms``: by node.
    :cvar MAX_MENTIONED: shards, and nodes, whose last mention is remembered; beyond it the older half goes.
    """

    MAX_MENTIONED = 65_536
    MAX_MEMBERS = 10_000

    def __init__(self, coverage: Coverage, timeline: Timeline) -> None:
        self.coverage = coverage
        self.timeline = timeline
        self.now_ms = self.start_ms = 0
        self.position: Position = START
        self.second = self.second_before = 0
        self.processes = Processes()
        self.swim: dict[int, str] = {}
        self.shards_ms: dict[int | None, int] = {}
        self.nodes_ms: dict[int, int] = {}

    def enter(self, window: Window) -> None:
        """The next window, before its marks and events."""
        self.now_ms = max(self.now_ms, window.end_ms)
        self.start_ms = window.start_ms
        self.position = window.position
        self.second_before, self.second = self.second, window.start_ms // 1_000
        self.shards_ms |= dict.fromkeys(window.shards, self.now_ms)
        self.nodes_ms |= dict.fromkeys(window.nodes, self.now_ms)
        for mentioned in (self.shards_ms, self.nodes_ms):
            if len(mentioned) > self.MAX_MENTIONED:
                _halve(mentioned)

    def follow_swim(self, event: Event) -> None:
        """What Swim says of a node."""
        node = event.data["node"]
        self.swim.pop(node, None)
        self.swim[node] = event.kind
        if len(self.swim) > self.MAX_MEMBERS:
            del self.swim[next(iter(self.swim))]

    def follow_return(self, node: int) -> None:
        """Its process is connected: whatever it left, it is here again."""
        if self.has_left(node):
            del self.swim[node]

    # Nodes.

    def knows(self, node: int) -> bool:
        """It has published, or Swim has spoken of it."""
        return node in self.processes or node in self.swim

    def called(self, node: int) -> str:
        """Its name as people say it."""
        return self.name(node) or f"node {node}"

    def name(self, node: int) -> str | None:
        """``None`` where it never published."""
        process = self.processes.get(node)
        return process.name if process else self.coverage.name(node)

    def named(self, subject: Mapping[str, Any]) -> dict[str, Any]:
        """``subject`` with the node's name behind its number."""
        named: dict[str, Any] = {}
        for key, value in subject.items():
            named[key] = value
            if key == "node":
                named["name"] = self.name(value)
        return named

    def has_left(self, node: int) -> bool:
        """By Swim."""
        return self.swim.get(node) == "Leave"

    # What is missing.

    def is_whole(self, nodes: Iterable[int], from_ms: int) -> bool:
        """Nothing is known to be missing of what these nodes have published since then."""
        for node in nodes:
            covered = self.coverage.covered(node, from_ms, self.now_ms)
            if covered is not None and covered.word != COMPLETE:
                return False
        return True

    def is_forgotten(self, subject: Mapping[str, Any], before_ms: int) -> bool:
        """The log has nothing of this node, or of this shard, since then."""
        shard, node = subject.get("shard"), subject.get("node")
        if node is not None and node not in self.coverage and self.nodes_ms.get(node, -1) < before_ms:
            return True
        return shard is not None and self.shards_ms.get(shard, -1) < before_ms


def _halve(mentioned: dict[Any, int]) -> None:
    for each in sorted(mentioned, key=mentioned.__getitem__)[: len(mentioned) // 2]:
        del mentioned[each]
