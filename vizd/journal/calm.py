"""Keeps a trouble that repeats itself from filling the disk: its first lines, then a count."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from twisted.logger import ILogObserver, LogEvent, LogLevel
from zope.interface import implementer

from vizd.journal.lines import level_of, message_of

__all__ = ["Calm"]

_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Trouble:
    """One, since it began or was counted last.

    :ivar like: what the first of those said that were not passed on.
    """

    passed: int = 0
    more: int = 0
    like: str = ""


@implementer(ILogObserver)
class Calm:
    """Passes on all that is below ``warn``, and the first ``BURST`` of each trouble in ``EVERY_S``.

    Troubles are the same if they come from one source with one format, and are about the same: what differs in more
    than its values says so in its field ``about``. Called from any thread.

    :cvar MAX_TROUBLES: at once; all further ones count as one.
    """

    BURST = 5
    EVERY_S = 60
    MAX_TROUBLES = 1_000
    _REST: _Key = ("", "", "")

    def __init__(
        self,
        observer: ILogObserver,
        later: Callable[[float, Callable[[], None]], object],
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """
        :param later: calls a function after so many seconds; it is asked from any thread.
        :param now_s: seconds since the Unix epoch.
        """
        self._observer = observer
        self._later = later
        self._now_s = now_s
        self._lock = threading.RLock()  # Reentrant: an observer behind this one may have something to say.
        self._troubles: dict[_Key, _Trouble] = {}

    def __call__(self, event: LogEvent) -> None:
        """See ``ILogObserver``."""
        if level_of(event) < LogLevel.warn:
            self._observer(event)
            return
        with self._lock:
            key = self._key(event)
            trouble = self._troubles.get(key)
            if trouble is None:
                trouble = self._troubles[key] = _Trouble()
                self._later(self.EVERY_S, lambda: self._end(key, event["log_level"]))
            if trouble.passed < self.BURST:
                trouble.passed += 1
                self._observer(event)
            else:
                trouble.like = trouble.like or message_of(event)
                trouble.more += 1

    def _key(self, event: LogEvent) -> _Key:
        names = (event.get("log_namespace"), event.get("log_format"), event.get("about", ""))
        key: _Key = (str(names[0]), str(names[1]), str(names[2]))
        return key if key in self._troubles or len(self._troubles) < self.MAX_TROUBLES else self._REST

    def _end(self, key: _Key, level: object) -> None:
        with self._lock:
            trouble = self._troubles.pop(key, None)
            if trouble is not None and trouble.more:
                self._observer(
                    {
                        "log_time": self._now_s(),
                        "log_level": level,
                        "log_namespace": key[0],
                        "log_format": "... {more:,} more in the last {seconds} s, such as: {like}",
                        "more": trouble.more,
                        "seconds": self.EVERY_S,
                        "like": trouble.like,
                    }
                )

    def flush(self) -> None:
        """Say now what was counted: there may be no later."""
        with self._lock:
            for key in list(self._troubles):
                self._end(key, LogLevel.warn)
