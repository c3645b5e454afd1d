"""Refused calls: all of them counted, few of them told."""

from collections import Counter

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase

from vizd.ingest.turned_away import HAND_OVER_EVERY_S, TELL_EVERY_S, HandOver, TurnedAway


class HandOverTests(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.taken: list[tuple[dict[str, int], str]] = []
        self.hand_over = HandOver(self.clock.callLater, lambda counts, last: self.taken.append((dict(counts), last)))

    def test_thousands_are_handed_over_once_with_the_last_of_them(self) -> None:
        for number in range(5_000):
            self.hand_over.add("one" if number % 2 else "two", f"address {number}")
        self.assertEqual(self.taken, [])
        self.clock.advance(HAND_OVER_EVERY_S)
        self.assertEqual(self.taken, [({"one": 2_500, "two": 2_500}, "address 4999")])

    def test_later_ones_are_handed_over_later(self) -> None:
        for address in ("a", "b"):
            self.hand_over.add("one", address)
            self.clock.advance(HAND_OVER_EVERY_S)
        self.clock.advance(10 * HAND_OVER_EVERY_S)
        self.assertEqual(self.taken, [({"one": 1}, "a"), ({"one": 1}, "b")])

    def test_at_the_end_what_is_left_is_handed_over_once(self) -> None:
        self.hand_over.add("one", "a")
        self.hand_over.hand_over()
        self.clock.advance(HAND_OVER_EVERY_S)
        self.assertEqual(self.taken, [({"one": 1}, "a")])


class TurnedAwayTests(TestCase):
    def setUp(self) -> None:
        self.refusals: Counter[str] = Counter(host=1)
        self.now_s = 0.0
        self.turned_away = TurnedAway(self.refusals, lambda: self.now_s)
        self.lines: list[str] = []
        globalLogPublisher.addObserver(self.observe)
        self.addCleanup(globalLogPublisher.removeObserver, self.observe)

    def observe(self, event: dict[str, object]) -> None:
        if event.get("log_namespace") == TurnedAway.__module__ + ".TurnedAway":
            self.lines.append(str(event["log_format"]).format(**event))

    def test_they_are_counted_with_all_others(self) -> None:
        self.turned_away.take(Counter(grpc_token=3), "a")
        self.assertEqual(self.refusals, {"host": 1, "grpc_token": 3})

    def test_the_first_are_told_at_once_and_the_others_after_a_while_together(self) -> None:
        for second in range(int(TELL_EVERY_S) + 1):
            self.now_s = float(second)
            self.turned_away.take(Counter(grpc_token=10, grpc_rate=1), f"address {second}")
        first, last = self.lines
        self.assertIn("11 gRPC calls were refused", first)
        self.assertIn("660 gRPC calls were refused since this was last said (grpc_rate 60, grpc_token 600)", last)
        self.assertIn("address 60", last)
