"""Tests of ``vizd.access.failures``, on a clock that is a number."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.access.logged import logged
from vizd.access.failures import AT_ONCE, TELL_EVERY_S, Failures


class FailuresTests(SynchronousTestCase):
    """Wrong tokens."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.failures = Failures(self.clock.seconds)

    def test_a_few_are_a_mistake_and_more_are_too_many(self) -> None:
        self.assertEqual(sum(self.failures.allows("10.0.0.1") for _ in range(1_000)), AT_ONCE)
        self.assertTrue(self.failures.allows("10.0.0.2"), "somebody else's mistake")
        self.clock.advance(self.failures.wait_s())
        self.assertTrue(self.failures.allows("10.0.0.1"))

    def test_the_first_is_said_at_once_and_thousands_in_a_line_a_minute(self) -> None:
        with logged() as lines:
            for number in range(3_001):
                self.failures.allows(f"10.0.0.{number % 9}")
                if number in (1_000, 2_999):
                    self.clock.advance(TELL_EVERY_S)
        texts = [text for _, text in lines]
        self.assertEqual(len(texts), 3)
        self.assertIn("wrong tokens: 1, the last one from 10.0.0.0", texts[0])
        self.assertIn("wrong tokens: 1001,", texts[1])
        self.assertIn("wrong tokens: 1999,", texts[2])
