"""The gRPC side as a service of the reactor."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred

from vizd.ingest.access import Access
from vizd.ingest.inbox import Inbox
from vizd.ingest.registry import Registry
from vizd.ingest.server import GrpcServer
from vizd.ingest.turned_away import TurnedAway
from vizd.log.window import Mark, Window

__all__ = ["Ingest"]

STOP_TIMEOUT_S = 5.0
"""For nodes to take their last acks, before their streams are cut."""


class Ingest(Service):
    """Listens while it runs.

    :ivar hosts: the addresses that it listens on.
    :ivar port: the one it got, once it has started. :ivar is_listening: since then, until it reads no more.
    """

    name = "ingest"

    def __init__(
        self,
        registry: Registry,
        inbox: Inbox,
        hosts: Sequence[str],
        port: int,
        reactor: Any,
        wall_ms: Callable[[], int],
        access: Access | None = None,
        turned_away: TurnedAway | None = None,
    ) -> None:
        """
        :param reactor: provides IReactorFromThreads and IReactorTime.
        :param access: who may come in; ``None``: whoever can reach the port.
        :param turned_away: told of those who may not.
        """
        self.hosts = hosts
        self._registry = registry
        self._inbox = inbox
        self._wall_ms = wall_ms
        self._access = access
        self._turned_away = turned_away
        self._server: GrpcServer | None = None
        self._reactor = reactor
        self.port = port
        self._stored: list[Mark] = []
        self.is_listening = False

    def startService(self) -> None:
        """Listen. Nothing of gRPC is made before, since twistd may have forked until here.

        :raises OSError: the port could not be had.
        """
        self._server = GrpcServer(self._registry, self._inbox, self._wall_ms, self._access, self._refused)
        self.port = self._server.start(self.hosts, self.port)
        self.is_listening = True
        super().startService()

    def stored(self, window: Window) -> None:
        """The log has this window: acknowledge what is in it, once dashboards have been sent it.

        The thread that writes acks would else take the interpreter from us while we send.
        """
        if window.marks and not self._stored:
            self._reactor.callLater(0, self._acknowledge)
        self._stored += window.marks

    def _acknowledge(self) -> None:
        stored, self._stored = self._stored, []
        if self._server is not None:
            self._server.stored(stored)

    def _refused(self, counts: Counter[str], last: str) -> None:
        if self._turned_away is not None:
            self._reactor.callFromThread(self._turned_away.take, counts, last)

    async def stop_reading(self) -> None:
        """What has been read is in the inbox when this is done, and nothing more will come."""
        if self._server is not None and self.is_listening:
            self.is_listening = False
            await self._in_reactor(self._server.stop_reading())

    async def finish(self) -> None:
        """Write the last acks, end the streams, stop listening."""
        if self._server is not None and self.running:
            self._acknowledge()
            await self._in_reactor(self._server.stop(STOP_TIMEOUT_S))

    def _in_reactor(self, future: "Future[None]") -> Deferred[None]:
        deferred: Deferred[None] = Deferred()

        def done(result: "Future[Any]") -> None:
            error = result.exception()
            self._reactor.callFromThread(deferred.errback if error else deferred.callback, error)

        future.add_done_callback(done)
        return deferred
