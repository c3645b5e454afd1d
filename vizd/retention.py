"""Says when the log holds less than it was asked to."""

from twisted.logger import Logger

from vizd.log.interfaces import ILog
from vizd.log.window import Window

__all__ = ["RetentionNotice"]


class RetentionNotice:
    """A listener of the log: one line when the bound in bytes begins to shorten it, one when that has ended."""

    _log = Logger()

    def __init__(self, log: ILog, asked_minutes: int) -> None:
        """
        :param asked_minutes: ``--buffer-minutes``.
        """
        self._watched = log
        self._asked_minutes = asked_minutes
        self._was_shortened = False

    def __call__(self, _: Window) -> None:
        """The log has grown."""
        if self._watched.is_shortened == self._was_shortened:
            return
        self._was_shortened = self._watched.is_shortened
        minutes = self._watched.retention_ms / 60_000
        if self._was_shortened:
            self._log.warn(
                "the log keeps {minutes:.1f} minutes, not {asked}: it is full; a greater --buffer-mb,"
                " or more room on its disk, keeps more",
                minutes=minutes,
                asked=self._asked_minutes,
            )
        else:
            self._log.info("the log keeps {minutes:.1f} minutes again", minutes=minutes)
