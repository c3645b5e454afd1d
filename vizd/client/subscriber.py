"""The live stream of a daemon for asyncio; ``vizd.client.tx.subscriber`` has it for Twisted.

    async with Subscriber("http://127.0.0.1:9090", Subscription(types=["raft"])) as stream:
        async for message in stream:
            match message:
                case Batch(data=windows):
                    ...

What comes, and what happens when a connection breaks: ``Follower``.
"""

import asyncio
import contextlib

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from vizd.client.follower import Connection, ConnectionEnded, Follower
from vizd.client.handshake import CLOSE_WITHIN_S, MAX_MESSAGE_BYTES, MAX_WAITING_MESSAGES, end_of, not_connected

__all__ = ["Subscriber"]

PING_EVERY_S = 20.0
PONG_WITHIN_S = 20.0


class _Connection:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes:
        try:
            return await self._socket.recv()
        except ConnectionClosed:
            raise ConnectionEnded(end_of(self._socket.close_code, self._socket.close_reason)) from None

    async def send(self, message: bytes) -> None:
        try:
            await self._socket.send(message)
        except ConnectionClosed:
            raise ConnectionEnded(end_of(self._socket.close_code, self._socket.close_reason)) from None

    async def close(self) -> None:
        await self._socket.close()


class Subscriber(Follower):
    """See ``Follower``."""

    _closed: asyncio.Event | None = None

    async def _dial(self, query: str, headers: dict[str, str]) -> Connection:
        try:
            socket = await connect(
                f"{self._address.websocket_url}?{query}",
                additional_headers=headers,
                ssl=self._address.tls(),
                proxy=None,  # A token is for the daemon alone.
                compression=None,
                open_timeout=self._timeout_s,
                close_timeout=CLOSE_WITHIN_S,
                ping_interval=PING_EVERY_S,
                ping_timeout=PONG_WITHIN_S,
                max_size=MAX_MESSAGE_BYTES,
                max_queue=MAX_WAITING_MESSAGES,
            )
        except (InvalidHandshake, OSError) as error:  # TimeoutError is one.
            raise not_connected(self._address, error, self._timeout_s) from None
        return _Connection(socket)

    async def _rest(self, seconds: float) -> None:
        self._closed = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), seconds)

    def _wake(self) -> None:
        if self._closed is not None:
            self._closed.set()
