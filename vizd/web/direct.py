"""Bytes to a socket at once, where nothing waits in front of them.

``transport.write`` keeps what it is given and asks the reactor to send it in its next turn. For a frame to each of a
thousand clients that doubles what a client costs (``python -m bench --only fanout`` measures it); the kernel takes
nearly all of them at once.

This leans on what Twisted's TCP transport keeps to itself, and on nothing else of it: two buffers and the socket.
TLS, other transports, and a transport without these attributes get ``transport.write``.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.tcp import Server

__all__ = ["writer"]

_NEEDED = ("socket", "dataBuffer", "_tempDataBuffer")


def writer(transport: Any) -> Callable[[bytes], None]:
    """What to call instead of ``transport.write``: it sends the same bytes in the same order."""
    is_known = type(transport) is Server and not transport.TLS and all(hasattr(transport, each) for each in _NEEDED)
    if not is_known:
        return transport.write
    send = transport.socket.send

    def write(data: bytes) -> None:
        if transport.dataBuffer or transport._tempDataBuffer:
            transport.write(data)
            return
        try:
            sent = send(data)
        except OSError:  # It is full, or gone: the transport finds out which.
            sent = 0
        if sent < len(data):
            transport.write(data[sent:])

    return write
