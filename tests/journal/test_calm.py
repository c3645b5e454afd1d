"""Tests of ``vizd.journal.calm``."""

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel
from twisted.trial.unittest import SynchronousTestCase

from vizd.journal.calm import Calm
from vizd.journal.lines import message_of


class CalmTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.passed: list[dict[str, Any]] = []
        self.calm = Calm(self.passed.append, self.clock.callLater, self.clock.seconds)
        self.log = Logger(namespace="vizd.x", observer=self.calm)

    def said(self) -> list[str]:
        """What has come through since the last time."""
        said = [message_of(event) for event in self.passed]
        self.passed.clear()
        return said

    def test_the_first_five_pass_then_they_are_counted_and_told_once_a_minute(self) -> None:
        for number in range(1_239):
            self.log.warn("the disk of {node} is full", node=number)
        self.assertEqual(self.said(), [f"the disk of {number} is full" for number in range(5)])
        self.clock.advance(59.9)
        self.assertEqual(self.said(), [])
        self.clock.advance(0.1)
        [event] = self.passed
        self.assertEqual(self.said(), ["... 1,234 more in the last 60 s, such as: the disk of 5 is full"])
        self.assertEqual((event["log_level"], event["log_namespace"], event["more"]), (LogLevel.warn, "vizd.x", 1_234))
        self.assertEqual(event["log_time"], 60)

    def test_then_it_begins_anew(self) -> None:
        for _ in range(2):
            for _ in range(7):
                self.log.error("no")
            self.clock.advance(60)
            self.assertEqual(self.said(), ["no"] * 5 + ["... 2 more in the last 60 s, such as: no"])
        self.clock.advance(600)
        self.assertEqual((self.said(), self.clock.getDelayedCalls()), ([], []))

    def test_what_is_no_trouble_is_not_counted(self) -> None:
        for _ in range(100):
            self.log.info("somebody has gone")
        self.assertEqual(len(self.said()), 100)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_troubles_differ_by_source_format_and_what_they_are_about(self) -> None:
        other = Logger(namespace="vizd.y", observer=self.calm)
        for _ in range(9):
            self.log.warn("a {x}", x=1)
            self.log.warn("b {x}", x=1)
            other.warn("a {x}", x=1)
            self.log.critical("{rule}", rule="two-leaders", about="two-leaders")
            self.log.critical("{rule}", rule="node-dead", about="node-dead")
        self.assertEqual(len(self.said()), 25)

    def test_a_failure_is_a_trouble_with_its_traceback(self) -> None:
        for _ in range(6):
            try:
                raise OSError("the disk is full")
            except OSError:
                self.log.failure("a tick failed")
        self.assertEqual([type(event["log_failure"].value) for event in self.passed], [OSError] * 5)

    def test_there_is_a_bound_on_troubles_and_the_rest_is_one(self) -> None:
        for number in range(Calm.MAX_TROUBLES + 50):
            self.log.warn("{x}", x=number, about=str(number))
        self.assertEqual(len(self.said()), Calm.MAX_TROUBLES + 5)
        self.assertEqual(len(self.clock.getDelayedCalls()), Calm.MAX_TROUBLES + 1)
        self.clock.advance(60)
        self.assertEqual(self.said(), ["... 45 more in the last 60 s, such as: 1005"])

    def test_at_the_end_what_was_counted_is_said_at_once(self) -> None:
        for _ in range(8):
            self.log.warn("no")
        self.calm.flush()
        self.assertEqual(self.said()[5:], ["... 3 more in the last 60 s, such as: no"])
        self.clock.advance(60)
        self.assertEqual(self.said(), [])
