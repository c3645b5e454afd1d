"""Tests of ``vizd.web.query``."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import parse_qs

from vizd.stream.filter import Filter
from vizd.web.query import Query


def query(text: str) -> Query:
    """As twisted.web reads it."""
    return Query(parse_qs(text.encode(), 1))


class QueryTests(SynchronousTestCase):
    """Parameters as values."""

    def assert_wrong(self, text: str, name: str, kind: str) -> None:
        with self.assertRaises(ValueError) as raised:
            getattr(query(text), kind)(*([] if kind in ("filter", "state") else [name]))
        self.assertTrue(str(raised.exception).startswith(f"{name}: "), str(raised.exception))
        self.assertIn("use ", str(raised.exception))

    def test_times_are_milliseconds_since_the_epoch(self) -> None:
        self.assertEqual(query("from=0").milliseconds("from"), 0)
        self.assertEqual(query("from=18446744073709551615").milliseconds("from"), 2**64 - 1)
        self.assertEqual(query("from=%20123%20").milliseconds("from"), 123)
        self.assertIsNone(query("to=1").milliseconds("from"))

    def test_a_wrong_time_is_named(self) -> None:
        for value in ("", "x", "-1", "1.5", "1e3", "18446744073709551616", "9" * 5_000, "%D9%A1", "%FF", "0x10", "+"):
            self.assert_wrong(f"from={value}", "from", "milliseconds")

    def test_a_count_is_at_least_1(self) -> None:
        self.assertEqual(query("limit=1").count("limit"), 1)
        for value in ("0", "", "-1", "all"):
            self.assert_wrong(f"limit={value}", "limit", "count")

    def test_a_flag_is_true_or_false_in_any_case(self) -> None:
        for text, right in (
            ("json=true", True), ("json=TRUE", True), ("json=1", True), ("json=false", False), ("json=False", False),
            ("json=0", False), ("json=", False), ("", False),
        ):  # fmt: skip
            self.assertIs(query(text).flag("json"), right, text)
        for value in ("yes", "2", "tru", "%00"):
            self.assert_wrong(f"json={value}", "json", "flag")

    def test_a_duration_may_be_zero(self) -> None:
        self.assertEqual(query("max_lag_ms=0").duration_ms("max_lag_ms"), 0)
        self.assertEqual(query("max_lag_ms=2500").duration_ms("max_lag_ms"), 2_500)
        self.assertIsNone(query("").duration_ms("max_lag_ms"))
        for wrong in ("-1", "1.5", "soon"):
            self.assert_wrong(f"max_lag_ms={wrong}", "max_lag_ms", "duration_ms")

    def test_a_budget_is_a_whole_number_of_kilobits_within_bounds(self) -> None:
        for text, right in (("max_kbps=1", 1), ("max_kbps=20", 20), ("max_kbps=10000000", 10_000_000), ("", None)):
            self.assertEqual(query(text).kbps("max_kbps"), right)
        for wrong in ("0", "-1", "1e12", "1000000000000", "10000001", "abc", "", "20.5", "%D9%A1"):
            self.assert_wrong(f"max_kbps={wrong}", "max_kbps", "kbps")
        with self.assertRaisesRegex(ValueError, "from 1 to 10000000"):
            query("max_kbps=0").kbps("max_kbps")

    def test_the_state_is_wanted_unless_it_is_not(self) -> None:
        for text, right in (("state=true", "NEWEST"), ("state=ALL", "ALL"), ("state=False", "NONE"), ("", "NEWEST")):
            self.assertEqual(query(text).state().name, right)
        self.assert_wrong("state=some", "state", "state")

    def test_a_filter_has_three_axes(self) -> None:
        self.assertIs(query("").filter(), Filter.of())
        self.assertIs(query("nodes=&types=&shards=").filter(), Filter.of())
        self.assertIs(
            query("types=raft,%20HEAT&nodes=1,2&shards=3").filter(), Filter.of(["Raft", "SlotHeat"], [1, 2], [3])
        )

    def test_a_wrong_axis_is_named(self) -> None:
        for text, name in (("types=raft,waal", "types"), ("nodes=1,x", "nodes"), ("shards=4294967296", "shards")):
            self.assert_wrong(text, name, "filter")

    def test_the_last_of_several_counts_and_unknown_ones_are_ignored(self) -> None:
        self.assertEqual(query("from=1&from=2&position=x&max_kbps=y").milliseconds("from"), 2)
        self.assertIs(query("nodes=1&nodes=2").filter(), Filter.of(nodes=[2]))

    @settings(deadline=None)
    @given(st.binary(max_size=40), st.sampled_from(["milliseconds", "count", "flag", "filter"]))
    def test_any_value_is_read_or_refused(self, value: bytes, kind: str) -> None:
        for name in ("from", "types", "nodes"):
            try:
                getattr(Query({name.encode(): [value]}), kind)(*([] if kind in ("filter", "state") else [name]))
            except ValueError as why:
                self.assertTrue(str(why).startswith(f"{name}: "))
