"""The directory of a log: its lock, its database, and whether this version can read it.

lock            held while a daemon uses the directory
log.sqlite3     with -wal and -shm beside it
log.sqlite3.damaged-1 ...    databases that SQLite could not read, set aside for whoever wants to look
"""

import contextlib
import fcntl
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from twisted.logger import Logger

from vizd.log.disk.contents import Contents, read_contents
from vizd.log.disk.rescue import rescue
from vizd.log.disk.room import Room
from vizd.log.interfaces import EPOCH_BYTES
from vizd.log.window import Position

__all__ = ["SCHEMA", "DamagedDatabase", "Store", "Unusable", "is_damage"]

SCHEMA = 1
"""``user_version`` of the database: greater ones are of newer daemons."""
BUSY_S = 5.0
"""To wait for a lock of the database; only a tool that looks into it from outside can hold one."""
_APPLICATION = 0x76697A64

_AROUND_IT = frozenset(
    (
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY,
    )
)  # fmt: skip
"""Errors that say nothing of what is in the database."""

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE blocks (
    seq INTEGER PRIMARY KEY,    -- of the first window
    is_sealed INTEGER NOT NULL, -- else it is one of the newest windows
    head BLOB NOT NULL, rest BLOB NOT NULL, rare BLOB, whole BLOB NOT NULL
);
CREATE TABLE keyframes (seq INTEGER, part TEXT, end_ms INTEGER NOT NULL, pieces BLOB NOT NULL, PRIMARY KEY (seq, part));
"""


class Unusable(Exception):
    """The text says which directory, what is wrong with it, and what would be right."""


class DamagedDatabase(Exception):
    """SQLite can't make sense of it."""


def is_damage(error: BaseException | None) -> bool:
    """Whether the database is damaged, when it was written to."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or isinstance(error, UnicodeDecodeError)


def _code(error: BaseException | None) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


class Store:
    """An open directory. No connection stays open here, so that the daemon may fork; the lock goes along.

    :ivar epoch: see ``ILog``.
    """

    _log = Logger()

    def __init__(self, directory: Path) -> None:
        """Make what is missing.

        :raises Unusable: it can't be used.
        """
        self._directory = directory
        self._path = directory / "log.sqlite3"
        self._suspect = directory / "log.sqlite3.suspect"
        self.epoch = b""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as why:
            raise Unusable(f"{directory} can't be used: {why.strerror}; use a directory to write to") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise Unusable(f"another daemon uses {directory}: each needs a directory of its own") from None
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let others use it."""
        os.close(self._lock)

    def connect(self) -> sqlite3.Connection:
        """A connection, to be closed by the caller. It commits only when told to."""
        connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous = FULL")
        connection.text_factory = bytes  # Damaged text is no reason to fail.
        return connection

    def connect_to_read(self) -> sqlite3.Connection:
        """One that can't write."""
        connection = self.connect()
        connection.execute("PRAGMA query_only = ON")
        return connection

    def contents(self) -> Contents:
        """What there is, from which the log goes on.

        :raises DamagedDatabase: it can't be read. :raises Unusable: nor can the directory.
        """
        with self._opened() as connection:
            contents = read_contents(connection)
            if contents.lost_end:
                self._cut(connection, contents.behind)
        return contents

    def _cut(self, connection: sqlite3.Connection, behind: Position) -> None:
        """Nobody knows how far the log went behind this place: positions of before mean nothing any more."""
        epoch = secrets.token_bytes(EPOCH_BYTES)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM blocks WHERE seq > ?", (behind.seq,))
        connection.execute("DELETE FROM keyframes WHERE seq > ?", (behind.seq,))
        connection.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (epoch,))
        connection.execute("COMMIT")
        self.epoch = epoch

    def room(self, min_free_bytes: int, monotonic: Callable[[], float]) -> Room:
        """That it has, see there."""
        return Room(self._path, min_free_bytes, monotonic)

    def suspect(self) -> None:
        """The database is damaged, and in use: whoever opens it next begins anew with what can be read of it."""
        self._suspect.touch()

    def begin_anew(self, why: str) -> None:
        """Set the database aside, and begin another with what can be read of it.

        It has another epoch: nobody knows how far the log went.

        :raises Unusable: there is no room for it, say.
        """
        number = 1
        while (aside := Path(f"{self._path}.damaged-{number}")).exists():
            number += 1
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self._path}{suffix}").rename(f"{aside}{suffix}")
        self._suspect.unlink(missing_ok=True)
        with self._opened() as connection:
            self.epoch = self._create(connection)
            rows = rescue(aside, connection)
        self._log.critical(
            "the history was damaged ({why}), {rows} parts of it could be read; what there was is {path}",
            why=why, rows=rows, path=aside,
        )  # fmt: skip

    def _open(self) -> None:
        """Find out the epoch, of what is there or of what is made."""
        try:
            if self._suspect.exists():
                raise DamagedDatabase("it was found damaged while it was used")
            with self._opened() as connection:
                self.epoch = self._epoch_in(connection)
        except DamagedDatabase as why:
            self.begin_anew(str(why))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(self.connect()) as connection:
                yield connection
        except (sqlite3.Error, OSError, UnicodeDecodeError) as why:  # The last by a message about damaged text.
            if isinstance(why, OSError) or _code(why) in _AROUND_IT:
                raise Unusable(
                    f"{self._path} can't be used: {why}; use a directory to write to, with space left"
                ) from None
            raise DamagedDatabase(str(why)) from why

    def _epoch_in(self, connection: sqlite3.Connection) -> bytes:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        [application] = connection.execute("PRAGMA application_id").fetchone()
        if application == _APPLICATION and version > SCHEMA:
            raise Unusable(
                f"{self._path} was written by a newer version (schema {version}, this one knows {SCHEMA}):"
                " use that version, or another directory"
            )
        if application == version == 0:
            return self._create(connection)
        if application != _APPLICATION or version != SCHEMA:
            raise DamagedDatabase(f"schema {version} of application {application:#x} is not ours")
        found = connection.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        if found is None or not isinstance(found[0], bytes) or len(found[0]) != EPOCH_BYTES:
            raise DamagedDatabase("it has no epoch")
        return found[0]

    def _create(self, connection: sqlite3.Connection) -> bytes:
        self._path.chmod(0o600)  # Whoever may read it needs no token; -wal and -shm are made with the same mode.
        epoch = secrets.token_bytes(EPOCH_BYTES)
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # Before all else, or it would be too late.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN;{_TABLES}")
        connection.execute("INSERT INTO meta VALUES ('epoch', ?)", (epoch,))
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("COMMIT")
        return epoch
