"""What can still be read of a database that SQLite finds damaged, for the one that takes its place.

Rows are read from both ends up to the damage; each is checked by its checksums later, as always.
"""

import contextlib
import sqlite3
from pathlib import Path

__all__ = ["rescue"]

_TABLES = {"blocks": "(?, ?, ?, ?, ?, ?)", "keyframes": "(?, ?, ?, ?)"}
_ORDERS = ("ASC", "DESC")


def rescue(damaged: Path, into: sqlite3.Connection) -> int:
    """Copy what can be read of the log in ``damaged``; how many rows these were."""
    rows = 0
    with contextlib.closing(sqlite3.connect(damaged, isolation_level=None)) as source:
        source.text_factory = bytes
        into.execute("BEGIN")
        for table, places in _TABLES.items():
            insert = f"INSERT OR IGNORE INTO {table} VALUES {places}"  # noqa: S608 -- of the table above
            for order in _ORDERS:
                with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
                    for row in source.execute(f"SELECT * FROM {table} ORDER BY seq {order}"):  # noqa: S608
                        if not into.execute(insert, row).rowcount:
                            break  # The other end's rows begin here.
                        rows += 1
        into.execute("COMMIT")
    return rows
