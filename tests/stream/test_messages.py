"""Tests of ``vizd.stream.messages``."""

import json
from typing import Any

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.stream.messages import (
    FilterMessage,
    HistoryCancelMessage,
    HistoryMessage,
    Malformed,
    PauseMessage,
    PingMessage,
    ResumeMessage,
    parse,
)

MAX_TEXT = 400
"""Characters of an error that a person still reads."""


def in_both(fields: Any) -> list[Any]:
    """What ``fields`` is read as, from JSON and from MessagePack."""
    return [parse(json.dumps(fields).encode(), False), parse(msgpack.packb(fields), True)]


class WellFormedTests(SynchronousTestCase):
    """Every message of the contract, in both encodings."""

    def assert_reads(self, fields: dict[str, Any], right: Any) -> None:
        self.assertEqual(in_both(fields), [right, right])

    def test_a_filter_has_three_lists_and_each_may_be_missing_empty_or_null(self) -> None:
        self.assert_reads(
            {"type": "filter", "nodes": [1, 2], "types": ["Raft"], "shards": [3]}, FilterMessage([1, 2], ["Raft"], [3])
        )
        self.assert_reads({"type": "filter"}, FilterMessage())
        self.assert_reads({"type": "filter", "nodes": [], "types": None}, FilterMessage([], None))

    def test_ids_are_32_bits(self) -> None:
        self.assert_reads({"type": "filter", "nodes": [0, 2**32 - 1]}, FilterMessage([0, 2**32 - 1]))

    def test_ten_thousand_ids_are_a_filter(self) -> None:
        ids = list(range(10_000))
        self.assert_reads({"type": "filter", "shards": ids}, FilterMessage(shards=ids))

    def test_the_messages_without_fields(self) -> None:
        for name, right in (
            ("pause", PauseMessage()),
            ("resume", ResumeMessage()),
            ("history_cancel", HistoryCancelMessage()),
            ("ping", PingMessage()),
        ):
            self.assert_reads({"type": name}, right)

    def test_a_resume_may_ask_to_catch_up(self) -> None:
        for value in (True, False, None):
            self.assert_reads({"type": "resume", "catch_up": value}, ResumeMessage(value))

    def test_a_history_has_a_range_and_may_have_a_speed(self) -> None:
        self.assert_reads({"type": "history", "from_ms": 1, "to_ms": 2**64 - 1}, HistoryMessage(1, 2**64 - 1))
        self.assert_reads({"type": "history", "from_ms": 5, "to_ms": 5, "speed": 4}, HistoryMessage(5, 5, 4.0))
        self.assert_reads({"type": "history", "from_ms": 0, "to_ms": 9, "speed": 0.25}, HistoryMessage(0, 9, 0.25))
        self.assert_reads({"type": "history", "from_ms": 0, "to_ms": 9, "speed": None}, HistoryMessage(0, 9))

    def test_whole_milliseconds_may_come_as_floats_as_some_encoders_write_them(self) -> None:
        [_, message] = in_both({"type": "history", "from_ms": 1765000000000.0, "to_ms": 1765000000001.0})
        self.assertEqual((message.from_ms, message.to_ms), (1765000000000, 1765000000001))
        self.assertIsInstance(message.from_ms, int)

    def test_unknown_keys_are_ignored(self) -> None:
        self.assert_reads({"type": "ping", "id": 7, "nodes": "x"}, PingMessage())
        self.assert_reads({"id": {"a": [1]}, "type": "filter", "later": True}, FilterMessage())
        self.assertEqual(parse(msgpack.packb({"a": b"\xfe", "type": "ping"}), True), PingMessage())

    def test_bytes_of_messagepack_may_be_any_spelling_of_the_same_map(self) -> None:
        self.assertEqual(parse(b"\xde\x00\x01\xd9\x04type\xda\x00\x04ping", True), PingMessage())

    def test_space_around_json_is_no_matter(self) -> None:
        self.assertEqual(parse(b' \r\n{ "type" : "ping" }\t', False), PingMessage())


