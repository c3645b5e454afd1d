"""What readers are told where a part of the log can't be read."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.log.disk.directories import opened_here
from tests.log.test_memory import seal_early
from tests.stream.conversation import Conversation, append, now, numbers
from vizd.log.disk.log import DiskLog
from vizd.log.window import START
from vizd.stream.position import position_to_text

WINDOWS = 60
DAMAGED = range(6, 12)
"""The events of the second block; each window has two."""


class DamageTests(SynchronousTestCase):
    def setUp(self) -> None:
        seal_early(self.patch)
        directory = Path(self.mktemp())
        log = self.open(directory)
        for number in range(WINDOWS):
            append(log, 2 * number, count=2)
        now(log.close())
        with closing(sqlite3.connect(directory / "log.sqlite3")) as connection:
            connection.execute("UPDATE blocks SET whole = x'00' WHERE seq = 4")
            connection.commit()
        self.log = self.open(directory)
        self.addCleanup(lambda: now(self.log.close()))

    def open(self, directory: Path) -> DiskLog:
        return opened_here(directory, Clock(), 3_600_000, 1 << 30)

    def check(self, gap: dict[str, Any]) -> None:
        self.assertEqual((gap["reason"], gap["windows"], gap["events"]), ("corrupt", 3, 6))
        self.assertEqual((gap["from_ms"], gap["to_ms"]), (1_150, 1_300))

    def client(self, **options: Any) -> Conversation:
        """One that has been there from the beginning."""
        return Conversation(self.log, position=position_to_text(self.log.epoch, START), max_lag_ms=0, **options)

    def test_a_dashboard_that_catches_up_gets_one_gap_and_everything_else(self) -> None:
        heard = self.client().hear_all()
        [gap] = [each for each in heard if each["type"] == "gap"]
        self.check(gap)
        self.assertEqual(numbers(heard), [number for number in range(2 * WINDOWS) if number not in DAMAGED])
        self.assertEqual(heard.index(gap), next(at for at, each in enumerate(heard) if numbers([each])[-1:] > [11]) - 1)

    def test_a_history_too(self) -> None:
        client = Conversation(self.log)
        client.tell(type="history", from_ms=0, to_ms=10**9)
        heard = client.hear_all()
        [gap] = [each for each in heard if each["type"] == "gap"]
        self.check(gap)
        [end] = [each for each in heard if each["type"] == "history_end"]
        self.assertEqual(end["events"], 2 * WINDOWS - len(DAMAGED))

    def test_on_a_thin_line_what_is_not_counted_is_in_the_gap(self) -> None:
        heard = self.client(max_kbps=1_000).hear_all()
        [gap] = [each for each in heard if each["type"] == "gap"]
        self.assertEqual((gap["reason"], gap["to_ms"]), ("corrupt", 1_300))
        self.assertEqual(sum(each.get("of", 0) for each in heard) + gap["events"], 2 * WINDOWS)

    def test_a_filter_that_skips_it_is_told_nothing(self) -> None:
        client = Conversation(self.log)
        client.tell(type="filter", types=["Raft"])
        client.tell(type="history", from_ms=0, to_ms=10**9)
        self.assertEqual([each["type"] for each in client.hear_all()], ["history_end"])
