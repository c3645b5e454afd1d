"""Tests of ``vizd.stream.conflation``."""

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.events.catalogue import TYPES
from vizd.stream.conflation import MAX_LOGS, Conflation
from vizd.stream.digest import Digest

EVENT_BYTES = 20
PLENTY = 1 << 30


class Line:
    """A conflation, and windows of events that can be told apart."""

    def __init__(self, max_keys: int = 10**6) -> None:
        self.waiting = Conflation()
        self.max_keys = max_keys
        self.events = 0

    def window(
        self,
        gauges: Iterable[object] = (),
        phases: Iterable[object] = (),
        logs: Iterable[object] = (),
        transitions: Iterable[object] = (),
        size_bytes: int = EVENT_BYTES,
    ) -> None:
        """One with an event of each of these keys, or of these names; they are counted as Wal."""

        def event(name: object) -> bytes:
            self.events += 1
            return b"%s@%d" % (str(name).encode(), self.events) + b" " * (size_bytes - len(f"{name}@{self.events}"))

        before = self.events
        of_phases = {b"%s" % str(key).encode(): (self.events, event(key)) for key in phases}
        of_gauges = {b"%s" % str(key).encode(): (self.events, event(key)) for key in gauges}
        of_logs = [(self.events, event(name)) for name in logs]
        urgent = [event(name) for name in transitions]
        count = self.events - before
        counts = [count] + [0] * (len(TYPES) - 1)
        self.waiting.add(Digest(count, counts, urgent, of_logs, of_phases, of_gauges), self.max_keys)

    def take(self, events: int, largest: int = PLENTY, max_events: int = 10**6) -> list[str]:
        """Names of what goes when there is room for so many."""
        taken = self.waiting.take(events * (EVENT_BYTES + 1), largest, max_events, lambda event: event)
        return [event.decode().split("@")[0] for event in taken]


class NewestOfEachKeyTests(SynchronousTestCase):
    """Phases and gauges."""

    def test_of_a_key_that_changes_while_it_waits_only_the_newest_goes(self) -> None:
        line = Line()
        for _ in range(3):
            line.window(gauges=["a", "b"])
        taken = line.waiting.take(PLENTY, PLENTY, 99, lambda event: event.strip())
        self.assertEqual(taken, [b"a@5", b"b@6"])
        self.assertEqual((len(line.waiting), line.take(99)), (0, []))

    def test_a_key_that_changes_keeps_its_place_in_the_line(self) -> None:
        line = Line()
        line.window(gauges=["first", "second", "third"])
        line.window(gauges=["third", "first"])
        self.assertEqual([line.take(1) for _ in range(3)], [["first"], ["second"], ["third"]])

    def test_of_1000_keys_some_of_which_change_in_every_window_each_goes_within_one_round(self) -> None:
        line = Line()
        since: dict[str, int] = {}
        for turn in range(200):
            changed = [turn * 7 % 1_000, *range(50), *(turn * 131 + each * 3 for each in range(200))]
            keys = dict.fromkeys(f"{each % 1_000}" for each in (changed if turn else range(1_000)))
            for key in keys:
                since.setdefault(key, turn)
            line.window(gauges=keys)
            for key in line.take(100):
                self.assertLess(turn - since.pop(key), 10, "1,000 keys at 100 a batch")
        self.assertLess(max(200 - turn for turn in since.values()), 11)

    def test_a_key_that_waits_is_known_and_one_that_went_is_not(self) -> None:
        line = Line()
        line.window(gauges=["a"], phases=["b"])
        self.assertEqual((b"a" in line.waiting, b"b" in line.waiting, b"c" in line.waiting), (True, True, False))
        line.take(2)
        self.assertEqual((b"a" in line.waiting, b"b" in line.waiting), (False, False))

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.sets(st.integers(0, 12)), st.sets(st.integers(20, 25)), st.integers(0, 6))))
    def test_whatever_goes_when_the_last_that_goes_of_a_key_is_its_newest(
        self, windows: list[tuple[set[int], set[int], int]]
    ) -> None:
        line, went, newest = Line(), list[str](), dict[str, str]()
        for gauges, phases, room in [*windows, *[(set[int](), set[int](), 100)] * 3]:
            before = line.events
            line.window(gauges=gauges, phases=phases)
            newest |= {str(key): f"{key}@{before + 1 + at}" for at, key in enumerate([*phases, *gauges])}
            taken = line.waiting.take(room * (EVENT_BYTES + 1), PLENTY, 99, lambda event: event.strip())
            went += [event.decode() for event in taken]
        self.assertEqual(len(went), len(set(went)), "nothing goes twice")
        self.assertEqual({text.split("@")[0]: text for text in went}, newest)


