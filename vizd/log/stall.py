"""What is known while a log can't make windows durable: that it stalls, why, and which windows wait.

A window that waits has its place and its time, and is not in the log yet: nobody may be given its position, and nothing
in it is acked. Those who look at the live stream may be shown it all the same (``provisional``, wire contract, section
2). Logs in which nothing ever waits do not know this module; for them ``stalling`` says that nothing does.
"""

from collections.abc import Callable

from zope.interface import implementer

from vizd.log.interfaces import ILog, IStalling
from vizd.log.window import Window

__all__ = ["STALLED_AFTER_S", "stalling"]

STALLED_AFTER_S = 1.0
"""Without anything becoming durable although windows wait (wire contract, "provisional")."""


@implementer(IStalling)
class _Never:
    """A log in which nothing waits."""

    stall = None
    waiting = 0
    late_through = 0

    def waiting_after(self, seq: int) -> Window | None:
        """See ``IStalling``."""
        return None

    def listen_stalled(self, listener: Callable[[], None]) -> None:
        """See ``IStalling``."""


_NEVER = _Never()


def stalling(log: ILog) -> IStalling:
    """``log`` itself, or, where nothing ever waits in it, something that says so."""
    return IStalling(log, _NEVER)
