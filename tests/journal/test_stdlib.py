"""Tests of ``vizd.journal.stdlib``."""

import logging

from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from vizd.journal.stdlib import IntoTwisted


class IntoTwistedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.log = logging.Logger("grpc.aio")
        self.log.addHandler(IntoTwisted())

    def test_what_is_said_keeps_its_source_its_level_and_its_words(self) -> None:
        with capturedLogs() as events:
            self.log.warning("%d {calls} failed", 3)
            self.log.debug("hello")
        self.assertEqual(
            [(each["log_namespace"], each["log_level"], formatEvent(each)) for each in events],
            [("grpc.aio", LogLevel.warn, "3 {calls} failed"), ("grpc.aio", LogLevel.debug, "hello")],
        )

    def test_an_exception_comes_with_its_traceback(self) -> None:
        with capturedLogs() as events:
            try:
                raise ZeroDivisionError
            except ZeroDivisionError:
                self.log.exception("a task failed")
        [event] = events
        self.assertEqual((event["log_level"], formatEvent(event)), (LogLevel.error, "a task failed"))
        self.assertIn("test_stdlib", event["log_failure"].getTraceback())
        self.flushLoggedErrors(ZeroDivisionError)
