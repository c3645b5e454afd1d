"""Says in the daemon's own log when something goes wrong in the cluster, and when that is over."""

from twisted.logger import Logger, LogLevel

from vizd.insight.finding import Finding

__all__ = ["FindingsNotice"]

_LEVELS = {"critical": LogLevel.critical, "warning": LogLevel.warn, "info": LogLevel.info}


class FindingsNotice:
    """A listener of ``Insight``: each opening, at the level of its severity, and each closing; no updates."""

    _log = Logger()

    def __call__(self, finding: Finding, word: str) -> None:
        """A finding has ``opened``, was ``updated``, or has ``closed``."""
        if word == "opened":
            level = _LEVELS[finding.severity]
            doubt = "" if finding.conclusive else " (something is missing of what was published)"
            self._log.emit(
                level,
                "{rule}: {detail}{doubt}",
                rule=finding.rule,
                detail=finding.detail,
                doubt=doubt,
                about=finding.rule,
            )
        elif word == "closed":
            lasted_s = (finding.last_ms - finding.first_ms) / 1_000
            self._log.info(
                "{rule}: over after {lasted_s:.1f} s: {detail}",
                rule=finding.rule,
                lasted_s=lasted_s,
                detail=finding.detail,
            )
