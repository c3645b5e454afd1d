"""Tests of ``vizd.stream.gaps``."""

from twisted.trial.unittest import SynchronousTestCase

from tests.log.test_memory import seal_early
from tests.stream.conversation import append
from tests.stream.made import memory_log
from vizd.log.memory import MemoryLog
from vizd.log.segment import Segment
from vizd.log.window import START, Gap, Position
from vizd.stream.gaps import gap_fields, skipped, trimmed_before


class GapTests(SynchronousTestCase):
    """Against a log of 50 ms windows with two events each."""

    def log(self, windows: int, max_age_ms: int = 3_600_000) -> MemoryLog:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 300)
        log = memory_log(max_age_ms)
        for number in range(windows):
            append(log, 2 * number, 2)
        return log

    def test_it_is_written_as_the_contract_says_with_null_for_what_nobody_knows(self) -> None:
        self.assertEqual(
            list(gap_fields(Gap(None, 7, None, None, "restart")).items()),
            [("from_ms", None), ("to_ms", 7), ("windows", None), ("events", None), ("reason", "restart")],
        )

    def test_who_goes_on_at_the_head_misses_all_up_to_its_end(self) -> None:
        log = self.log(10)
        left = Position(4, 8, 1_200)
        self.assertEqual(skipped(log, left, log.head, "paused"), Gap(1_200, 1_500, 6, 12, "paused"))

    def test_who_goes_on_at_the_oldest_window_misses_all_up_to_its_start(self) -> None:
        log = self.log(200, max_age_ms=2_000)
        oldest = log.oldest
        self.assertGreater(oldest.seq, 100)
        gap = skipped(log, Position(4, 8, 1_200), oldest, "budget")
        self.assertEqual(gap, Gap(1_200, log.oldest_start_ms, oldest.seq - 4, 2 * (oldest.seq - 4), "budget"))

    def test_who_stands_there_already_misses_nothing(self) -> None:
        log = self.log(3)
        self.assertIsNone(skipped(log, log.head, log.head, "paused"))
        self.assertIsNone(skipped(log, log.head, START, "paused"))

    def test_a_range_misses_what_was_trimmed_before_anybody_asked(self) -> None:
        log = self.log(200, max_age_ms=2_000)
        oldest_ms = log.oldest_start_ms
        self.assertEqual(trimmed_before(log, 1_000, None), Gap(1_000, oldest_ms, None, None, "trimmed"))
        self.assertEqual(trimmed_before(log, 1_000, 1_500), Gap(1_000, 1_500, None, None, "trimmed"))
        self.assertIsNone(trimmed_before(log, log.oldest.end_ms or 0, None))
        self.assertIsNone(trimmed_before(log, 1_000, 1_000))

    def test_of_a_log_that_has_let_go_of_nothing_no_range_misses_anything(self) -> None:
        self.assertIsNone(trimmed_before(self.log(10), 0, None))
        self.assertIsNone(trimmed_before(memory_log(), 0, None))
