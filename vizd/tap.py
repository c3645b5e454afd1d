"""``twistd vizd``: from the command line to a service."""

import os
import signal
import sys
from types import TracebackType
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.logger import ILogObserver
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

# gRPC reads it when it is imported. Without it, it writes a line past our log for each handshake that fails, as often
# as a stranger likes.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from vizd.config import OPTIONS, Config, ConfigError
from vizd.journal.observer import begin
from vizd.service import CannotStart, Vizd

__all__ = ["Options", "makeService"]


class Options(UsageOptions):
    """The options of ``config``, and the flags."""

    synopsis = "[options]"
    longdesc = "The daemon between a running NoriKV cluster and the people who look at it."
    optParameters = [  # noqa: RUF012 -- usage.Options reads it from the class
        [
            option.name,
            None,
            None,
            f"{option.help} [{option.variable}]" + (f" [default: {option.default}]" if option.default else ""),
        ]
        for option in OPTIONS
    ]
    optFlags = [  # noqa: RUF012
        ["check", None, "validate the configuration, say so, and end"],
        ["demo", None, "let a simulated cluster publish to this daemon"],
    ]

    config: Config

    def parseOptions(self, options: Any = None) -> None:
        """Raises SystemExit with one line where something is wrong; a UsageError would print all of the help."""
        try:
            super().parseOptions(options)
        except UsageError as why:
            raise SystemExit(f"vizd: {why}") from None

    def parseArgs(self, *arguments: str) -> None:
        """There are none."""
        if arguments:
            raise SystemExit(f"vizd: {arguments[0]!r} is no option: see twistd vizd --help")

    def postOptions(self) -> None:
        """Check everything."""
        try:
            self.config = Config.read(self, os.environ)
        except ConfigError as why:
            raise SystemExit(f"vizd: {why}") from None
        if self["check"]:
            print("vizd: the configuration is valid")  # noqa: T201 -- what it was asked for
            raise SystemExit(0)


def makeService(options: Options, reactor: Any = None) -> IService:
    """The daemon, for twistd."""
    if reactor is None:
        from twisted.internet import reactor
    sys.excepthook = _in_one_line
    daemon = _WithJournal(options, reactor)
    Vizd(options.config, reactor, environment=os.environ).setServiceParent(daemon)
    reactor.callWhenRunning(_stop_on_signals, reactor)
    return daemon


class _WithJournal(MultiService):
    """Brings ``twistd`` the observer of its log, which it looks for at the application before it forks."""

    def __init__(self, options: Options, reactor: Any) -> None:
        super().__init__()
        self._options = options
        self._reactor = reactor

    def setServiceParent(self, parent: Any) -> None:
        """See ``IService``."""
        config, twistd = self._options.config, self._options.parent
        if twistd is not None and not twistd.get("logger"):  # Whoever names an observer of his own gets that.
            parent.setComponent(ILogObserver, begin(config.log_level, config.log_format, twistd, self._reactor))
        super().setServiceParent(parent)


def _in_one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A busy port needs no traceback. It can't be a SystemExit: the parent of a daemon would wait for ever."""
    if isinstance(error, CannotStart):
        print(f"vizd: {error}", file=sys.__stderr__)
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
        os._exit(1)  # gRPC's threads still run, and may complain while Python takes itself apart.
    else:
        sys.__excepthook__(kind, error, trace)


def _stop_on_signals(reactor: Any) -> None:
    """Drain and exit with 0, where twistd would exit with the signal; a second one ends at once."""

    def stop(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        reactor.callFromThread(reactor.stop)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