WRONG_MAPS: list[tuple[Any, str, str]] = [
    ({}, "unknown_type", "type is missing"),
    ({"type": None}, "unknown_type", "type is missing"),
    ({"type": 1}, "unknown_type", "type is missing"),
    ({"type": ["ping"]}, "unknown_type", "type is missing"),
    ({"type": {"ping": 1}}, "unknown_type", "type is missing"),
    ({"type": ""}, "unknown_type", "''"),
    ({"type": "Ping"}, "unknown_type", "'Ping'"),
    ({"type": "x" * 100_000}, "unknown_type", "'xxx"),
    ({"Type": "ping"}, "unknown_type", "type is missing"),
    ({"type": "filter", "nodes": 1}, "invalid", "nodes"),
    ({"type": "filter", "nodes": "1,2"}, "invalid", "nodes"),
    ({"type": "filter", "nodes": {"1": 2}}, "invalid", "nodes"),
    ({"type": "filter", "nodes": [1, -1]}, "invalid", "nodes"),
    ({"type": "filter", "nodes": [2**32]}, "invalid", "nodes"),
    ({"type": "filter", "nodes": [2**64 - 1]}, "invalid", "nodes"),
    ({"type": "filter", "nodes": [1.5]}, "invalid", "nodes"),
    ({"type": "filter", "nodes": ["1"]}, "invalid", "nodes"),
    ({"type": "filter", "nodes": [True]}, "invalid", "nodes"),
    ({"type": "filter", "nodes": [None]}, "invalid", "nodes"),
    ({"type": "filter", "nodes": [[1]]}, "invalid", "nodes"),
    ({"type": "filter", "shards": [-1]}, "invalid", "shards"),
    ({"type": "filter", "types": "Raft"}, "invalid", "types"),
    ({"type": "filter", "types": [1]}, "invalid", "types"),
    ({"type": "filter", "types": [["Raft"]]}, "invalid", "types"),
    ({"type": "resume", "catch_up": "yes"}, "invalid", "catch_up"),
    ({"type": "resume", "catch_up": 1}, "invalid", "catch_up"),
    ({"type": "history"}, "invalid", "from_ms"),
    ({"type": "history", "from_ms": 1}, "invalid", "to_ms"),
    ({"type": "history", "from_ms": None, "to_ms": 1}, "invalid", "from_ms"),
    ({"type": "history", "from_ms": "1", "to_ms": 2}, "invalid", "from_ms"),
    ({"type": "history", "from_ms": True, "to_ms": 2}, "invalid", "from_ms"),
    ({"type": "history", "from_ms": 1.5, "to_ms": 2}, "invalid", "from_ms"),
    ({"type": "history", "from_ms": -1, "to_ms": 2}, "invalid", "from_ms"),
    ({"type": "history", "from_ms": 1, "to_ms": 1e30}, "invalid", "to_ms"),
    ({"type": "history", "from_ms": 3, "to_ms": 2}, "invalid", "from_ms 3 is behind to_ms 2"),
    ({"type": "history", "from_ms": 1, "to_ms": 2, "speed": 0}, "invalid", "speed"),
    ({"type": "history", "from_ms": 1, "to_ms": 2, "speed": -1}, "invalid", "speed"),
    ({"type": "history", "from_ms": 1, "to_ms": 2, "speed": "4"}, "invalid", "speed"),
    ({"type": "history", "from_ms": 1, "to_ms": 2, "speed": [4]}, "invalid", "speed"),
]

WRONG_JSON = [
    b"", b" ", b"x", b"{", b"}", b'{"type":"ping"', b'{"type":"ping"}}', b'{"type":"ping"} {"type":"ping"}',
    b"{'type':'ping'}", b"{type:1}", b'{"type":"ping",}', b"[" * 50_000, b'{"a":' * 50_000, b"\xff\xfe",
    b'{"type":"\xff"}', b'{"type":"\\ud800"}', b"\x00", b"NaN", b'{"type":"history","from_ms":NaN,"to_ms":1}',
    b"\xef\xbb\xbf" + b'{"type":"ping"}', b'{"type":"ping"}\x00', b"\x81\xa4type\xa4ping",
]  # fmt: skip

WRONG_MESSAGEPACK = [
    b"", b"\xc1", b"\x81", b"\x81\xa4type", b"\x81\xa4type\xa4pin", b"\x81\xa4type\xa4ping\x00", b"\x91" * 50_000,
    b"\x81\xa1a" * 50_000, b"\xdf\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xc9\xff\xff\xff\xff\x01", b"\xd6\xff\x00\x00\x00\x00", b"\xd7\xff" + b"\xff" * 8, b"\xc7\x03\xff\x00\x00\x00",
    b"\x81\x01\x02", b"\x81\x90\x01", b"\x81\xc0\x01", b"\x81\xa1\xff\x01", b"\x81\xa4type\xa2\xff\xfe",
    b'{"type":"ping"}', msgpack.packb({1: 2, "type": "ping"}), msgpack.packb({b"type": b"ping"}),
]  # fmt: skip


