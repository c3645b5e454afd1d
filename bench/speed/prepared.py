"""Messages of a publisher, made before they are sent: what is left to do is to put the time and a seq into one.

The events are those of a simulated cluster. A message's bytes are its events', one behind the other, and in front of
them what is left open until it is sent; protobuf merges such parts. The ``ts_ms`` of an event is overwritten in place:
its bytes are of one length from 2004 to 2109.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.simulated import SHARDS, START_MS
from vizd.client.encode import events_message, framed_event
from vizd.sim.cluster import SimulatedCluster
from vizd.wire.vizd_pb2 import VizEvent

__all__ = ["Message", "heartbeat", "prepared", "request"]

_SIMULATED_PER_S = 20_000
"""A busy cluster: what it emits is mostly fsyncs."""
_STEP_MS = 500
_SEED = 1
_TS = VizEvent(ts_ms=START_MS).SerializeToString()


@dataclass(frozen=True, slots=True)
class Message:
    """Some events of one node.

    :ivar body: of an ``Events``, without what stands in front of the events; every ts is the same.
    """

    events: int
    body: bytes


def prepared(nodes: int, per_node: int, per_message: int) -> list[list[Message]]:
    """The messages of each node, to be sent over and over.

    :param per_node: events, about.
    """
    cluster = SimulatedCluster(nodes, SHARDS, _SIMULATED_PER_S, _SEED, START_MS)
    by_node: dict[int, list[bytes]] = {node: [] for node in cluster.names}
    now_ms = START_MS
    while min(map(len, by_node.values())) < per_node:
        now_ms += _STEP_MS
        for node, event in cluster.advance(now_ms):
            event.ts_ms = START_MS
            by_node[node].append(framed_event(event))
    return [_messages(events, per_message) for events in by_node.values()]


def _messages(events: Sequence[bytes], per_message: int) -> list[Message]:
    whole = range(0, len(events) - per_message + 1, per_message)
    return [Message(per_message, b"".join(events[at : at + per_message])) for at in whole]


def request(message: Message, first_seq: int, now_ms: int) -> bytes:
    """A ``PublishRequest``.

    :param now_ms: what every event says, and ``sent_ms``; milliseconds since the Unix epoch.
    """
    body = message.body.replace(_TS, VizEvent(ts_ms=now_ms).SerializeToString())
    return events_message(first_seq, now_ms, 0, (body,))


def heartbeat(next_seq: int, now_ms: int) -> bytes:
    """A ``PublishRequest`` without events."""
    return events_message(next_seq, now_ms, 0)
