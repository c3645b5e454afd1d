"""What ``top`` knows, from what the daemon says. Pure: the time is an argument."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vizd.cli.words import kind_of
from vizd.client.messages import Batch, Connected, Disconnected, FindingUpdate, Gap, Message
from vizd.events.catalogue import TYPES

__all__ = ["KEPT_S", "Model", "Node"]

KEPT_S = 60
"""Of rates."""
MAX_NODES = 10_000
MAX_SHARDS = 100_000
MAX_FINDINGS = 1_000
"""What comes beyond these is not shown; the daemon has bounds of its own, below them."""

_MEMBERSHIP = {"Alive": "alive", "Suspect": "suspect", "Confirm": "dead", "Leave": "left"}
_COUNTS = {f"{each.count}_count": each.name for each in TYPES}


@dataclass(slots=True)
class Node:
    """What is known of one.

    :ivar membership: by Swim: ``alive``, ``suspect``, ``dead``, ``left``; empty if that has said nothing.
    :ivar is_connected: it publishes; ``None``: it never did.
    :ivar fsync_ms: the newest. :ivar pressure: likewise, 0 to 1.
    :ivar compactions: that run. :ivar lost: events.
    """

    number: int
    name: str = ""
    membership: str = ""
    is_connected: bool | None = None
    fsync_ms: int | None = None
    pressure: float | None = None
    compactions: set[tuple[int | None, int]] = field(default_factory=set)
    lost: int = 0

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or f"node {self.number}"

    @property
    def is_well(self) -> bool:
        """As far as is known."""
        return self.membership in ("", "alive") and self.is_connected is not False


class Model:
    """Of one daemon.

    :ivar leaders: by shard; ``None``: it had one, and has none. :ivar moves: of shards that are on their way: how far.
    :ivar findings: by id. :ivar trouble: why there is no connection; ``None``: there is one.
    :ivar gaps: parts of the stream that were missed. :ivar is_truncated: not all of the state is known.
    """

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self.leaders: dict[int, int | None] = {}
        self.moves: dict[int, str] = {}
        self.findings: dict[str, FindingUpdate] = {}
        self.trouble: str | None = "connecting"
        self.gaps = 0
        self.is_truncated = False
        self._rates: deque[tuple[int, Counter[str]]] = deque()

    def hear(self, message: Message, now_ms: int) -> None:
        """What the daemon says."""
        match message:
            case Connected():
                self.trouble = None
                self.findings.clear()  # Those that are open come anew.
            case Disconnected(reason=reason):
                self.trouble = reason
            case Gap():
                self.gaps += 1
            case FindingUpdate():
                if message.id in self.findings or len(self.findings) < MAX_FINDINGS:
                    self.findings[message.id] = message
            case Batch():
                self._take(message, now_ms)

    def _take(self, batch: Batch, now_ms: int) -> None:
        if batch.history or batch.provisional:
            return
        if batch.snapshot:
            self.is_truncated = batch.truncated
        else:
            second = now_ms // 1_000
            if not self._rates or self._rates[-1][0] != second:
                self._rates.append((second, Counter()))
            self._rates[-1][1].update(
                {_COUNTS[name]: count for name, count in batch.data.summary.items() if name in _COUNTS}
            )
            while self._rates[0][0] < second - KEPT_S:
                self._rates.popleft()
        for event in batch.data.events:
            self._see(event)

    def know(self, coverage: Mapping[str, Any]) -> None:
        """``/api/coverage``: names, and who publishes."""
        for each in coverage["nodes"]:
            node = self._node(each["node"])
            if node is not None:
                node.name, node.is_connected = each["name"], each["connected"]
                node.lost = sum(lost["events"] or 0 for lost in each["lost"])

    def _node(self, number: int) -> Node | None:
        if number not in self.nodes and len(self.nodes) < MAX_NODES:
            self.nodes[number] = Node(number)
        return self.nodes.get(number)

    def _see(self, event: Mapping[str, Any]) -> None:
        data = event["event"]["data"]
        name = kind_of(event)
        if event["event"]["type"] == "Raft":
            if name in ("LeaderElected", "StepDown") and (
                data["shard"] in self.leaders or len(self.leaders) < MAX_SHARDS
            ):
                self.leaders[data["shard"]] = data["kind"]["node"] if name == "LeaderElected" else None
            return
        if event["event"]["type"] == "Shard":
            self.moves[data["shard"]] = name
            if name == "Cutover" or len(self.moves) > MAX_SHARDS:
                self.moves.pop(data["shard"])
            return
        node = self._node(data.get("node", event["node"]))
        if node is not None:
            self._of_node(node, event["event"]["type"], name, data, event.get("shard"))

    def _of_node(self, node: Node, type_name: str, kind: str, data: Mapping[str, Any], shard: int | None) -> None:
        match type_name, kind:
            case "Swim", _:
                node.membership = _MEMBERSHIP.get(kind, kind)
            case "Wal", "Fsync":
                node.fsync_ms = data["kind"]["ms"]
            case "Lsm", "WritePressureUpdate":
                node.pressure = data["kind"]["ratio"]
            case "Compaction", "Start" | "Progress":
                node.compactions.add((shard, data["level"]))
            case "Compaction", "Finish":
                node.compactions.discard((shard, data["level"]))

    # What is shown of it.

    @property
    def open_findings(self) -> list[FindingUpdate]:
        """The worst first, then the oldest."""
        found = [each for each in self.findings.values() if each.open]
        return sorted(found, key=lambda each: (each.severity != "critical", each.first_ms))

    @property
    def leaderless(self) -> list[int]:
        """Shards that had a leader."""
        return sorted(shard for shard, leader in self.leaders.items() if leader is None)

    def led_by(self) -> Counter[int]:
        """How many shards each node leads."""
        return Counter(leader for leader in self.leaders.values() if leader is not None)

    def rates(self, now_ms: int) -> dict[str, list[int]]:
        """Events in each whole second, the oldest first, by type; of types that had any."""
        second = now_ms // 1_000
        by_second = dict(self._rates)
        names = {name for counts in by_second.values() for name in counts}
        whole = range(second - KEPT_S, second)
        empty: Counter[str] = Counter()
        return {
            each.name: [by_second.get(at, empty)[each.name] for at in whole] for each in TYPES if each.name in names
        }

    @property
    def verdict(self) -> tuple[str, str]:
        """How bad it is (``critical``, ``warning``, ``unknown``, ``well``), and in a sentence why."""
        found = self.open_findings
        if found:
            more = f" And {len(found) - 1} more." if len(found) > 1 else ""
            return found[0].severity, f"{found[0].detail}{more}"
        if self.trouble is not None:
            return "unknown", f"Nothing is known: {self.trouble}"
        if not self.nodes:
            return "unknown", "No node has published anything yet."
        gone = [node.label for node in self.nodes.values() if node.is_connected is False]
        if gone:
            return "unknown", f"Nothing is found wrong, but nothing is heard of {_listed(gone)}."
        return "well", "Nothing is found wrong."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
