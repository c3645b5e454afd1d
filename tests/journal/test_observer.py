"""Tests of ``vizd.journal.observer``: which events are written at all."""

from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from vizd.journal.lines import FORMATS
from vizd.journal.observer import Chosen, Writer

LEVELS = ("debug", "info", "warn", "error", "critical")


class ChosenTests(SynchronousTestCase):
    def written(self, least: str, namespace: str) -> list[str]:
        """The levels at which something is, when it is said at each."""
        written: list[str] = []
        writer = Writer(lambda level, _: written.append(level), FORMATS["text"])
        log = Logger(namespace=namespace, observer=Chosen(writer, least))
        for level in LEVELS:
            log.emit(LogLevel.levelWithName(level), "hello")
        return written

    def test_ours_from_the_level_that_is_asked_for(self) -> None:
        for at, least in enumerate(LEVELS[:4]):
            self.assertEqual(self.written(least, "vizd.web.site"), list(LEVELS[at:]))

    def test_of_others_only_troubles_whatever_is_asked_for(self) -> None:
        for namespace in ("OpenSSL", "twisted.internet.base", "log_legacy", "vizdish"):
            self.assertEqual(self.written("debug", namespace), ["warn", "error", "critical"])
            self.assertEqual(self.written("error", namespace), ["error", "critical"])

    def test_of_autobahn_only_exceptions_whatever_clients_did_to_it(self) -> None:
        self.assertEqual(self.written("debug", "autobahn.websocket"), [])
        written: list[str] = []
        writer = Writer(lambda level, _: written.append(level), FORMATS["text"])
        log = Logger(namespace="autobahn.websocket", observer=Chosen(writer, "info"))
        log.error("Firing signal failed: {fail}", fail=Failure(ValueError("no")))
        self.assertEqual(written, ["error"])

    def test_what_is_printed_is_written(self) -> None:
        self.assertEqual(self.written("info", "stderr"), list(LEVELS[1:]))


class WriterTests(SynchronousTestCase):
    def test_the_output_gets_the_level_and_the_lines(self) -> None:
        written: list[tuple[str, str]] = []
        log = Logger(
            namespace="vizd.x", observer=Writer(lambda level, lines: written.append((level, lines)), FORMATS["text"])
        )
        log.warn("no")
        [(level, lines)] = written
        self.assertEqual(level, "warn")
        self.assertRegex(lines, r"^\S+Z warn  x         no\n$")
