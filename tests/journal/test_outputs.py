"""Tests of ``vizd.journal.outputs``."""

import os
import signal
import syslog
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from vizd.journal import outputs
from vizd.journal.outputs import FILES, output_of


class Reactor:
    """Does at once what other threads ask for."""

    @staticmethod
    def callFromThread(function: Any) -> None:
        function()


class FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.addCleanup(signal.signal, signal.SIGUSR1, signal.getsignal(signal.SIGUSR1))
        self.write = output_of({"logfile": str(self.path), "nodaemon": True}, Reactor())

    def test_lines_are_there_at_once_in_utf_8(self) -> None:
        self.write("info", "né\n")
        self.assertEqual(self.path.read_text("utf-8"), "né\n")

    def test_usr1_begins_a_new_file(self) -> None:
        self.write("info", "old\n")
        os.kill(os.getpid(), signal.SIGUSR1)
        self.write("info", "new\n")
        self.assertEqual((self.path.read_text(), Path(f"{self.path}.1").read_text()), ("new\n", "old\n"))

    def test_the_disk_is_not_filled(self) -> None:
        self.patch(outputs, "FILE_BYTES", 1_000)
        write = output_of({"logfile": str(self.path)}, Reactor())
        for _ in range(1_000):
            write("info", "x" * 99 + "\n")
        files = list(self.path.parent.glob(f"{self.path.name}*"))
        self.assertEqual(len(files), FILES + 1)
        self.assertLess(sum(each.stat().st_size for each in files), 1_200 * (FILES + 1))

    def test_one_that_can_not_be_written_is_one_line_that_names_it(self) -> None:
        with self.assertRaises(SystemExit) as raised:
            output_of({"logfile": "/nonexistent/vizd.log"}, Reactor())
        self.assertIn("/nonexistent/vizd.log", str(raised.exception))

    def test_a_daemon_has_no_stdout(self) -> None:
        with self.assertRaises(SystemExit) as raised:
            output_of({"logfile": "-", "nodaemon": False}, Reactor())
        self.assertIn("--nodaemon", str(raised.exception))


class SyslogTests(SynchronousTestCase):
    def test_each_line_is_a_message_with_the_priority_of_its_level(self) -> None:
        said: list[tuple[int, str]] = []
        self.patch(syslog, "syslog", lambda priority, line: said.append((priority, line)))
        write = output_of({"syslog": True, "prefix": "vizd"}, Reactor())
        write("error", "a tick failed\n    Traceback\n")
        write("info", "hello\n")
        self.assertEqual(
            said,
            [(syslog.LOG_ERR, "a tick failed"), (syslog.LOG_ERR, "    Traceback"), (syslog.LOG_INFO, "hello")],
        )
