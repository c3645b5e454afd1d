"""Tests of ``vizd.log.disk.store``: who may use a directory, and what is made of what lies there."""

import contextlib
import sqlite3
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vizd.log.disk.store import SCHEMA, Store, Unusable


class StoreTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())

    def open(self) -> Store:
        store = Store(self.directory)
        self.addCleanup(store.close)
        return store

    def refusal(self) -> str:
        """Why it can't be opened: one line."""
        with self.assertRaises(Unusable) as raised:
            self.open()
        text = str(raised.exception)
        self.assertIn(str(self.directory), text)
        self.assertNotIn("\n", text)
        return text

    def change(self, statement: str) -> None:
        with contextlib.closing(sqlite3.connect(self.directory / "log.sqlite3")) as connection:
            connection.execute(statement)
            connection.commit()

    def test_a_directory_that_is_not_there_is_made_for_its_owner_alone(self) -> None:
        self.open()
        self.assertEqual(stat.S_IMODE(self.directory.stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE((self.directory / "log.sqlite3").stat().st_mode), 0o600)

    def test_a_second_daemon_is_kept_off(self) -> None:
        self.open()
        self.assertIn("another daemon uses", self.refusal())

    def test_the_next_one_has_the_same_epoch(self) -> None:
        first = Store(self.directory)
        first.close()
        self.assertEqual(len(first.epoch), 8)
        self.assertEqual(self.open().epoch, first.epoch)

    def test_logs_have_different_epochs(self) -> None:
        other = Store(Path(self.mktemp()))
        self.addCleanup(other.close)
        self.assertNotEqual(self.open().epoch, other.epoch)

    def test_a_log_of_a_newer_version_is_refused_and_left_as_it_is(self) -> None:
        Store(self.directory).close()
        self.change(f"PRAGMA user_version = {SCHEMA + 1}")
        before = (self.directory / "log.sqlite3").read_bytes()
        self.assertIn("newer version", self.refusal())
        self.assertEqual((self.directory / "log.sqlite3").read_bytes(), before)
        self.change(f"PRAGMA user_version = {SCHEMA}")
        self.open()  # The lock has not stayed.

    def test_a_file_in_place_of_the_directory_is_refused(self) -> None:
        self.directory.write_text("something")
        self.assertIn("can't be used", self.refusal())

    def test_a_directory_in_place_of_the_database_is_refused(self) -> None:
        (self.directory / "log.sqlite3").mkdir(parents=True)
        self.assertIn("can't be used", self.refusal())

    def test_what_is_no_database_is_set_aside_and_said_so(self) -> None:
        self.directory.mkdir()
        (self.directory / "log.sqlite3").write_bytes(b"not a database, " * 1_000)
        self.open()
        aside = self.directory / "log.sqlite3.damaged-1"
        self.assertEqual(aside.read_bytes(), b"not a database, " * 1_000)

    def test_nothing_that_was_set_aside_is_overwritten(self) -> None:
        self.directory.mkdir()
        for number in (1, 2):
            (self.directory / "log.sqlite3").write_bytes(b"%d " % number * 1_000)
            Store(self.directory).close()
            self.assertTrue((self.directory / f"log.sqlite3.damaged-{number}").read_bytes().startswith(b"%d" % number))

    def test_one_that_was_found_damaged_while_it_was_used_is_set_aside_at_the_next_start(self) -> None:
        store = Store(self.directory)
        store.suspect()
        store.close()
        self.assertNotEqual(self.open().epoch, store.epoch)
        self.assertTrue((self.directory / "log.sqlite3.damaged-1").exists())
        self.assertFalse((self.directory / "log.sqlite3.suspect").exists())
