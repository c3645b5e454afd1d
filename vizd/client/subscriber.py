"""The live stream of a daemon for asyncio; ``tx`` has it for Twisted.

    async with Subscriber("http://127.0.0.1:9090", Subscription(types=["raft"])) as stream:
        async for message in stream:
            match message:
                case Batch(data=windows):
                    ...

When the connection breaks it comes back by itself, behind the last message: nothing comes twice, and what is missing
is told by a ``Gap``.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import CloseCode

from vizd.client.address import Address, Token
from vizd.client.backoff import Backoff
from vizd.client.messages import Disconnected, FromDaemon, Message
from vizd.client.subscription import Course, Subscription, said
from vizd.client.trouble import DaemonError, from_refusal

__all__ = ["Subscriber"]

FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 10.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""The daemon ends a message at the window that brings it to 1 MiB, and a window is at most about 2."""
MAX_WAITING_MESSAGES = 16
"""Whoever is slower than the stream is not read for: the rest waits in the daemon's log."""
PING_EVERY_S = 20.0
PONG_WITHIN_S = 20.0
CLOSE_WITHIN_S = 2.0
STEADY_S = 1.0
"""A connection that lived so long was a good one: after it, trying again starts with short delays."""


class Subscriber:
    """One stream. To be used in one task; the methods that say something in any task of its loop.

    :ivar course: what is asked for, and the position to go on from in another process.
    """

    def __init__(
        self,
        url: str,
        subscription: Subscription = Subscription(),  # noqa: B008 -- frozen
        *,
        token: Token | None = None,
        ca: Path | None = None,
        wait: bool = False,
        timeout_s: float = 10.0,
        backoff: Backoff | None = None,
    ) -> None:
        """
        :param url: such as ``http://127.0.0.1:9090``. :param token: as in ``Address``. :param ca: likewise.
        :param wait: a daemon that is not there at first is waited for, as one that has gone is.
        :param timeout_s: to connect, in seconds.
        :raises ValueError: the URL or ``ca`` can't be used.
        """
        self.course = Course(subscription)
        self._address = Address(url, token, ca)
        self._wait = wait
        self._timeout_s = timeout_s
        self._backoff = backoff or Backoff(FIRST_BACKOFF_S, LONGEST_BACKOFF_S, random.Random())  # noqa: S311
        self._socket: ClientConnection | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        """Connect.

        :raises DaemonError: it could not, and ``wait`` is not set.
        """
        if not self._wait:
            await self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End it, and whoever iterates."""
        self._is_closed = True
        if self._socket is not None:
            await self._socket.close()

    async def __aiter__(self) -> AsyncIterator[Message]:
        """All messages, over all connections, until ``close``.

        :raises DaemonError: it refuses for a reason that does not pass by waiting.
        """
        while not self._is_closed:
            began_s = time.monotonic()
            try:
                socket = self._socket or await self._connect()
                async for message in self._messages(socket):
                    yield message
                trouble = DaemonError(f"{self._address.url}: {_end_of(socket)}", may_pass=True)
            except DaemonError as error:
                trouble = error
            self._socket = None
            if self._is_closed:
                return
            if not trouble.may_pass:
                raise trouble
            if time.monotonic() - began_s >= STEADY_S:
                self._backoff.reset()
            retry_s = max(self._backoff.next_s(), min(trouble.retry_after_s, LONGEST_BACKOFF_S))
            yield Disconnected(reason=str(trouble), retry_s=retry_s)
            await asyncio.sleep(retry_s)

    async def _messages(self, socket: ClientConnection) -> AsyncIterator[FromDaemon]:
        while True:
            try:
                frame = await socket.recv()
            except ConnectionClosed:
                return
            try:
                message = self.course.heard(frame)
            except ValueError as error:
                await socket.close()
                raise DaemonError(f"{self._address.url}: this is not norikv-vizd's protocol ({error})") from None
            if message is not None:
                yield message

    async def filter(self, *, nodes: Iterable[int] = (), types: Iterable[str] = (), shards: Iterable[int] = ()) -> None:
        """From now on only these; without arguments, everything."""
        await self._say(self.course.filtered(nodes, types, shards), is_kept=True)

    async def pause(self) -> None:
        """Nothing live until ``resume``."""
        await self._say(self.course.paused(), is_kept=True)

    async def resume(self, *, catch_up: bool = False) -> None:
        """Live again.

        :param catch_up: with all that has passed meanwhile, as far as the log has it.
        """
        await self._say(self.course.resumed(catch_up), is_kept=True)

    async def history(self, from_ms: int, to_ms: int, *, speed: float | None = None, state: bool = False) -> None:
        """The past between the live batches: batches with ``history``, then a ``HistoryEnd``. A lost connection ends it.

        :param speed: in multiples of real time; ``None``: as fast as it is taken.
        :param state: the state as of ``from_ms`` first.
        :raises DaemonError: there is no connection.
        """
        await self._say(said("history", from_ms=from_ms, to_ms=to_ms, speed=speed, state=state or None))

    async def cancel_history(self) -> None:
        """It ends with a ``HistoryEnd``."""
        await self._say(said("history_cancel"))

    async def ping(self) -> None:
        """It is answered by a ``Pong``.

        :raises DaemonError: there is no connection.
        """
        await self._say(said("ping"))

    async def _say(self, message: bytes, is_kept: bool = False) -> None:
        """
        :param is_kept: the course says it again in the next connection.
        """
        try:
            if self._socket is not None:
                await self._socket.send(message)
                return
        except ConnectionClosed:
            pass
        if not is_kept:
            raise DaemonError(f"{self._address.url}: there is no connection now", may_pass=True)

    async def _connect(self) -> ClientConnection:
        where = self._address.websocket_url
        try:
            headers = self._address.headers()
        except ValueError as error:
            raise DaemonError(str(error)) from None
        try:
            socket = await connect(
                f"{where}?{self.course.query()}",
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
        except InvalidStatus as refusal:
            answer = refusal.response
            raise from_refusal(
                where, answer.status_code, answer.body or b"", answer.headers.get("Retry-After")
            ) from None
        except InvalidHandshake as error:
            raise DaemonError(f"{where}: no WebSocket there ({error}): is that norikv-vizd?") from None
        except TimeoutError:
            raise DaemonError(f"no answer from {where} within {self._timeout_s:g} s", may_pass=True) from None
        except OSError as error:
            raise DaemonError(f"no daemon at {self._address.url}: {error.strerror or error}", may_pass=True) from None
        if self.course.is_paused:
            await socket.send(self.course.paused())
        self._socket = socket
        return socket


def _end_of(socket: ClientConnection) -> str:
    code, reason = socket.close_code, socket.close_reason
    if code == CloseCode.GOING_AWAY:
        return "the daemon is stopping"
    if code is None or code == CloseCode.ABNORMAL_CLOSURE:
        return "the connection broke"
    return f"closed with {code}" + (f" ({reason})" if reason else "")
