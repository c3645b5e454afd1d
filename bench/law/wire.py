"""A WebSocket that reads when it is told to, as much as it is told to, and can go without a word.

The protocol is that of ``websockets``, without its sockets: a client that is to be slow must hold the socket itself.
"""

import asyncio
import socket
import struct
from collections.abc import Sequence

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

__all__ = ["Closed", "Wire"]

HANDSHAKE_TIMEOUT_S = 20.0
READ_BYTES = 256 * 1024
_ABNORMAL = 1006
_LINGER_NOT = struct.pack("ii", 1, 0)


class Closed(Exception):
    """The daemon has ended the connection: its code and reason."""


class Wire:
    """One connection."""

    def __init__(self, url: str, receive_bytes: int | None = None) -> None:
        """
        :param url: with the query. :param receive_bytes: of the kernel's buffer on this side; ``None``: its default.
        """
        uri = parse_uri(url)
        self._address = (uri.host, uri.port)
        self._protocol = ClientProtocol(uri, max_size=None)
        self._socket = socket.socket()
        self._socket.setblocking(False)
        if receive_bytes is not None:
            # Before connecting: the window that TCP offers is decided there.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._unsent = b""
        self._parts: list[Frame] = []
        self._early: list[tuple[bytes, bool]] = []

    async def open(self) -> None:
        """Connect, and shake hands.

        :raises Closed: the daemon refused.
        """
        async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
            await asyncio.get_running_loop().sock_connect(self._socket, self._address)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._protocol.send_request(self._protocol.connect())
            self._flush()
            while True:
                await self.readable(HANDSHAKE_TIMEOUT_S)
                self._protocol.receive_data(self._socket.recv(READ_BYTES))
                events = self._protocol.events_received()
                if not events:
                    continue
                if self._protocol.handshake_exc is not None:
                    body = events[0].body if isinstance(events[0], Response) else b""
                    raise Closed(f"{self._protocol.handshake_exc} {bytes(body or b'')[:200]!r}")
                self._early = self._messages(events[1:])
                return

    async def readable(self, seconds: float) -> bool:
        """Wait for something to read, for that long at most."""
        if self._early:
            return True
        loop = asyncio.get_running_loop()
        found: asyncio.Future[bool] = loop.create_future()

        def settle(is_there: bool) -> None:
            if not found.done():
                found.set_result(is_there)

        loop.add_reader(self._socket, settle, True)
        timer = loop.call_later(seconds, settle, False)
        try:
            return await found
        finally:
            timer.cancel()
            loop.remove_reader(self._socket)

    def take(self, max_bytes: int = READ_BYTES) -> list[tuple[bytes, bool]]:
        """Messages that are complete after reading so much: payload, and whether it was text. Does not wait.

        :raises Closed: there is no more.
        """
        if self._early:
            early, self._early = self._early, []
            return early
        try:
            data = self._socket.recv(max_bytes)
        except BlockingIOError:
            return []
        except OSError as why:
            raise Closed(f"{_ABNORMAL} {why}") from None
        if not data:
            raise Closed(f"{_ABNORMAL} cut")
        self._protocol.receive_data(data)
        messages = self._messages(self._protocol.events_received())
        self._flush()
        return messages

    def _messages(self, events: Sequence[object]) -> list[tuple[bytes, bool]]:
        messages = []
        for frame in events:
            if not isinstance(frame, Frame):
                continue
            if frame.opcode is Opcode.CLOSE:
                close = Close.parse(frame.data)
                raise Closed(f"{int(close.code)} {close.reason}")
            if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._parts.append(frame)
                if frame.fin:
                    payload = b"".join(bytes(each.data) for each in self._parts)
                    messages.append((payload, self._parts[0].opcode is Opcode.TEXT))
                    self._parts = []
        return messages

    def send(self, *payloads: tuple[bytes, bool]) -> None:
        """Messages: payload, and whether it is text. In one piece, so that they arrive together.

        :raises Closed: the connection is gone.
        """
        for payload, is_text in payloads:
            if is_text:
                self._protocol.send_text(payload)
            else:
                self._protocol.send_binary(payload)
        self._flush()

    def _flush(self) -> None:
        self._unsent += b"".join(self._protocol.data_to_send())
        if self._unsent:
            try:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            except BlockingIOError:  # The daemon reads nothing while its own side is full.
                pass
            except OSError as why:
                raise Closed(f"{_ABNORMAL} {why}") from None

    def cut(self) -> None:
        """Go without a word: what was on its way is lost."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._socket.close()

    def close(self) -> None:
        """Say that we go, and go."""
        try:
            self._protocol.send_close(1000)
            self._flush()
        except (Closed, InvalidHandshake):
            pass
        self._socket.close()
