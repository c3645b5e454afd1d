"""Tests of ``vizd.stream.encoding``."""

import json
import struct
from typing import Any

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.events.strategies import good
from tests.stream.made import made
from vizd.events.decode import Decoder
from vizd.events.facet import Facets
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.interfaces import IEncoder

COUNTS = (1, 2, 3, 4, 5, 6, 7, 8)


def both(fragments: list[bytes], extras: dict[str, Any], bounds: tuple[int, int] = (1, 2)) -> tuple[bytes, bytes]:
    """One batch in JSON and in MessagePack."""
    written = [
        encoder.batch(encoder.data(*bounds, encoder.events(fragments), COUNTS), extras)
        for encoder in (JSON, MESSAGEPACK)
    ]
    return written[0], written[1]


def in_order(value: Any) -> Any:
    """``value`` with maps as lists of pairs, so that a comparison sees the order of keys, and with types told apart."""
    if isinstance(value, dict):
        return [(key, in_order(each)) for key, each in value.items()]
    if isinstance(value, list):
        return [in_order(each) for each in value]
    return type(value), value


class JsonTests(SynchronousTestCase):
    """The canonical encoding, to the byte."""

    def test_a_batch_is_exactly_as_documented(self) -> None:
        _, text = made("Wal.Fsync", publisher=1, ts=1765000000123, node=1, seg=7, ms=4)
        self.assertEqual(
            both([text, text], {}, (123, 173))[0].decode(),
            '{"type":"batch","data":{"window_start":123,"window_end":173,"events":['
            '{"ts":1765000000123,"node":1,"event":{"type":"Wal","data":{"node":1,"seg":7,"kind":{"kind":"Fsync","ms":4}}}},'
            '{"ts":1765000000123,"node":1,"event":{"type":"Wal","data":{"node":1,"seg":7,"kind":{"kind":"Fsync","ms":4}}}}'
            '],"summary":{"wal_count":1,"compaction_count":2,"lsm_count":3,"raft_count":4,"swim_count":5,'
            '"shard_count":6,"cache_count":7,"heat_count":8}}}',
        )

    def test_extras_stand_behind_the_data(self) -> None:
        text = both([b"{}"], {"history": True, "sent": 1})[0]
        self.assertTrue(text.endswith(b'"heat_count":8}},"history":true,"sent":1}'), text)

    def test_a_message_has_its_keys_in_the_order_given_and_no_spaces(self) -> None:
        gap = {"type": "gap", "from_ms": None, "to_ms": 2**64 - 1, "events": 3, "reason": "paused", "history": True}
        self.assertEqual(
            JSON.message(gap),
            b'{"type":"gap","from_ms":null,"to_ms":18446744073709551615,"events":3,"reason":"paused","history":true}',
        )

    def test_text_of_any_language_is_utf_8(self) -> None:
        self.assertEqual(JSON.message({"message": 'ß"\n\u2028😀'}).decode(), '{"message":"ß\\"\\n\u2028😀"}')


class MessagePackTests(SynchronousTestCase):
    """The image."""

    def assert_image(self, fragments: list[bytes], extras: dict[str, Any], bounds: tuple[int, int] = (1, 2)) -> None:
        text, packed = both(fragments, extras, bounds)
        self.assertEqual(in_order(msgpack.unpackb(packed)), in_order(json.loads(text)))

    @settings(deadline=None)
    @given(
        st.lists(good(), max_size=20),
        st.fixed_dictionaries({}, optional={"history": st.just(True), "of": st.integers(0, 2**64 - 1)}),
        st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
    )
    def test_a_batch_unpacks_to_what_its_json_says_keys_in_the_same_order(
        self, events: list[Any], extras: dict[str, Any], bounds: tuple[int, int]
    ) -> None:
        decoded = Decoder(1, Facets()).decode([each.event for each in events], now_ms=1)
        self.assertEqual(len(decoded.fragments), len(events))
        self.assert_image(decoded.fragments, extras, bounds)
        said = msgpack.unpackb(both(decoded.fragments, extras)[1])["data"]["events"]
        for event, right in zip(said, events, strict=True):
            right.said["ts"] = right.said["ts"] or 1
            self.assertEqual(list(event), list(right.said))

    def test_every_size_of_array_has_its_header(self) -> None:
        for count in (0, 1, 15, 16, 17, 65_535, 65_536):
            self.assert_image([b'{"ts":%d}' % number for number in range(count)], {"history": True})

    def test_the_largest_integers_arrive_whole(self) -> None:
        most = 2**64 - 1
        _, text = made("Lsm.FlushComplete", node=2**32 - 1, file_number=most, bytes=most, entries=most, ts=most)
        [event] = msgpack.unpackb(both([text], {}, (most - 1, most))[1])["data"]["events"]
        kind = event["event"]["data"]["kind"]
        self.assertEqual((event["ts"], kind["file_number"], kind["bytes"], kind["entries"]), (most,) * 4)

    def test_what_json_can_not_say_is_null(self) -> None:
        for value in (float("nan"), float("inf"), float("-inf")):
            _, heat = made("SlotHeat", heat=value)
            _, score = made("Compaction.BanditSelection", ucb_score=value, avg_reward=0.5)
            self.assert_image([heat, score], {})
            first, second = msgpack.unpackb(both([heat, score], {})[1])["data"]["events"]
            self.assertIsNone(first["event"]["data"]["heat"])
            self.assertIsNone(second["event"]["data"]["kind"]["ucb_score"])
            self.assertEqual(second["event"]["data"]["kind"]["avg_reward"], 0.5)

    def test_floats_are_the_shortest_ones_as_in_json(self) -> None:
        _, text = made("Cache", hit_ratio=struct.unpack("f", struct.pack("f", 0.9))[0], name="blöck")
        [event] = msgpack.unpackb(both([text], {})[1])["data"]["events"]
        self.assertEqual(event["event"]["data"], {"name": "blöck", "hit_ratio": 0.9})

    def test_a_message_is_the_same_map(self) -> None:
        fields = {"type": "gap", "from_ms": None, "to_ms": 2**64 - 1, "windows": 0, "reason": "paused", "history": True}
        self.assertEqual(
            in_order(msgpack.unpackb(MESSAGEPACK.message(fields))), in_order(json.loads(JSON.message(fields)))
        )

    def test_maps_are_maps_and_text_is_text(self) -> None:
        packed = both([made("Swim.Alive", node=1)[1]], {})[1]
        self.assertEqual(packed[:1], b"\x82", "a map of two: type and data")
        self.assertEqual(packed[1:6], b"\xa4type")


class EncoderTests(SynchronousTestCase):
    """Both keep the interface."""

    def test_they_provide_it(self) -> None:
        for encoder in (JSON, MESSAGEPACK):
            verifyObject(IEncoder, encoder)
        self.assertEqual((JSON.is_binary, MESSAGEPACK.is_binary), (False, True))
        self.assertNotEqual(JSON.name, MESSAGEPACK.name)
