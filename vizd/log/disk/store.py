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
from collections.abc import Iterator
from pathlib import Path

__all__ = ["EPOCH_BYTES", "SCHEMA", "Store", "Unusable"]

SCHEMA = 1
"""``user_version`` of the database: greater ones are of newer daemons."""
EPOCH_BYTES = 8
BUSY_S = 5.0
"""To wait for a lock of the database; only a tool that looks into it from outside can hold one."""
_APPLICATION = 0x76697A64

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


class Store:
    """An open directory. No connection stays open here, so that the daemon may fork; the lock goes along.

    :ivar epoch: see ``ILog``. :ivar set_aside: where a database that could not be read has gone.
    """

    def __init__(self, directory: Path) -> None:
        """Make what is missing.

        :raises Unusable: it can't be used.
        """
        self._directory = directory
        self._path = directory / "log.sqlite3"
        self.set_aside: Path | None = None
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
            self.epoch = self._checked()
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
        return connection

    def connect_to_read(self) -> sqlite3.Connection:
        """One that can't write."""
        connection = self.connect()
        connection.execute("PRAGMA query_only = ON")
        return connection

    @contextlib.contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """A connection for a while."""
        with contextlib.closing(self.connect()) as connection:
            yield connection

    def begin_anew(self) -> None:
        """What is there can't be read: set it aside, and begin another log."""
        number = 1
        while (aside := Path(f"{self._path}.damaged-{number}")).exists():
            number += 1
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self._path}{suffix}").rename(f"{aside}{suffix}")
        self.set_aside = aside
        self.epoch = self._checked()

    def renew_epoch(self) -> None:
        """Positions that were given until now mean nothing any more."""
        self.epoch = secrets.token_bytes(EPOCH_BYTES)
        with self.connected() as connection:
            connection.execute("UPDATE meta SET value = ? WHERE name = 'epoch'", (self.epoch,))

    def _checked(self) -> bytes:
        try:
            with self.connected() as connection:
                return self._epoch_in(connection)
        except sqlite3.OperationalError as why:
            raise Unusable(f"{self._path} can't be used: {why}; use a directory to write to, with space left") from None
        except sqlite3.DatabaseError:
            if self.set_aside is not None:
                raise
            self.begin_anew()
            return self.epoch

    def _epoch_in(self, connection: sqlite3.Connection) -> bytes:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        [application] = connection.execute("PRAGMA application_id").fetchone()
        if version > SCHEMA and application == _APPLICATION:
            raise Unusable(
                f"{self._path} was written by a newer version (schema {version}, this one knows {SCHEMA}):"
                " use that version, or another directory"
            )
        if version == 0:
            self._create(connection)
        elif version != SCHEMA or application != _APPLICATION:
            raise sqlite3.DatabaseError(f"schema {version} of application {application:#x} is not ours")
        found = connection.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        if found is None or not isinstance(found[0], bytes) or len(found[0]) != EPOCH_BYTES:
            raise sqlite3.DatabaseError("it has no epoch")
        return found[0]

    def _create(self, connection: sqlite3.Connection) -> None:
        self._path.chmod(0o600)  # Whoever may read it needs no token; -wal and -shm are made with the same mode.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN;{_TABLES}")
        connection.execute("INSERT INTO meta VALUES ('epoch', ?)", (secrets.token_bytes(EPOCH_BYTES),))
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("COMMIT")
