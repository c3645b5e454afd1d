"""What the peer of a TCP connection has taken so far, as the kernel knows it.

A transport tells only that its buffer has emptied. On a thin line that can take longer than it may take to give a
dead peer up; the acknowledged bytes tell the two apart.
"""

import socket
import struct
import sys

__all__ = ["taken_bytes"]

_TCPI_BYTES_ACKED = struct.Struct("=120xQ")
"""``tcp_info.tcpi_bytes_acked``: its place in Linux's <linux/tcp.h>, since 4.1."""


def taken_bytes(connection: socket.socket) -> int | None:
    """Bytes that the peer has acknowledged; ``None`` where this system or this kind of socket does not say."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCPI_BYTES_ACKED.size)
    except (OSError, AttributeError):
        return None
    if len(info) < _TCPI_BYTES_ACKED.size:
        return None
    (acked,) = _TCPI_BYTES_ACKED.unpack(info)
    return int(acked)
