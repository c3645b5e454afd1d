from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from vizd.sim.timeline import Timeline


def run(timeline: Timeline) -> None:
    while timeline.next_due_ms() is not None:
        timeline.make_next_call()


class TimelineTests(TestCase):
    @given(delays_ms=st.lists(st.integers(0, 50)))
    def test_calls_come_in_the_order_of_their_time_and_then_of_their_asking(self, delays_ms: list[int]) -> None:
        timeline = Timeline(1_000)
        made: list[tuple[int, int]] = []
        for number, delay_ms in enumerate(delays_ms):
            timeline.after(delay_ms, lambda number=number: made.append((timeline.now_ms, number)))
        run(timeline)
        self.assertEqual(made, sorted((1_000 + delay_ms, number) for number, delay_ms in enumerate(delays_ms)))

    def test_a_call_may_ask_for_another(self) -> None:
        timeline = Timeline(0)
        made: list[int] = []
        timeline.after(5, lambda: timeline.after(7, lambda: made.append(timeline.now_ms)))
        run(timeline)
        self.assertEqual(made, [12])

    def test_what_is_postponed_keeps_its_distance_from_the_present(self) -> None:
        timeline = Timeline(0)
        timeline.after(5, lambda: None)
        timeline.postpone(100)
        self.assertEqual((timeline.now_ms, timeline.next_due_ms()), (100, 105))

    def test_a_time_in_the_past_is_the_present(self) -> None:
        timeline = Timeline(10)
        timeline.after(-5, lambda: None)
        self.assertEqual(timeline.next_due_ms(), 10)
