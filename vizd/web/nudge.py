"""Wakes the clients of a silent cluster when their thin lines have room again.

While the log grows, each window wakes them. On a silent cluster there is one a second: too few for what still waits.
"""

from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from vizd.log.interfaces import ILog
from vizd.stream.streams import ConflatedStreams

__all__ = ["Nudge"]

EVERY_S = 0.1


class Nudge(Service):
    """Costs next to nothing where the log grows, or nothing waits."""

    name = "nudge"

    def __init__(self, log: ILog, streams: ConflatedStreams, wake: Callable[[], None], reactor: IReactorTime) -> None:
        self._log = log
        self._streams = streams
        self._wake = wake
        self._seen_seq = 0
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor

    def startService(self) -> None:
        """Begin."""
        super().startService()
        self._looking.start(EVERY_S, now=False)

    def stopService(self) -> None:
        """End."""
        super().stopService()
        if self._looking.running:
            self._looking.stop()

    def _look(self) -> None:
        seq, seen = self._log.head.seq, self._seen_seq
        self._seen_seq = seq
        if seq == seen and self._streams.are_waiting:
            self._wake()
