"""What libraries say through Python's own ``logging``: gRPC, asyncio, the client library."""

import logging
from typing import Any

from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

__all__ = ["IntoTwisted"]


class IntoTwisted(logging.Handler):
    """Hands it to ``twisted.logger``, from whatever thread."""

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``."""
        log = Logger(namespace=record.name)
        level = _level(record.levelno)
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            log.emit(level, "{text}", text=record.getMessage(), about=str(record.msg))
        else:
            failure = Failure(error, type(error), error.__traceback__)
            log.failure("{text}", failure, level, text=record.getMessage(), about=str(record.msg))


def _level(number: int) -> Any:
    for least, level in (
        (logging.CRITICAL, LogLevel.critical),
        (logging.ERROR, LogLevel.error),
        (logging.WARNING, LogLevel.warn),
        (logging.INFO, LogLevel.info),
    ):
        if number >= least:
            return level
    return LogLevel.debug
