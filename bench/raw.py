"""A WebSocket that nobody parses: for clients whose own work must not count."""

__all__ = ["upgrade"]


def upgrade(port: int, query: str) -> bytes:
    """The request that opens one.

    :param query: of ``/ws/events``, without the question mark.
    """
    return (
        f"GET /ws/events?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