class MalformedTests(SynchronousTestCase):
    """What is wrong is said, in words that are not longer than needed, and nothing else happens."""

    def refusal(self, payload: bytes, is_binary: bool) -> Malformed:
        with self.assertRaises(Malformed) as raised:
            parse(payload, is_binary)
        self.assertLessEqual(len(str(raised.exception)), MAX_TEXT)
        str(raised.exception).encode()
        return raised.exception

    def test_a_wrong_map_is_refused_by_the_name_of_what_is_wrong(self) -> None:
        for fields, code, named in WRONG_MAPS:
            for payload, is_binary in ((json.dumps(fields).encode(), False), (msgpack.packb(fields), True)):
                why = self.refusal(payload, is_binary)
                self.assertEqual((why.code, named in str(why)), (code, True), f"{str(fields)[:80]}: {why}")

    def test_an_unknown_type_is_answered_with_those_that_there_are(self) -> None:
        why = self.refusal(b'{"type":"subscribe"}', False)
        self.assertEqual(
            str(why),
            "unknown type 'subscribe': use one of filter, pause, resume, history, history_cancel, ping",
        )

    def test_what_is_no_map_is_refused(self) -> None:
        for value in (None, True, 1, 1.5, "ping", [], ["ping"], [{"type": "ping"}]):
            for payload, is_binary in ((json.dumps(value).encode(), False), (msgpack.packb(value), True)):
                why = self.refusal(payload, is_binary)
                self.assertEqual((why.code, "a message is a map" in str(why)), ("malformed", True), str(why))

    def test_what_is_no_json_is_refused(self) -> None:
        for payload in WRONG_JSON:
            self.assertEqual(self.refusal(payload, False).code, "malformed", payload[:40])

    def test_what_is_no_messagepack_is_refused(self) -> None:
        for payload in WRONG_MESSAGEPACK:
            self.assertIn(self.refusal(payload, True).code, ("malformed", "unknown_type"), payload[:40])

    def test_numbers_that_only_messagepack_can_say_are_refused(self) -> None:
        for value in (float("nan"), float("inf"), float("-inf"), b"1", msgpack.Timestamp(1)):
            for fields in ({"from_ms": value, "to_ms": 9}, {"from_ms": 0, "to_ms": 9, "speed": value}):
                self.assertEqual(self.refusal(msgpack.packb({"type": "history"} | fields), True).code, "invalid")

    def test_numbers_of_any_length_are_refused(self) -> None:
        for digits in (b"1" * 25, b"1" * 400, b"9" * 5_000, b"-" + b"9" * 5_000, b"1" * 60_000, b"1e999", b"1.5e308"):
            for text in (b'"from_ms":0,"to_ms":%s', b'"from_ms":%s,"to_ms":1'):
                self.refusal(b'{"type":"history",' + text % digits + b"}", False)
            self.refusal(b'{"type":"filter","nodes":[%s]}' % digits, False)

    def test_deep_nesting_in_a_key_that_is_ignored_does_no_harm(self) -> None:
        for depth in (100, 900, 1_100, 20_000):
            for payload, is_binary in (
                (b'{"type":"ping","x":' + b"[" * depth + b"]" * depth + b"}", False),
                (b"\x82\xa4type\xa4ping\xa1x" + b"\x91" * depth + b"\xc0", True),
            ):
                try:
                    self.assertEqual(parse(payload, is_binary), PingMessage())
                except Malformed as why:
                    self.assertEqual(why.code, "malformed")

    def assert_harmless(self, payload: bytes, is_binary: bool) -> None:
        try:
            parse(payload, is_binary)
        except Malformed as why:
            self.assertLessEqual(len(str(why)), MAX_TEXT)
            str(why).encode()

    @settings(deadline=None, max_examples=300)
    @given(st.binary(max_size=200), st.booleans())
    def test_random_bytes_do_no_harm(self, payload: bytes, is_binary: bool) -> None:
        self.assert_harmless(payload, is_binary)

    @settings(deadline=None, max_examples=300)
    @given(st.deferred(lambda: MESSAGES))
    def test_random_values_under_the_right_keys_do_no_harm(self, fields: dict[Any, Any]) -> None:
        self.assert_harmless(msgpack.packb(fields), True)
        try:
            text = json.dumps(fields)
        except TypeError:
            return  # Bytes, or keys that JSON has not.
        self.assert_harmless(text.encode("utf-8", "surrogatepass"), False)

    @settings(deadline=None, max_examples=200)
    @given(st.deferred(lambda: MESSAGES), st.integers(0, 400), st.integers(0, 255))
    def test_a_flipped_byte_does_no_harm(self, fields: dict[Any, Any], at: int, byte: int) -> None:
        packed = bytearray(msgpack.packb(fields))
        packed[at % len(packed)] = byte
        self.assert_harmless(bytes(packed), True)


_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20)
)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)
_IDS = st.lists(st.integers(-2, 2**32 + 1), max_size=5)
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(["filter", "pause", "resume", "history", "history_cancel", "ping"]) | _VALUES},
    optional={
        "nodes": _IDS | _VALUES,
        "types": st.lists(st.text(max_size=8), max_size=3) | _VALUES,
        "shards": _IDS | _VALUES,
        "catch_up": st.booleans() | _VALUES,
        "from_ms": st.integers(0, 2**64 - 1) | _VALUES,
        "to_ms": st.integers(0, 2**64 - 1) | _VALUES,
        "speed": st.floats() | _VALUES,
        "anything": _VALUES,
    },
)