class TurnTests(SynchronousTestCase):
    """Who goes when there is not room for all."""

    def test_a_flood_of_gauges_does_not_delay_phases_and_logs(self) -> None:
        line = Line()
        since: dict[str, int] = {}
        for turn in range(60):
            line.window(gauges=range(5_000), phases=[f"phase {turn}"], logs=[f"log {turn}"])
            since |= {f"phase {turn}": turn, f"log {turn}": turn}
            for name in set(line.take(10)) & since.keys():
                self.assertLess(turn - since.pop(name), 3, "each line is the first of three")
        self.assertLessEqual(len(since), 6)

    def test_nor_does_a_flood_of_logs_delay_gauges(self) -> None:
        line = Line()
        line.window(logs=range(400), gauges=["gauge"])
        self.assertIn("gauge", line.take(10) + line.take(10) + line.take(10))

    def test_they_go_in_order_of_arrival_whatever_they_are(self) -> None:
        line = Line()
        for turn in range(3):
            line.window(gauges=[f"gauge {turn}"])
            line.window(logs=[f"log {turn}"])
            line.window(phases=[f"phase {turn}"])
        self.assertEqual(line.take(99), [f"{kind} {turn}" for turn in range(3) for kind in ("gauge", "log", "phase")])

    def test_each_needs_room_for_itself_and_one_byte_more(self) -> None:
        line = Line()
        line.window(gauges=["a", "b"])
        room = 2 * (EVENT_BYTES + 1)
        self.assertEqual(len(line.waiting.take(room - 1, PLENTY, 99, lambda event: event)), 1)

    def test_room_is_measured_in_the_encoding_in_which_they_go(self) -> None:
        line = Line()
        line.window(gauges=["a", "b", "c"])
        taken = line.waiting.take(8, PLENTY, 99, lambda event: event[:3])
        self.assertEqual(taken, [b"a@1", b"b@2"])

    def test_without_room_nothing_goes_and_all_goes_on_waiting(self) -> None:
        line = Line()
        line.window(gauges=["a"], logs=["b"], phases=["c"])
        for room in (0, -100_000):
            self.assertEqual(line.take(room), [])
        self.assertEqual(len(line.waiting), 3)

    def test_no_more_go_than_a_message_may_hold(self) -> None:
        line = Line()
        line.window(gauges=range(10), logs=range(10))
        self.assertEqual((len(line.take(99, max_events=7)), len(line.waiting)), (7, 13))

    def test_an_event_that_never_has_room_is_left_out_and_blocks_nothing(self) -> None:
        line = Line()
        line.window(gauges=["too large"], size_bytes=2_000)
        line.window(gauges=["a"], phases=["b"])
        self.assertEqual(line.take(99, largest=1_500), ["b", "a"])
        self.assertEqual((len(line.waiting), line.waiting.events), (0, 3), "it is counted all the same")


