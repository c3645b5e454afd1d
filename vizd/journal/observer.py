"""The observer that ``twistd`` gives all events to: what of them is written, and how."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from twisted.logger import ILogObserver, LogEvent, LogLevel
from zope.interface import implementer

from vizd.journal.calm import Calm
from vizd.journal.lines import FORMATS, level_of
from vizd.journal.outputs import Output, output_of
from vizd.journal.stdlib import IntoTwisted

__all__ = ["Chosen", "Writer", "begin"]

_OURS = ("vizd", "stdout", "stderr")
"""Of what others say only troubles are written. At lower levels Twisted tells of its sockets, and Autobahn of every
header of a request, those with tokens too."""
_AUTOBAHN = "autobahn"
_FAULTS = frozenset(("fail", "log_failure"))
"""Of Autobahn only exceptions are: what else it warns of is a client that broke a rule or went without a word, and of
that the line about its connection's life tells."""


@implementer(ILogObserver)
class Writer:
    """Writes each event."""

    def __init__(self, output: Output, line: Callable[[LogEvent], str]) -> None:
        self._output = output
        self._line = line
        self._lock = threading.RLock()  # Lines of two threads do not mix.

    def __call__(self, event: LogEvent) -> None:
        """See ``ILogObserver``."""
        lines = self._line(event)
        with self._lock:
            self._output(level_of(event).name, lines)


@implementer(ILogObserver)
class Chosen:
    """Passes on what is worth a line."""

    def __init__(self, observer: ILogObserver, least: str) -> None:
        """
        :param least: the name of the lowest level that counts.
        """
        self._observer = observer
        self._least = LogLevel.levelWithName(least)

    def __call__(self, event: LogEvent) -> None:
        """See ``ILogObserver``."""
        who = str(event.get("log_namespace")).split(".")[0]
        if who == _AUTOBAHN and not _FAULTS.intersection(event):
            return
        if level_of(event) >= (self._least if who in _OURS else max(self._least, LogLevel.warn)):
            self._observer(event)


def begin(level: str, form: str, twistd: Mapping[str, Any], reactor: Any) -> ILogObserver:
    """The observer of a whole daemon.

    :param level: ``--log-level``. :param form: ``--log-format``. :param twistd: its own options.
    :raises SystemExit: see ``output_of``.
    """

    def later(seconds: float, function: Callable[[], None]) -> None:
        reactor.callFromThread(reactor.callLater, seconds, function)

    calm = Calm(Writer(output_of(twistd, reactor), FORMATS[form]), later)
    reactor.addSystemEventTrigger("after", "shutdown", calm.flush)
    logging.getLogger().addHandler(IntoTwisted())
    observer: ILogObserver = Chosen(calm, level)
    return observer
