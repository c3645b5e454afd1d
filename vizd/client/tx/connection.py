"""A WebSocket to a daemon over Twisted's sockets. Of ``websockets`` only the protocol is used, which has none."""

import os
from collections import deque
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from vizd.client.follower import ConnectionEnded
from vizd.client.handshake import CLOSE_WITHIN_S, MAX_MESSAGE_BYTES, MAX_WAITING_MESSAGES, end_of

__all__ = ["WebSocket", "why_not"]

SILENCE_S = 60.0
"""The daemon pings each 20 s: one that says nothing for so long is gone."""


class WebSocket(Protocol, TimeoutMixin):
    """See ``follower.Connection``.

    :ivar opened: fires when it is one, or why it does not become one.
    """

    transport: Any

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        """
        :param url: ``ws:`` or ``wss:``, with the query. :param headers: besides those of the handshake.
        """
        self.opened: Deferred[None] = Deferred()
        self._websocket = ClientProtocol(parse_uri(url), max_size=MAX_MESSAGE_BYTES)
        self._request = self._websocket.connect()
        self._request.headers.update(headers)
        self._pieces: list[Frame] = []
        self._messages: deque[str | bytes] = deque()
        self._reader: Deferred[None] | None = None
        self._gone: Deferred[None] = Deferred()
        self._is_lost = False

    # What the reactor says.

    def connectionMade(self) -> None:
        self.setTimeout(SILENCE_S)
        self._websocket.send_request(self._request)
        self._flush()

    def dataReceived(self, data: bytes) -> None:
        self.resetTimeout()
        self._websocket.receive_data(data)
        self._take()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.setTimeout(None)
        self._is_lost = True
        if not self.opened.called and not reason.check(ConnectionDone):
            self.opened.errback(OSError(why_not(reason.value)))
        self._websocket.receive_eof()
        self._take()
        self._gone.callback(None)
        self._wake()

    def timeoutConnection(self) -> None:
        self.transport.abortConnection()

    # What is made of it.

    def _take(self) -> None:
        for event in self._websocket.events_received():
            if isinstance(event, Frame):
                self._take_frame(event)
        if not self.opened.called:
            if self._websocket.handshake_exc is not None:
                self.opened.errback(self._websocket.handshake_exc)
            elif self._websocket.state is OPEN:
                self.opened.callback(None)
        self._flush()

    def _take_frame(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        self._pieces.append(frame)
        if not frame.fin:
            return
        whole = b"".join(piece.data for piece in self._pieces)
        self._messages.append(whole.decode() if self._pieces[0].opcode is Opcode.TEXT else whole)
        self._pieces = []
        if len(self._messages) >= MAX_WAITING_MESSAGES and not self._is_lost:
            self.transport.pauseProducing()
            self.setTimeout(None)  # It is we who say nothing is heard.
        self._wake()

    def _flush(self) -> None:
        for data in self._websocket.data_to_send():
            if self._is_lost:
                continue
            if data:
                self.transport.write(data)
            else:
                self.transport.loseWriteConnection()

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.callback(None)

    # What a follower asks.

    async def receive(self) -> str | bytes:
        while not self._messages:
            if self._is_lost:
                raise ConnectionEnded(end_of(self._websocket.close_code, self._websocket.close_reason))
            self._reader = Deferred()
            await self._reader
        message = self._messages.popleft()
        if len(self._messages) == MAX_WAITING_MESSAGES // 2 and not self._is_lost:
            self.transport.resumeProducing()
            self.setTimeout(SILENCE_S)
        return message

    async def send(self, message: bytes) -> None:
        if self._is_lost or self._websocket.state is not OPEN:
            raise ConnectionEnded(end_of(self._websocket.close_code, self._websocket.close_reason))
        self._websocket.send_binary(message)
        self._flush()

    async def close(self) -> None:
        if self._is_lost:
            return
        self.transport.resumeProducing()
        if self._websocket.state is OPEN:
            self._websocket.send_close(1000)
            self._flush()
            self.setTimeout(CLOSE_WITHIN_S)
        else:
            self.transport.abortConnection()
        await self._gone


def why_not(error: BaseException | None) -> str:
    """In words of people; OpenSSL's errors are lists of triples."""
    if isinstance(error, SSL.Error) and error.args and error.args[0]:
        return f"TLS: {error.args[0][-1][-1]}"
    if isinstance(error, ConnectError) and error.osError is not None:
        return os.strerror(error.osError) if isinstance(error.osError, int) else str(error.osError)
    return "it hung up" if isinstance(error, ConnectionDone) else str(error)
