"""What goes wrong beneath the daemon while a run goes on: its process is killed, or its disk is slow, or full.

The law holds all the same. Who was connected comes back with its position; what a stall shows is outside the law.
"""

import time
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from random import Random

from bench.daemon import Daemon

__all__ = ["FAULTS", "Lives"]

_BEFORE = """
import random, time
from vizd.log.disk.scribe import Scribe
_write = Scribe.write
def write(self, turn):
    is_time = time.monotonic() % {every_s} < {for_s}
    {fault}
    return _write(self, turn)
Scribe.write = write
"""
"""Run in the daemon's process before it starts."""
_SLOW = _BEFORE.format(every_s=6, for_s=3, fault="time.sleep(2.5 if is_time else random.uniform(0, 0.05))")
_FULL = _BEFORE.format(
    every_s=6, for_s=3, fault='self._connection.execute(f"PRAGMA max_page_count = {1 if is_time else 1 << 30}")'
)
"""SQLite takes the least that is possible: no page more than there are, so it runs into the end by itself."""
FAULTS = {"killed": "", "slow": _SLOW, "full": _FULL}
"""By name, with what makes them in the daemon's process."""
_LIFE_S = (1.5, 5.0)
_EXPECTED = ("the log can't be written",)


class Lives:
    """The daemon of a run, which may be one after the other, on the same ports and directory.

    :ivar daemon: the one that runs. :ivar kills: so far.
    """

    def __init__(self, directory: Path, options: list[str], fault: str | None, seed: int, before: str) -> None:
        """
        :param fault: one of ``FAULTS``; ``None``: all is well, and history is in memory.
        """
        self._directory = directory
        self._fault = fault
        self._chance = Random(seed)
        self._before = f"{before}\n{FAULTS[fault]}" if fault else before
        self._options = [*options, f"--data-dir={directory / 'data'}"] if fault else options
        self.daemon = Daemon(directory, *self._options, before=self._before)
        self._ports = [f"--port={self.daemon.http_port}", f"--grpc-port={self.daemon.grpc_port}"]
        self.kills = 0
        self._complaints: list[str] = []
        self._end_s = self._next_end_s()

    def _next_end_s(self) -> float:
        return time.monotonic() + self._chance.uniform(*_LIFE_S)

    def turn(self) -> None:
        """Kill it if its time has come, and start the next. Call it often."""
        if self._fault == "killed" and time.monotonic() >= self._end_s:
            self.daemon.kill()
            self.kills += 1
            self._complaints += self.daemon.complaints
            self.daemon = Daemon(self._directory, *self._options, *self._ports, before=self._before)
            self._end_s = self._next_end_s()

    @property
    def complaints(self) -> list[str]:
        """Of all of them, but what the fault explains."""
        complaints = [*self._complaints, *self.daemon.complaints]
        return [line for line in complaints if not self._fault or not any(each in line for each in _EXPECTED)]

    def has_stalled(self) -> bool:
        """It says that it stores nothing."""
        with suppress(HTTPException, OSError):
            return b"degraded" in self.daemon.get("/health")
        return False
