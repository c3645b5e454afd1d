"""From ticks to windows."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tests.log.drafts import arrival, mark
from vizd.log.coalescer import Arrival, Coalescer
from vizd.log.memory import MemoryLog
from vizd.log.window import Window

WALL_MS = 1_764_547_200_000
HOUR_MS = 3_600_000


class Bench:
    """A coalescer over a log, and two clocks that are numbers."""

    def __init__(self, now_ms: int = WALL_MS, monotonic_ms: int = 500) -> None:
        self.log = MemoryLog("here", 24 * HOUR_MS, 1 << 30)
        self.windows: list[Window] = []
        self.log.listen(self.windows.append)
        self.now_ms, self.monotonic_ms = now_ms, monotonic_ms
        self.coalescer = Coalescer(self.log, now_ms, monotonic_ms)

    def tick(self, *arrivals: Arrival, after_ms: int = 50, jump_ms: int = 0) -> list[Window]:
        """Tick ``after_ms`` after the last one; ``jump_ms``: by how much the wall clock was set meanwhile."""
        self.monotonic_ms += after_ms
        self.now_ms += after_ms + jump_ms
        known = len(self.windows)
        self.coalescer.tick(arrivals, self.now_ms, self.monotonic_ms)
        return self.windows[known:]

    def spans(self) -> list[tuple[int, int]]:
        """Of each window, from the beginning of the test."""
        return [(window.start_ms - WALL_MS, window.end_ms - WALL_MS) for window in self.windows]


class CoalescerTests(TestCase):
    def test_a_tick_makes_one_window_of_all_that_arrived_in_order_of_arrival(self) -> None:
        [window] = Bench().tick(arrival(2, 2), arrival(5, 3), arrival(6))
        self.assertEqual(list(window.fragments), [b"1", b"2", b"3", b"4", b"5", b"6"])
        self.assertEqual(list(window.marks), [mark(2, 2), mark(5, 3), mark(6)])
        self.assertEqual(len(window.facets), 6)

    def test_a_window_spans_the_time_since_the_last_tick(self) -> None:
        bench = Bench()
        bench.tick(arrival(1))
        bench.tick(arrival(2), after_ms=70)
        bench.tick()
        bench.tick(arrival(3), after_ms=40)
        self.assertEqual(bench.spans(), [(0, 50), (50, 120), (170, 210)])

    def test_a_window_ends_where_the_next_begins_though_the_clocks_are_rounded_each_for_itself(self) -> None:
        bench = Bench()
        for number in range(60):
            bench.tick(arrival(1), after_ms=50, jump_ms=(1, -1, 0, 2, -2)[number % 5])
            bench.tick(after_ms=50, jump_ms=(0, 1, -1)[number % 3])
        for number in range(60):
            bench.tick(*([arrival(1)] if number == 59 else []), after_ms=49, jump_ms=number % 3 - 1)
        spans = bench.spans()
        self.assertTrue(all(end <= start for (_, end), (start, _) in pairwise(spans)), spans)

    def test_windows_of_one_tick_share_its_time(self) -> None:
        bench = Bench()
        bench.tick(arrival(1, 9_000), arrival(9_001, 9_000), arrival(18_001, 9_000))
        bench.tick(arrival(27_001))
        self.assertEqual(bench.spans(), [(0, 16), (16, 33), (33, 50), (50, 100)])

    def test_nothing_arrived_and_no_second_has_passed_so_there_is_no_window(self) -> None:
        bench = Bench()
        for _ in range(19):
            self.assertEqual(bench.tick(), [])

    def test_a_silent_second_makes_one_empty_window_that_stands_for_all_of_it(self) -> None:
        bench = Bench()
        for _ in range(20 * 3):
            bench.tick()
        self.assertEqual(bench.spans(), [(0, 1_000), (1_000, 2_000), (2_000, 3_000)])
        self.assertTrue(all(not window.fragments and not window.marks for window in bench.windows))

    def test_silence_is_counted_from_the_last_window(self) -> None:
        bench = Bench()
        bench.tick(arrival(1), after_ms=990)
        for _ in range(19):
            self.assertEqual(bench.tick(), [])
        [empty] = bench.tick()
        self.assertEqual((empty.start_ms - WALL_MS, empty.end_ms - WALL_MS), (990, 1_990))

    def test_there_is_never_more_than_a_second_and_a_tick_without_a_window(self) -> None:
        bench = Bench()
        for _ in range(100):
            bench.tick(after_ms=130)
        ends = [end for _start, end in bench.spans()]
        self.assertTrue(all(0 < after - before < 1_000 + 130 for before, after in zip([0, *ends], ends, strict=False)))

    def test_a_mark_without_events_makes_a_window(self) -> None:
        connected = Arrival(mark(0, 0), [], [], 0)
        [window] = Bench().tick(connected)
        self.assertEqual((list(window.marks), list(window.fragments)), ([connected.mark], []))

    def test_a_clock_that_is_set_back_an_hour_leaves_starts_increasing_and_lengths_true(self) -> None:
        bench = Bench()
        bench.tick(arrival(1))
        bench.tick(arrival(2), jump_ms=-HOUR_MS)
        bench.tick(arrival(3))
        bench.tick(arrival(4))
        self.assertEqual(bench.spans(), [(0, 50), (50, 100), (51, 101), (52, 102)])

    def test_a_clock_that_is_set_ahead_is_followed(self) -> None:
        bench = Bench()
        bench.tick(arrival(1))
        bench.tick(arrival(2), jump_ms=HOUR_MS)
        bench.tick(arrival(3))
        self.assertEqual(bench.spans(), [(0, 50), (50, 100), (HOUR_MS + 100, HOUR_MS + 150)])

    def test_an_empty_window_has_its_true_length_though_the_clock_jumps_in_the_silence(self) -> None:
        for jump_ms in (-HOUR_MS, HOUR_MS):
            bench = Bench()
            bench.tick(arrival(1))
            [empty] = bench.tick(after_ms=1_000, jump_ms=jump_ms)
            self.assertEqual(empty.end_ms - empty.start_ms, 1_000)

    def test_two_ticks_in_one_millisecond_make_windows_that_lie_behind_each_other(self) -> None:
        bench = Bench()
        for seq in range(1, 4):
            bench.tick(arrival(seq), after_ms=0)
        self.assertEqual(bench.spans(), [(0, 1), (1, 2), (2, 3)])

    def test_more_than_10000_events_make_several_windows(self) -> None:
        windows = Bench().tick(*[arrival(4_000 * number, 4_000) for number in range(1, 6)])
        self.assertEqual([len(window.fragments) for window in windows], [8_000, 8_000, 4_000])
        self.assertEqual([len(window.marks) for window in windows], [2, 2, 1])

    def test_exactly_10000_events_are_one_window(self) -> None:
        [window] = Bench().tick(arrival(5_000, 5_000), arrival(10_000, 5_000))
        self.assertEqual(len(window.fragments), 10_000)

    def test_more_than_a_mebibyte_makes_several_windows(self) -> None:
        windows = Bench().tick(*[arrival(number, size_bytes=1 << 19) for number in range(1, 6)])
        self.assertEqual([len(window.fragments) for window in windows], [2, 2, 1])

    def test_a_message_is_never_divided(self) -> None:
        windows = Bench().tick(arrival(1), arrival(10_001, 10_000), arrival(10_002))
        self.assertEqual([len(window.fragments) for window in windows], [1, 10_000, 1])
        windows = Bench().tick(arrival(1), arrival(2, size_bytes=5 << 20), arrival(3))
        self.assertEqual([len(window.fragments) for window in windows], [1, 1, 1])

    def test_after_windows_of_a_full_tick_there_is_no_empty_one(self) -> None:
        windows = Bench().tick(arrival(10_000, 10_000), arrival(20_000, 10_000), after_ms=5_000)
        self.assertEqual([len(window.fragments) for window in windows], [10_000, 10_000])

    @settings(deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 1_500),
                st.sampled_from([0, 0, 0, -HOUR_MS, HOUR_MS, -1, 7]),
                st.lists(st.integers(0, 6_000), max_size=4),
            ),
            max_size=15,
        )
    )
    def test_whatever_arrives_and_whatever_the_clock_does(self, ticks: list[tuple[int, int, list[int]]]) -> None:
        bench, seq, sent = Bench(), 0, []
        for after_ms, jump_ms, sizes in ticks:
            arrivals = []
            for events in sizes:
                seq += events
                arrivals.append(arrival(seq, events))
            sent += arrivals
            made = bench.tick(*arrivals, after_ms=after_ms, jump_ms=jump_ms)
            self.assertTrue(made or not arrivals, "what arrives is in the log at once")
        windows = bench.windows
        fragments = [fragment for window in windows for fragment in window.fragments]
        self.assertEqual(fragments, [b"%d" % number for number in range(1, seq + 1)])
        self.assertEqual([each for window in windows for each in window.marks], [each.mark for each in sent])
        for window in windows:
            self.assertEqual(len(window.fragments), sum(each.events for each in window.marks))
            self.assertLessEqual(len(window.fragments), 10_000)
        starts = [window.start_ms for window in windows]
        self.assertEqual(sorted(set(starts)), starts)
