"""Tests of ``vizd.state.received``."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.state.received import SLOT_MS, Received


class ReceivedTests(SynchronousTestCase):
    """Events by slots of ten seconds."""

    @settings(deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 25_000), st.integers(1, 9)), max_size=30),
        st.integers(0, 300_000),
        st.integers(0, 300_000),
        st.integers(0, 300_000),
    )
    def test_slots_that_have_a_part_in_the_range_count_whole(
        self, came: list[tuple[int, int]], from_ms: int, to_ms: int, trimmed_ms: int
    ) -> None:
        received, told, at_ms = Received(), [], 0
        for distance_ms, events in came:
            at_ms += distance_ms
            received.add(at_ms, events)
            told.append((at_ms // SLOT_MS * SLOT_MS, events))

        def right(from_ms: int) -> int:
            inside = [each for slot_ms, each in told if from_ms < slot_ms + SLOT_MS and slot_ms < to_ms]
            return sum(inside) if from_ms < to_ms else 0

        self.assertEqual(received.between(from_ms, to_ms), right(from_ms))
        received.trim(trimmed_ms)
        from_ms = max(from_ms, trimmed_ms)
        self.assertEqual(received.between(from_ms, to_ms), right(from_ms))

    def test_beyond_its_bound_older_slots_are_joined_and_nothing_is_lost(self) -> None:
        received = Received()
        for slot in range(10_000):
            received.add(slot * SLOT_MS, 1)
        self.assertEqual(received.between(0, 2**64), 10_000)
        recent = 10_000 - Received.MAX // 2
        self.assertEqual(received.between(recent * SLOT_MS, 2**64), Received.MAX // 2)
        self.assertEqual(received.between(9_999 * SLOT_MS, 10_000 * SLOT_MS), 1)
