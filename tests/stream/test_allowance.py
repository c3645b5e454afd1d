"""Tests of ``vizd.stream.allowance``."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.stream.allowance import MAX_KBPS, MIN_KBPS, Allowance

BUDGETS = st.sampled_from([MIN_KBPS, 8, 20, 150, 10_000, MAX_KBPS])
STEPS = st.lists(st.tuples(st.floats(0, 3_000), st.floats(0, 1)), max_size=60)
"""How long nothing goes, in ms, and what share of the room goes then."""


class RoomTests(SynchronousTestCase):
    """What may go now; 80 kbit/s are 10 bytes a millisecond."""

    def test_a_new_line_has_room_at_once_but_for_no_more_than_a_second_brings(self) -> None:
        for kbps in (MIN_KBPS, 8, 20, 80, 10_000, MAX_KBPS):
            room = Allowance(kbps, 5_000).room(5_000)
            self.assertTrue(0 < room <= kbps * 125, (kbps, room))

    def test_what_has_gone_takes_room_until_time_has_passed(self) -> None:
        line = Allowance(80, 0)
        full = line.room(0)
        line.spend(1_000, 0)
        self.assertEqual(line.room(0), full - 1_000)
        self.assertLess(line.room(50), full)
        self.assertEqual(line.room(9_000), full)

    def test_an_idle_line_saves_up_no_more_than_it_had_at_first(self) -> None:
        line = Allowance(80, 0)
        full = line.room(0)
        self.assertEqual(line.room(3_600_000), full)

    def test_a_clock_that_stands_still_gives_nothing(self) -> None:
        line = Allowance(80, 0)
        line.spend(line.room(0), 0)
        self.assertEqual({line.room(0) for _ in range(100)}, {0})

    def test_a_line_that_is_asked_often_goes_evenly_and_uses_most_of_its_budget(self) -> None:
        line, went = Allowance(80, 0), [0] * 60
        for now_ms in range(0, 60_000, 50):
            size_bytes = max(0, line.room(now_ms))
            line.spend(size_bytes, now_ms)
            went[now_ms // 1_000] += size_bytes
        self.assertGreater(min(went), 7_000)
        self.assertGreater(sum(went), 0.8 * 600_000)

    @settings(deadline=None)
    @given(BUDGETS, STEPS)
    def test_who_keeps_to_the_room_is_within_the_budget_over_any_two_seconds(
        self, kbps: int, steps: list[tuple[float, float]]
    ) -> None:
        line, now_ms, went = Allowance(kbps, 0), 0.0, []
        for passed_ms, share in steps:
            now_ms += passed_ms
            size_bytes = int(max(0, line.room(now_ms)) * share)
            line.spend(size_bytes, now_ms)
            went.append((now_ms, size_bytes))
            span = sum(size for then_ms, size in went if now_ms - then_ms <= 2_000)
            self.assertLessEqual(span, kbps * 250)

    @settings(deadline=None)
    @given(BUDGETS, STEPS)
    def test_whatever_went_all_the_room_comes_back(self, kbps: int, steps: list[tuple[float, float]]) -> None:
        line, now_ms, spent_bytes = Allowance(kbps, 0), 0.0, 0
        for passed_ms, share in steps:
            now_ms += passed_ms
            spent_bytes += int(kbps * 1_000 * share)
            line.spend(int(kbps * 1_000 * share), now_ms)
        at_last_ms = now_ms + 2 * spent_bytes / (kbps / 8) + 5_000
        self.assertEqual(line.room(at_last_ms), Allowance(kbps, 0).room(0))


class DebtTests(SynchronousTestCase):
    """What goes though there is no room for it."""

    def test_nothing_else_goes_until_it_is_paid(self) -> None:
        line = Allowance(80, 0)
        line.spend(line.room(0) + 100_000, 0)
        self.assertEqual([line.room(now_ms) > 0 for now_ms in (0, 5_000, 9_999, 15_000)], [False, False, False, True])

    def test_debts_add_up(self) -> None:
        line = Allowance(80, 0)
        line.spend(line.room(0), 0)
        for _ in range(3):
            line.spend(20_000, 0)
        self.assertEqual([line.room(now_ms) > 0 for now_ms in (5_999, 9_000)], [False, True])

    def test_another_budget_leaves_the_debt_and_pays_it_at_another_pace(self) -> None:
        line = Allowance(80, 0)
        line.spend(line.room(0) + 100_000, 0)
        line.set_kbps(160)
        self.assertEqual([line.room(now_ms) > 0 for now_ms in (4_999, 7_500)], [False, True])

    def test_a_smaller_budget_holds_at_once(self) -> None:
        line = Allowance(80, 0)
        line.set_kbps(8)
        self.assertLessEqual(line.room(0), 1_000)


class UnusedTests(SynchronousTestCase):
    """A line on which nothing has gone lately."""

    def test_a_new_one_is_unused(self) -> None:
        self.assertTrue(Allowance(20, 0).is_unused(0))

    def test_what_has_gone_is_remembered_for_two_seconds_and_a_little(self) -> None:
        line = Allowance(20, 0)
        line.spend(1, 0)
        self.assertEqual([line.is_unused(now_ms) for now_ms in (0, 2_000, 2_400)], [False, False, True])

    def test_a_line_that_owes_is_in_use(self) -> None:
        line = Allowance(20, 0)
        line.spend(line.room(0) + 12_500, 0)
        self.assertEqual([line.is_unused(now_ms) for now_ms in (4_999, 8_000)], [False, True])
