"""Where lines go: to stdout, a file or syslog, as the options of ``twistd`` say."""

import signal
import sys
import syslog
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from typing import Any

from twisted.python.logfile import LogFile

__all__ = ["Output", "output_of"]

Output = Callable[[str, str], None]
"""Takes the name of a level, and lines."""

FILE_BYTES = 10 << 20
FILES = 10
"""A file is rotated when it is so long, and so many old ones are kept: at most 110 MiB, days of an ordinary daemon."""
_PRIORITIES = {
    "debug": syslog.LOG_DEBUG,
    "info": syslog.LOG_INFO,
    "warn": syslog.LOG_WARNING,
    "error": syslog.LOG_ERR,
    "critical": syslog.LOG_CRIT,
}


def output_of(twistd: Mapping[str, Any], reactor: Any) -> Output:
    """
    :param twistd: its options ``syslog``, ``prefix``, ``logfile`` and ``nodaemon``.
    :raises SystemExit: the file can't be opened, or nobody would see what is written; one line says so.
    """
    if twistd.get("syslog"):
        syslog.openlog(twistd.get("prefix") or "norikv-vizd", syslog.LOG_PID, syslog.LOG_DAEMON)
        return _to_syslog
    path = twistd.get("logfile") or ""
    if twistd.get("nodaemon") and path in ("", "-"):
        return _to_stdout()
    if path == "-":
        raise SystemExit("vizd: --logfile: '-' is wrong: a daemon has no stdout; use a file, or --nodaemon")
    try:
        file = LogFile.fromFullPath(path or "twistd.log", rotateLength=FILE_BYTES, maxRotatedFiles=FILES)
    except OSError as why:
        raise SystemExit(
            f"vizd: --logfile: {path!r} is wrong: {why.strerror}; use a file that can be written"
        ) from None
    # As twistd's own log does, for whoever moves files away.
    signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(file.rotate))
    return _to_file(file)


def _to_file(file: Any) -> Output:
    def write(_: str, lines: str) -> None:
        file.write(lines)
        file.flush()

    return write


def _to_stdout() -> Output:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # An old terminal can't show every name.
    return _to_file(sys.stdout)


def _to_syslog(level: str, lines: str) -> None:
    for line in lines.splitlines():
        syslog.syslog(_PRIORITIES.get(level, syslog.LOG_INFO), line)