class BoundTests(SynchronousTestCase):
    """What waits is bounded."""

    def test_a_key_beyond_the_bound_is_counted_and_does_not_wait(self) -> None:
        line = Line(max_keys=3)
        line.window(gauges=["a", "b", "c", "d"])
        self.assertEqual((len(line.waiting), b"d" in line.waiting, line.waiting.events), (3, False, 4))

    def test_keys_that_wait_already_are_brought_up_to_date_even_where_there_is_no_room_for_others(self) -> None:
        line = Line(max_keys=2)
        line.window(gauges=["a", "b"])
        line.window(gauges=["c", "a"])
        taken = line.waiting.take(PLENTY, PLENTY, 99, lambda event: event.strip())
        self.assertEqual(taken, [b"b@2", b"a@4"])

    def test_it_may_wait_when_it_changes_and_there_is_room(self) -> None:
        line = Line(max_keys=1)
        line.window(gauges=["a", "b"])
        line.take(1)
        line.window(gauges=["b"])
        self.assertEqual(line.take(1), ["b"])

    def test_phases_and_gauges_share_the_bound_and_a_smaller_one_drives_nothing_out(self) -> None:
        line = Line(max_keys=4)
        line.window(gauges=range(3), phases=["p", "q"])
        self.assertEqual(len(line.waiting), 4)
        line.max_keys = 1
        line.window(gauges=range(3), phases=["new"])
        self.assertEqual((len(line.waiting), b"new" in line.waiting), (4, False))

    def test_a_phase_takes_the_place_of_the_gauge_that_came_last(self) -> None:
        line = Line(max_keys=3)
        line.window(gauges=["a", "b", "c"])
        line.window(phases=["p"], gauges=["b", "d"])
        line.window(phases=["p"])
        self.assertEqual((sorted(line.take(99)), len(line.waiting)), (["a", "b", "p"], 0))
        line.window(phases=["p", "q", "r", "s"], gauges=["a"])
        self.assertEqual(line.take(99), ["p", "q", "r"], "but there are no more keys than may be")

    def test_so_a_flood_of_gauges_delays_no_phase_though_it_takes_all_the_room_there_is(self) -> None:
        line = Line(max_keys=20)
        sent: list[str] = []
        for turn in range(50):
            line.window(gauges=range(turn, turn + 40), phases=[f"phase {turn}"])
            sent += line.take(6)
        phases = [int(name.split()[1]) for name in sent if name.startswith("phase")]
        self.assertEqual(sorted(phases), list(range(len(phases))))
        self.assertGreater(len(phases), 45)

    def test_of_the_logs_the_newest_wait(self) -> None:
        line = Line()
        for first in range(0, 3 * MAX_LOGS, 100):
            line.window(logs=range(first, first + 100))
        self.assertEqual(line.take(10 * MAX_LOGS), [str(each) for each in range(2 * MAX_LOGS, 3 * MAX_LOGS)])
        line.window(logs=range(5 * MAX_LOGS))
        self.assertEqual(len(line.waiting), MAX_LOGS)

    def test_what_waits_is_added_up(self) -> None:
        line = Line()
        line.window(gauges=["a"], phases=["b"], logs=["c"], transitions=["d"])
        self.assertEqual(line.waiting.bytes_waiting(), 3 * (EVENT_BYTES + 1))


class CountTests(SynchronousTestCase):
    """What has happened."""

    def test_all_is_counted_whether_it_goes_or_not(self) -> None:
        line = Line(max_keys=1)
        line.window(gauges=range(10), logs=range(MAX_LOGS + 10))
        line.window(transitions=range(5))
        self.assertEqual((line.waiting.events, line.waiting.counts[0]), (MAX_LOGS + 25, MAX_LOGS + 25))
        line.take(3)
        self.assertEqual(line.waiting.events, MAX_LOGS + 25, "taking is no telling")

    def test_once_it_is_told_it_counts_anew_and_what_waits_goes_on_waiting(self) -> None:
        line = Line()
        line.window(gauges=["a", "b"], transitions=["t"])
        self.assertEqual([event.split(b"@")[0] for event in line.waiting.transitions], [b"t"])
        line.waiting.told()
        self.assertEqual((line.waiting.events, sum(line.waiting.counts), line.waiting.transitions), (0, 0, []))
        line.window(gauges=["c"])
        self.assertEqual((line.waiting.events, line.take(9)), (1, ["a", "b", "c"]))
