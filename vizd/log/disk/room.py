"""How much room the filesystem of a log has, with what the database could give back to it."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

__all__ = ["MIN_FREE_BYTES", "NoRoom", "Room"]

MIN_FREE_BYTES = 256 << 20
"""What is left to others, and to the database's own -wal, which grows while somebody reads for long."""
LOOK_EVERY_S = 1.0
VACUUMED_AT_ONCE = 256
"""Pages of 4 KiB that one transaction gives back: they are moved within the file, which takes some milliseconds."""
MIB = 1 << 20


class NoRoom(Exception):
    """The text says how much there is, and how much there should be."""


class Room:
    """Of one database. All is called in the thread that writes.

    :ivar is_short: there is less than there should be, even if the database gave back all that it does not use; as it
        was when somebody looked last.
    """

    def __init__(self, path: Path, min_free_bytes: int, monotonic: Callable[[], float]) -> None:
        """
        :param path: of the database. :param min_free_bytes: that there should be.
        :param monotonic: seconds, from anywhere.
        """
        self._path = path
        self._min_free_bytes = min_free_bytes
        self._monotonic = monotonic
        self._looked_s = float("-inf")
        self._free_bytes = 0
        self._spare_bytes = 0
        self.is_short = False

    def look(self, connection: sqlite3.Connection) -> bool:
        """Look, if it is time or there was little; whether somebody has looked now."""
        now_s = self._monotonic()
        if not self.is_low and now_s - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        filesystem = os.statvfs(self._path)
        self._free_bytes = filesystem.f_bavail * filesystem.f_frsize
        # The file shrinks, and grows, at the next checkpoint; until then its size is not what the pages take.
        ((page_bytes,), (pages,), (unused,)) = (
            connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_size", "page_count", "freelist_count")
        )
        self._spare_bytes = self._path.stat().st_size - (pages - unused) * page_bytes
        self.is_short = self._free_bytes + self._spare_bytes < self._min_free_bytes
        return True

    @property
    def is_low(self) -> bool:
        """The filesystem has less than there should be, as it was when somebody looked last."""
        return self._free_bytes < self._min_free_bytes

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Some of what the database does not use, if that is needed. Within a transaction."""
        if self.is_low:
            connection.execute(f"PRAGMA incremental_vacuum({VACUUMED_AT_ONCE})").fetchall()  # A page for each step.

    def refuse(self) -> NoRoom:
        """What is to be said where nothing is left to trim."""
        return NoRoom(
            f"{self._free_bytes // MIB} MiB are free on the filesystem of {self._path.parent}, and"
            f" {self._min_free_bytes // MIB} should be: make room"
        )
