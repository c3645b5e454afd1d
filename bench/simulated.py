"""What the gRPC thread would make of the events of a simulated cluster, in this process and on a simulated clock."""

from collections.abc import Iterable, Mapping

from vizd.events.decode import Decoder
from vizd.events.facet import Facets
from vizd.log.coalescer import Arrival
from vizd.log.window import Mark, Publisher
from vizd.wire.vizd_pb2 import VizEvent

__all__ = ["NODES", "SHARDS", "START_MS", "TICK_MS", "Arrivals"]

START_MS = 1_765_000_000_000
TICK_MS = 50
NODES, SHARDS = 5, 24


class Arrivals:
    """Decodes, with a seq for each event and a mark for each node and tick."""

    def __init__(self, names: Mapping[int, str]) -> None:
        """
        :param names: of the nodes, by id.
        """
        facets = Facets()
        self._decoders = {node: Decoder(node, facets) for node in names}
        self._publishers = {node: Publisher(node, name, node) for node, name in names.items()}
        self._seqs = dict.fromkeys(names, 0)

    def of(self, events: Iterable[tuple[int, VizEvent]], now_ms: int) -> list[Arrival]:
        """What arrives in one tick: one message of each node.

        :param events: each with its node.
        """
        by_node: dict[int, list[VizEvent]] = {}
        for node, event in events:
            by_node.setdefault(node, []).append(event)
        return [self._message(node, batch, now_ms) for node, batch in by_node.items()]

    def _message(self, node: int, events: list[VizEvent], now_ms: int) -> Arrival:
        decoded = self._decoders[node].decode(events, now_ms)
        first = self._seqs[node] + 1
        self._seqs[node] += len(events)
        mark = Mark(self._publishers[node], first, self._seqs[node], events=len(events), skew_ms=0)
        return Arrival(mark, decoded.facets, decoded.fragments, sum(map(len, decoded.fragments)))
