"""An operator is told when the log holds less than was asked for."""

from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from tests.log.drafts import draft
from vizd.log.memory import MemoryLog
from vizd.retention import RetentionNotice


class RetentionNoticeTests(TestCase):
    def test_it_says_once_that_the_log_is_shortened_and_once_that_it_no_longer_is(self) -> None:
        log = MemoryLog("here", 60_000, 400_000)
        log.listen(RetentionNotice(log, 1))
        with capturedLogs() as said:
            for number in range(1_000):
                log.append(draft(50 * number, 100))
        self.assertEqual([line["log_level"].name for line in said], ["warn"])
        self.assertEqual(said[0]["asked"], 1)
        self.assertLess(said[0]["minutes"], 1)
        with capturedLogs() as said:
            for number in range(500):
                log.append(draft(10**6 + 1_000 * number, 0))
        self.assertEqual([line["log_level"].name for line in said], ["info"])

    def test_a_log_with_room_is_not_spoken_of(self) -> None:
        log = MemoryLog("here", 60_000, 1 << 30)
        log.listen(RetentionNotice(log, 1))
        with capturedLogs() as said:
            for number in range(3_000):
                log.append(draft(50 * number, 1))
        self.assertEqual(said, [])
