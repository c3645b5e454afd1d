"""The live stream of a daemon for Twisted; ``vizd.client.subscriber`` has it for asyncio.

    async def watch(reactor):
        async with TxSubscriber(reactor, "http://127.0.0.1:9090", Subscription(types=["raft"])) as stream:
            async for message in stream:
                ...

    task.react(lambda reactor: ensureDeferred(watch(reactor)))

What comes, and what happens when a connection breaks: ``Follower``.
"""

from typing import Any
from urllib.parse import urlsplit

from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from websockets.exceptions import InvalidHandshake

from vizd.client.address import Address
from vizd.client.follower import Connection, Follower
from vizd.client.handshake import not_connected
from vizd.client.tx.connection import WebSocket, why_not

__all__ = ["TxSubscriber"]


class TxSubscriber(Follower):
    """See ``Follower``."""

    def __init__(self, reactor: Any, url: str, *arguments: Any, **options: Any) -> None:
        """
        :param reactor: provides IReactorTCP, IReactorTime and IReactorPluggableNameResolver.
        :param arguments: as ``Follower``, and so the options.
        :raises ValueError: the URL or ``ca`` can't be used.
        """
        super().__init__(url, *arguments, **options)
        self._reactor = reactor
        self._resting: Deferred[None] | None = None

    async def _dial(self, query: str, headers: dict[str, str]) -> Connection:
        connection = WebSocket(f"{self._address.websocket_url}?{query}", headers)
        factory = Factory.forProtocol(lambda: connection)
        try:
            await _endpoint(self._reactor, self._address, self._timeout_s).connect(factory)
            connection.opened.addTimeout(self._timeout_s, self._reactor, lambda *_: Failure(TimeoutError()))
            try:
                await connection.opened
            except BaseException:
                connection.transport.abortConnection()
                raise
        except ConnectError as error:
            raise not_connected(self._address, OSError(why_not(error)), self._timeout_s) from None
        except (InvalidHandshake, OSError) as error:  # TimeoutError and DNSLookupError are such.
            raise not_connected(self._address, error, self._timeout_s) from None
        return connection

    async def _rest(self, seconds: float) -> None:
        self._resting = Deferred()
        timer = self._reactor.callLater(seconds, self._wake)
        await self._resting
        if timer.active():
            timer.cancel()

    def _wake(self) -> None:
        if self._resting is not None and not self._resting.called:
            self._resting.callback(None)


def _endpoint(reactor: Any, address: Address, timeout_s: float) -> IStreamClientEndpoint:
    parts = urlsplit(address.url)
    host = parts.hostname or ""
    is_secured = parts.scheme == "https"
    endpoint = HostnameEndpoint(reactor, host, parts.port or (443 if is_secured else 80), timeout_s)
    if not is_secured:
        return endpoint
    trust = None
    if address.ca is not None:
        trust = ssl.trustRootFromCertificates(
            [ssl.Certificate.loadPEM(each) for each in _certificates(address.ca.read_bytes())]
        )
    return wrapClientTLS(ssl.optionsForClientTLS(host, trust), endpoint)


def _certificates(pem: bytes) -> list[bytes]:
    end = b"-----END CERTIFICATE-----"
    return [each + end for each in pem.split(end)[:-1]]
