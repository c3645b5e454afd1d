"""Tests of ``vizd.access.rates``, on a clock that is a number."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vizd.access.rates import Rates, party


class RatesTests(SynchronousTestCase):
    """So much a second, and some at once."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.rates = Rates(2, 5, self.clock.seconds)

    def allowed(self, key: str, tries: int = 100) -> int:
        return sum(self.rates.allows(key) for _ in range(tries))

    def test_some_are_allowed_at_once_and_then_so_many_a_second(self) -> None:
        self.assertEqual(self.allowed("a"), 5)
        self.clock.advance(0.5)
        self.assertEqual(self.allowed("a"), 1)
        self.clock.advance(1)
        self.assertEqual(self.allowed("a"), 2)

    def test_however_long_it_was_quiet_no_more_are_allowed_at_once(self) -> None:
        self.clock.advance(1_000)
        self.assertEqual(self.allowed("a"), 5)

    def test_each_has_its_own(self) -> None:
        self.allowed("a")
        self.assertEqual(self.allowed("b"), 5)

    def test_whoever_tries_without_pause_gets_no_less(self) -> None:
        self.allowed("a")
        allowed = 0
        for _ in range(1_000):
            self.clock.advance(0.01)
            allowed += self.rates.allows("a")
        self.assertIn(allowed, (19, 20))

    def test_the_table_is_bounded_and_the_quiet_ones_go_first(self) -> None:
        self.rates.MAX_KEYS = 100  # type: ignore[misc]
        self.allowed("busy")
        for number in range(1_000):
            self.rates.allows(str(number))
            self.rates.allows("busy")
        self.assertEqual(len(self.rates), 100)
        self.assertEqual(self.allowed("busy"), 0)

    def test_it_says_when_to_try_again(self) -> None:
        for per_s, wait_s in ((2, 1), (1, 1), (0.5, 2), (0.3, 4), (1_000, 1)):
            self.assertEqual(Rates(per_s, 1, self.clock.seconds).wait_s(), wait_s)


class PartyTests(SynchronousTestCase):
    """Whom an address stands for."""

    def test_an_ipv4_address_stands_for_itself_however_it_is_written(self) -> None:
        for text in ("10.1.2.3", "::ffff:10.1.2.3"):
            self.assertEqual(party(text), "10.1.2.3")

    def test_an_ipv6_address_stands_for_its_network(self) -> None:
        self.assertEqual(party("2001:db8::1"), party("2001:db8::ffff:1"))
        self.assertNotEqual(party("2001:db8::1"), party("2001:db8:0:1::1"))
        self.assertEqual(party("fe80::1%eth0"), party("fe80::2"))
        self.assertEqual(party("::1"), "::1")

    @settings(deadline=None)
    @given(st.text(max_size=50))
    def test_any_text_stands_for_something(self, text: str) -> None:
        self.assertIsInstance(party(text), str)
