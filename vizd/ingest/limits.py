"""What one peer of the gRPC port can take of the daemon at most, as far as gRPC can bound it.

gRPC closes connections itself, and says nothing of it; calls are bounded in ``access``.
"""

import resource
from dataclasses import dataclass

from vizd.ingest.call import MAX_MESSAGE_BYTES

__all__ = ["Limits"]

_SHARE_OF_FILES = 2
"""Half of what the process may open is for gRPC; dashboards, and whoever asks for health, have the other half."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of connections, with their reasons; tests have smaller ones.

    :ivar connections: at once, on all addresses together; fewer where the process may open too few files. The next
        one is closed at once. As many as there can be calls, and some more for health and reflection.
    :ivar calls: at once, all methods together; one more is RESOURCE_EXHAUSTED.
    :ivar calls_of_a_connection: what HTTP/2 asks to allow at least; a client holds back what is beyond it.
    :ivar side_calls: of health and reflection at once; they need no stream for long, and not all of them a token, so
        they must not take the places of nodes. :ivar side_calls_of_an_address: of these.
    :ivar streams_per_s: new ones of nodes from one address, in the long run; a node that keeps being thrown out opens
        one in two seconds. :ivar streams_burst: at once, as when a whole cluster behind one address comes back.
    :ivar side_calls_per_s: those of a probe and of people. :ivar side_calls_burst: at once.
    :ivar handshake_s: from the first byte of TCP through TLS to the settings of HTTP/2.
    :ivar idle_s: a connection without a call, as one that floods or says nothing, is closed then.
    :ivar ping_s: as long nothing came, a ping is sent. :ivar pong_s: within which it has to be answered.
    :ivar metadata_bytes: of a call: a token is not longer than some hundreds.
    """

    connections: int = 5_000
    calls: int = 4_096
    calls_of_a_connection: int = 100
    side_calls: int = 256
    side_calls_of_an_address: int = 32
    streams_per_s: float = 100.0
    streams_burst: int = 4_096
    side_calls_per_s: float = 20.0
    side_calls_burst: int = 100
    handshake_s: float = 10.0
    idle_s: float = 60.0
    ping_s: float = 20.0
    pong_s: float = 10.0
    metadata_bytes: int = 8_192

    def channel_options(self, addresses: int) -> list[tuple[str, int]]:
        """For ``grpc.aio.server``.

        :param addresses: that are listened on: gRPC counts the connections of each for itself.
        """
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        connections = self.connections
        if files != resource.RLIM_INFINITY:
            connections = min(connections, files // _SHARE_OF_FILES)
        pong_ms = _ms(self.pong_s)
        return [
            # With it a second daemon would bind the same port, and take half of the nodes.
            ("grpc.so_reuseport", 0),
            ("grpc.max_allowed_incoming_connections", max(1, connections // addresses)),
            ("grpc.max_concurrent_streams", self.calls_of_a_connection),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_metadata_size", self.metadata_bytes),
            # Between the two gRPC refuses some calls at random.
            ("grpc.absolute_max_metadata_size", self.metadata_bytes),
            ("grpc.server_handshake_timeout_ms", _ms(self.handshake_s)),
            ("grpc.max_connection_idle_ms", _ms(self.idle_s)),
            # A peer that is gone without a word is found out. The second timeout is of any ping, ours too, and the
            # longer one counts.
            ("grpc.keepalive_time_ms", _ms(self.ping_s)),
            ("grpc.keepalive_timeout_ms", pong_ms),
            ("grpc.http2.ping_timeout_ms", pong_ms),
            # Nodes may ask the same of us, as often as they like within reason.
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
        ]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
