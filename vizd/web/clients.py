"""All dashboards that are connected: who is woken, pinged, counted, and seen off."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from vizd.log.interfaces import ILog
from vizd.log.stall import stalling
from vizd.log.window import Window
from vizd.stream.audience import Audiences
from vizd.stream.traffic import Traffic
from vizd.web.admission import Refused

__all__ = ["Client", "Clients"]

FAREWELL_TIMEOUT_S = 5.0
"""For every client together to take what is left and to answer the close, before connections are cut."""
RETRY_AFTER_S = 5


class Client(Protocol):
    """One connection, as this module needs it."""

    @property
    def encoding(self) -> str:
        """The name of its encoding."""

    def lag_ms(self) -> int:
        """How long the next window that it has not come to has been in the log; 0 at the head."""

    def add_to(self, traffic: Traffic) -> None:
        """Add what it was sent."""

    def described(self) -> dict[str, Any]:
        """For ``/api/stats``."""

    def wake(self) -> None:
        """The log has grown."""

    def keep_alive(self, now_s: float) -> None:
        """Ping it if it is time, and give it up if it has been silent or stuck for too long."""

    def finish(self) -> Deferred[None]:
        """Send what is left, close with 1001; fires when the connection is gone."""

    def abort(self) -> None:
        """Cut it."""


class Clients(Service):
    """The sessions, as a service.

    Those who only get what their equals get are sent it by ``audiences``, and sleep; the others are woken one by one.

    :ivar closes: connections that have ended, by close code. :ivar audiences: of this log.
    """

    name = "sessions"
    _log = Logger()

    def __init__(self, log: ILog, max_clients: int, reactor: IReactorTime, monotonic: Callable[[], float]) -> None:
        """
        :param monotonic: seconds, from anywhere.
        """
        self._max_clients = max_clients
        self._reactor = reactor
        self._monotonic = monotonic
        self._clients: dict[Client, None] = {}
        self._awake: dict[Client, None] = {}
        self.audiences = Audiences()
        self._chores = LoopingCall(self._keep_alive)
        self._chores.clock = reactor
        self._waking: IDelayedCall | None = None
        self._past = Traffic()
        self.accepting = True
        self.closes: Counter[int] = Counter()
        log.listen(self._wake)
        stalling(log).listen_stalled(self.wake)

    def __len__(self) -> int:
        return len(self._clients)

    def traffic(self) -> Traffic:
        """What all clients were sent since the start, those that have gone too."""
        traffic = self._past.copy()
        for client in self._clients:
            client.add_to(traffic)
        return traffic

    def standing(self) -> Iterator[tuple[str, int]]:
        """Of each of them the encoding, and how far it is behind, in milliseconds."""
        return ((client.encoding, client.lag_ms()) for client in self._clients)

    def described(self) -> list[dict[str, Any]]:
        """Each of them, for ``/api/stats``."""
        return [client.described() for client in self._clients]

    def startService(self) -> None:
        """Begin to ping."""
        super().startService()
        self._chores.start(1.0, now=False)

    def check_room(self) -> None:
        """
        :raises Refused: 503; there are too many clients, or the daemon is about to stop.
        """
        if not self.accepting:
            raise Refused(503, "draining", "the daemon is shutting down", RETRY_AFTER_S)
        if len(self._clients) >= self._max_clients:
            raise Refused(
                503, "max_clients", f"{self._max_clients} clients are connected: --max-clients", RETRY_AFTER_S
            )

    def add(self, client: Client) -> None:
        """It has connected."""
        self._clients[client] = self._awake[client] = None

    def let_sleep(self, client: Client) -> None:
        """It is sent things by an audience."""
        self._awake.pop(client, None)

    def let_wake(self, client: Client) -> None:
        """It has to be woken again, if it is still here."""
        if client in self._clients:
            self._awake[client] = None

    def remove(self, client: Client, code: int) -> None:
        """It is gone."""
        if client in self._clients:
            del self._clients[client]
            self._awake.pop(client, None)
            self.closes[code] += 1
            client.add_to(self._past)

    def _wake(self, _: Window) -> None:
        """A tick may append several windows; those who are woken behind them all get them as one batch."""
        self.wake()

    def wake(self) -> None:
        """Let each see what it can send."""
        if self._waking is None:
            self._waking = self._reactor.callLater(0, self._wake_all)

    def _wake_all(self) -> None:
        self._waking = None
        awake = list(self._awake)  # Who is dismissed now has had its share of this turn.
        self.audiences.tell(self._monotonic() * 1000)
        self._tell_each(awake, lambda client: client.wake())

    def _keep_alive(self) -> None:
        now_s = self._monotonic()
        self._tell_each(self._clients, lambda client: client.keep_alive(now_s))

    def _tell_each(self, clients: Iterable[Client], tell: Callable[[Client], None]) -> None:
        """A fault in one client is that one's end, and nobody else's."""
        for client in list(clients):
            try:
                tell(client)
            except Exception:
                self._log.failure("a client has failed, and is cut")
                client.abort()

    async def drain(self) -> None:
        """Let every client have what the log holds, close with 1001, and wait until all are gone."""
        self.accepting = False
        gone = DeferredList([client.finish() for client in list(self._clients)], consumeErrors=True)
        cut = self._reactor.callLater(FAREWELL_TIMEOUT_S, self._abort_all)
        await gone
        if cut.active():
            cut.cancel()

    def _abort_all(self) -> None:
        for client in list(self._clients):
            client.abort()

    def stopService(self) -> None:
        """Wake and ping no more."""
        super().stopService()
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None
        if self._chores.running:
            self._chores.stop()
