"""What breaks the guard, and what doesn't."""

from twisted.trial.unittest import SynchronousTestCase

from bench.speed.guard import guard, line
from bench.speed.table import TARGETS, Row

KEY = "event-cpu"
GOOD, BAD = TARGETS[KEY].target, TARGETS[KEY].target * 10


class Part:
    """A measurement whose ratios are known beforehand."""

    def __init__(self, *rows: Row) -> None:
        self._rows = list(rows)

    def __call__(self) -> list[Row]:
        """The next one, and a row that nothing guards."""
        return [self._rows.pop(0), Row("saturated", "", "", 0.0)]

    @property
    def left(self) -> int:
        """How many times it was not asked."""
        return len(self._rows)


def row(ratio: float | None, *faults: str) -> Row:
    """Of the guarded target."""
    return Row(KEY, "9 us", "3 us", ratio, faults=faults)


class GuardTests(SynchronousTestCase):
    """``guard``."""

    def test_what_is_kept_is_measured_once(self) -> None:
        part = Part(row(GOOD), row(BAD))
        [(found, is_kept)] = guard((part,))
        self.assertEqual((found.key, is_kept, part.left), (KEY, True, 1))

    def test_slow_for_a_moment(self) -> None:
        self.assertEqual([is_kept for _, is_kept in guard((Part(row(BAD), row(GOOD)),))], [True])

    def test_slow_twice(self) -> None:
        [(found, is_kept)] = guard((Part(row(BAD), row(BAD)),))
        self.assertFalse(is_kept)
        self.assertIn("BROKEN", line(found, is_kept))
        self.assertIn(f"at most {TARGETS[KEY].guard:g}", line(found, is_kept))

    def test_a_promise_that_was_broken_once_is_broken(self) -> None:
        [(found, is_kept)] = guard((Part(row(GOOD, "each once: reading-2: event 7 comes twice"), row(GOOD)),))
        self.assertFalse(is_kept)
        self.assertIn("event 7 comes twice", line(found, is_kept))

    def test_nothing_was_measured(self) -> None:
        self.assertEqual([is_kept for _, is_kept in guard((Part(row(None), row(None)),))], [False])
