"""What a supervisor is told: that the daemon is ready, that it is stopping, and now and then that it is well.

It is systemd's protocol: a datagram of lines such as ``READY=1`` to the socket that ``NOTIFY_SOCKET`` names. Where that
variable is not set nobody asks, and nothing is said.
"""

import os
import socket
from collections.abc import Callable, Mapping

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

__all__ = ["Readiness"]

SIGNS_PER_WATCHDOG = 3
"""One or two may come late, or not at all, before the supervisor loses its patience."""


class Readiness:
    """The voice of one daemon.

    :ivar watchdog_s: the supervisor ends a daemon that has said nothing for so long; ``None``: it does not watch.
    """

    _log = Logger()

    def __init__(self, environment: Mapping[str, str], reactor: IReactorTime) -> None:
        """
        :param environment: such as ``os.environ``: ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID`` are read.
        """
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self.watchdog_s = _watchdog_s(environment) if self._address else None
        self._is_well: Callable[[], bool] = lambda: True
        self._signs = LoopingCall(self._give_sign)
        self._signs.clock = reactor

    def ready(self, status: str, is_well: Callable[[], bool]) -> None:
        """The ports are open.

        :param status: a line for people.
        :param is_well: asked before each sign of life; while it says no, none is given.
        """
        self._is_well = is_well
        self._say(f"READY=1\nSTATUS={status}")
        if self.watchdog_s is not None:
            self._signs.start(self.watchdog_s / SIGNS_PER_WATCHDOG)

    def stopping(self) -> None:
        """The drain begins. It is bounded by itself, and the supervisor has a timeout of its own."""
        if self._signs.running:
            self._signs.stop()
        self._say("STOPPING=1\nSTATUS=draining")

    def _give_sign(self) -> None:
        if self._is_well():
            self._say("WATCHDOG=1")

    def _say(self, text: str) -> None:
        """Never raises, and never waits: a supervisor that does not listen is no reason to stop."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as sock:
                sock.sendto(text.encode(), self._address)
        except OSError as why:
            self._log.warn(
                "NOTIFY_SOCKET: the supervisor could not be told {text!r}: {why}", text=text, why=why.strerror or why
            )


def _address(text: str) -> str:
    """A path, or a name in Linux' abstract namespace, which is written with an @; empty: there is none."""
    return "\0" + text[1:] if text.startswith("@") else text


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """``None`` where it is not meant for this process: the variables are inherited."""
    if environment.get("WATCHDOG_PID") not in (None, "", str(os.getpid())):
        return None
    text = environment.get("WATCHDOG_USEC", "")
    return int(text) / 1_000_000 if text.isascii() and text.isdigit() and int(text) else None
