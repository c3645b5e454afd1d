"""The live stream of a daemon over as many connections as it takes, whatever the event loop.

A subclass has the sockets; here is what is asked of them, when, and what is done when they break. All that is awaited
here is a subclass's.
"""

import random
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from vizd.client.address import Address, Token
from vizd.client.backoff import Backoff
from vizd.client.messages import Disconnected, FromDaemon, Message
from vizd.client.subscription import Course, Subscription, said
from vizd.client.trouble import DaemonError

__all__ = ["Connection", "ConnectionEnded", "Follower"]

FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 10.0
STEADY_S = 1.0
"""A connection that lived so long was a good one: after it, trying again starts with short delays."""


class ConnectionEnded(Exception):
    """The text says how."""


class Connection(Protocol):
    """One WebSocket."""

    async def receive(self) -> str | bytes:
        """The next message.

        :raises ConnectionEnded: there will be none. :raises CancelledError: of asyncio, if it was.
        """

    async def send(self, message: bytes) -> None:
        """
        :raises ConnectionEnded: it can't be sent.
        """

    async def close(self) -> None:
        """Again: nothing."""


class Follower(ABC):
    """One stream. To be read in one task; what says something may be called in any task of its loop.

    When the connection breaks it comes back by itself, behind the last message: nothing comes twice, and what is
    missing is told by a ``Gap``.

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
        :param url: such as ``http://127.0.0.1:9090``.
        :param token: as in ``Address``.
        :param ca: likewise.
        :param wait: a daemon that is not there at first is waited for, as one that has gone is.
        :param timeout_s: to connect, in seconds.
        :raises ValueError: the URL or ``ca`` can't be used.
        """
        self.course = Course(subscription)
        self._address = Address(url, token, ca)
        self._wait = wait
        self._timeout_s = timeout_s
        self._backoff = backoff or Backoff(FIRST_BACKOFF_S, LONGEST_BACKOFF_S, random.Random())  # noqa: S311
        self._connection: Connection | None = None
        self._is_closed = False

    @abstractmethod
    async def _dial(self, query: str, headers: dict[str, str]) -> Connection:
        """
        :param headers: besides those of the handshake.
        :raises DaemonError: it does not come about.
        """

    @abstractmethod
    async def _rest(self, seconds: float) -> None:
        """So long, or until ``_wake``."""

    @abstractmethod
    def _wake(self) -> None:
        """Whoever rests goes on."""

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
        self._wake()
        await self._drop()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def __aiter__(self) -> AsyncIterator[Message]:
        """All messages, over all connections, until ``close``. Who breaks off may iterate again later.

        :raises DaemonError: it refuses for a reason that does not pass by waiting.
        """
        while not self._is_closed:
            began_s = time.monotonic()
            try:
                connection = self._connection or await self._connect()
                async for message in self._messages(connection):
                    yield message
            except DaemonError as error:
                trouble = error
            await self._drop()
            if self._is_closed:
                return
            if not trouble.may_pass:
                raise trouble
            if time.monotonic() - began_s >= STEADY_S:
                self._backoff.reset()
            retry_s = max(self._backoff.next_s(), min(trouble.retry_after_s, LONGEST_BACKOFF_S))
            yield Disconnected(reason=str(trouble), retry_s=retry_s)
            await self._rest(retry_s)

    async def _messages(self, connection: Connection) -> AsyncIterator[FromDaemon]:
        """
        :raises DaemonError: it ended.
        """
        while True:
            try:
                message = self.course.heard(await connection.receive())
            except ConnectionEnded as how:
                raise DaemonError(f"{self._address.url}: {how}", may_pass=True) from None
            except ValueError as error:
                raise DaemonError(f"{self._address.url}: this is not norikv-vizd's protocol ({error})") from None
            if message is not None:
                yield message

    async def _connect(self) -> Connection:
        asked = self.course.wanted
        connection = await self._dial(self.course.query(), self._address.headers())
        # While it came about somebody may have said something else.
        self._connection = connection
        if self._is_closed:
            await self._drop()
            raise DaemonError(f"{self._address.url}: closed")
        if self.course.wanted != asked:
            wanted = self.course.wanted
            await self._say(self.course.filtered(wanted.nodes, wanted.types, wanted.shards), is_kept=True)
        if self.course.is_paused:
            await self._say(self.course.paused(), is_kept=True)
        return connection

    async def filter(self, *, nodes: Iterable[int] = (), types: Iterable[str] = (), shards: Iterable[int] = ()) -> None:
        """From now on only these; without arguments, everything."""
        await self._say(self.course.filtered(nodes, types, shards), is_kept=True)

    async def pause(self) -> None:
        """Nothing live until ``resume``."""
        await self._say(self.course.paused(), is_kept=True)

    async def resume(self, *, catch_up: bool = False) -> None:
        """Live again.

        :param catch_up: with all that has passed meanwhile, as far as the log has it; so it is in any case where the
            connection was lost meanwhile.
        """
        await self._say(self.course.resumed(catch_up), is_kept=True)

    async def history(self, from_ms: int, to_ms: int, *, speed: float | None = None, state: bool = False) -> None:
        """The past between the live batches: batches with ``history``, then a ``HistoryEnd``.

        A lost connection ends it.

        :param speed: in multiples of real time; ``None``: as fast as it is taken.
        :param state: the state as of ``from_ms`` first.
        :raises DaemonError: there is no connection.
        """
        await self._say(said("history", from_ms=from_ms, to_ms=to_ms, speed=speed, state=state or None))

    async def cancel_history(self) -> None:
        """It ends with a ``HistoryEnd``.

        :raises DaemonError: there is no connection.
        """
        await self._say(said("history_cancel"))

    async def ping(self) -> None:
        """It is answered by a ``Pong``.

        :raises DaemonError: there is no connection.
        """
        await self._say(said("ping"))

    async def _say(self, message: bytes, is_kept: bool = False) -> None:
        """
        :param is_kept: the next connection begins with it.
        """
        try:
            if self._connection is not None:
                await self._connection.send(message)
                return
        except ConnectionEnded:
            pass
        if not is_kept:
            raise DaemonError(f"{self._address.url}: there is no connection now", may_pass=True)
