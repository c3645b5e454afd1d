"""The heartbeat: every ``--coalesce-ms`` the inbox is emptied into the log."""

from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from vizd.ingest.inbox import Inbox
from vizd.log.coalescer import Coalescer
from vizd.metrics.histogram import Histogram

__all__ = ["Ticker"]


class Ticker(Service):
    """Ticks.

    :ivar failures: ticks that raised; what they had drained is lost, and their cause is in the log.
    :ivar lateness: of ticks, how much more than ``coalesce_ms`` after the one before they began.
    :ivar durations: of ticks.
    """

    name = "ticker"
    _log = Logger()

    def __init__(
        self,
        inbox: Inbox,
        coalescer: Coalescer,
        coalesce_ms: int,
        reactor: IReactorTime,
        monotonic: Callable[[], float],
        wall_ms: Callable[[], int],
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        """
        :param has_room: see ``ILog``; where there is none, what has arrived waits, and nodes with it.
        :param monotonic: seconds, from anywhere. :param wall_ms: milliseconds since the Unix epoch.
        """
        self._inbox = inbox
        self._coalescer = coalescer
        self._coalesce_s = coalesce_ms / 1000
        self._monotonic = monotonic
        self._wall_ms = wall_ms
        self._has_room = has_room
        self._began_s = self._ticked_s = monotonic()
        self._ticking = LoopingCall(self.tick)
        self._ticking.clock = reactor
        self.failures = 0
        self.lateness = Histogram()
        self.durations = Histogram()

    def startService(self) -> None:
        """Begin."""
        self._began_s = self._ticked_s = self._monotonic()  # Before, nobody waited for a tick.
        super().startService()
        self._ticking.start(self._coalesce_s, now=False)

    def stopService(self) -> None:
        """End; ``tick`` can still be called."""
        super().stopService()
        if self._ticking.running:
            self._ticking.stop()

    @property
    def late_s(self) -> float:
        """How long the next tick is overdue, in seconds; 0 or less: it is not."""
        return self._monotonic() - self._ticked_s - self._coalesce_s

    def tick(self) -> None:
        """Append what has arrived.

        Never raises: an exception would end a LoopingCall, and with it the daemon's only purpose; or its drain.
        """
        began_s = self._monotonic()
        self.lateness.observe(max(0.0, began_s - self._began_s - self._coalesce_s))
        self._began_s = began_s
        try:
            if self._has_room():
                self._coalescer.tick(self._inbox.drain(), self._wall_ms(), int(self._monotonic() * 1000))
        except Exception:
            self.failures += 1
            self._log.failure("a tick failed")
        self._ticked_s = self._monotonic()
        self.durations.observe(self._ticked_s - began_s)
