"""Which log the daemon has, and how it goes on where an earlier one stopped."""

import secrets
import time
from collections.abc import Callable
from typing import Any

from vizd.config import Config
from vizd.folds import OF_USE_MS, Folds
from vizd.ingest.registry import Known, Registry
from vizd.log.disk.log import DiskLog
from vizd.log.interfaces import EPOCH_BYTES, ILog
from vizd.log.memory import MemoryLog
from vizd.log.window import Draft, Mark

__all__ = ["begin", "open_log"]


def open_log(
    config: Config, folds: Folds, registry: Registry, reactor: Any, monotonic: Callable[[], float] = time.monotonic
) -> ILog:
    """The log that ``config`` asks for, with ``folds`` and ``registry`` as if they had followed it from its beginning.

    Nothing may have asked them before.

    :param reactor: provides IReactorFromThreads and IReactorTime. :param monotonic: seconds, from anywhere.
    :raises Unusable: the directory can't be used.
    """
    origin = secrets.token_hex(4)
    max_age_ms, max_bytes = config.buffer_minutes * 60_000, config.buffer_mb << 20
    if config.data_dir is None:
        return MemoryLog(
            origin=origin,
            max_age_ms=max_age_ms,
            max_bytes=max_bytes,
            epoch=secrets.token_bytes(EPOCH_BYTES),
            keyframe=folds.keyframe,
        )
    log = DiskLog(config.data_dir, origin, max_age_ms, max_bytes, reactor, folds.parts, OF_USE_MS, monotonic)
    with log.recalled() as recalled:
        if recalled.position.seq:
            folds.restore(recalled.position, recalled.newest, recalled.history)
        for window in recalled.windows():
            folds.fold(window, log.oldest_start_ms)
    for publisher, place in folds.positions:
        through = place.stored_through
        registry.recall(
            Known(publisher, through, through, place.accounted_through, place.given_up, fenced=place.fenced)
        )
    return log


def begin(log: ILog, folds: Folds) -> None:
    """Start it, and say first that those are gone who were connected when an earlier daemon stopped."""
    marks = [
        Mark(publisher, place.stored_through + 1, place.stored_through, connected=False, given_up=place.given_up)
        for publisher, place in folds.positions
        if place.connected
    ]
    log.start()
    if marks:
        log.append(Draft(log.head.end_ms or 0, 0, [], [], marks))
