"""From protobuf to facets and fragments."""

import json
import struct
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tests.events.build import event_of, kind_named
from tests.events.strategies import REJECTED, UNKNOWN, Sent, bad, good, with_unknown
from vizd.events.catalogue import KINDS
from vizd.events.decode import Decoded, Decoder, Rejection, kind_of
from vizd.events.facet import Facet, Facets
from vizd.wire.vizd_pb2 import VizEvent

NOW_MS = 1_764_547_999_999


def decode(*events: VizEvent, node: int = 7) -> Decoded:
    return Decoder(node, Facets()).decode(events, NOW_MS)


def strictly(fragment: bytes) -> Any:
    """Parsed by the letter of JSON: no NaN, no Infinity."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(fragment.decode(), parse_constant=refuse)


class DecodeTests(TestCase):
    def fragment(self, event: VizEvent, node: int = 7) -> bytes:
        decoded = decode(event, node=node)
        self.assertEqual((decoded.rejections, decoded.unknown), ([], 0))
        [fragment] = decoded.fragments
        return fragment

    def facet(self, node: int = 7, **event: Any) -> Facet:
        decoded = decode(VizEvent(**event), node=node)
        self.assertEqual((decoded.rejections, decoded.unknown), ([], 0))
        [facet] = decoded.facets
        return facet


class Fragments(DecodeTests):
    """What a dashboard is told, byte for byte."""

    def values(self) -> list[str]:
        lines = Path(__file__).with_name("values.json").read_text(encoding="utf-8").splitlines()
        return [line.removesuffix(",") for line in lines[1:-1]]

    def test_each_value_leads_to_its_json(self) -> None:
        for line in self.values():
            said = json.loads(line, parse_constant=self.fail)
            if "null" in line:
                said = json.loads(line.replace("null", "NaN"))
            self.assertEqual(self.fragment(event_of(said)).decode(), line)

    def test_there_is_a_value_of_each_kind(self) -> None:
        events = [json.loads(line)["event"] for line in self.values()]
        seen = {kind_named(event["type"], event["data"].get("kind")) for event in events}
        self.assertEqual(seen, set(KINDS))

    def test_the_publishing_node_is_the_decoders_and_the_subject_the_events(self) -> None:
        said = strictly(self.fragment(VizEvent(ts_ms=1, swim={"node": 3, "kind": 1}), node=2**32 - 1))
        self.assertEqual((said["node"], said["event"]["data"]["node"]), (2**32 - 1, 3))

    def test_an_event_without_ts_gets_the_daemons_clock(self) -> None:
        self.assertEqual(strictly(self.fragment(VizEvent(raft={"step_down": {}})))["ts"], NOW_MS)

    def test_any_other_ts_is_kept_as_it_is(self) -> None:
        for ts in (1, NOW_MS - 10**9, 2**53 + 1, 2**64 - 1):
            said = self.fragment(VizEvent(ts_ms=ts, raft={"step_down": {}}))
            self.assertTrue(said.startswith(b'{"ts":%d,' % ts), said)

    def test_the_owner_shard_of_an_engine_event_is_the_last_key(self) -> None:
        for arm in (
            {"wal": {"fsync": {}}},
            {"compaction": {"start": {}}},
            {"lsm": {"l0_stall": {}}},
            {"slot_heat": {}},
        ):
            for shard in (0, 3, 2**32 - 1):
                with_owner = self.fragment(VizEvent(ts_ms=1, owner_shard=shard, **arm))
                without = self.fragment(VizEvent(ts_ms=1, **arm))
                self.assertEqual(with_owner, without[:-1] + b',"shard":%d}' % shard)

    def test_the_owner_shard_of_any_other_event_is_ignored(self) -> None:
        others = (
            {"raft": {"shard": 4, "step_down": {}}},
            {"swim": {"kind": 2}},
            {"shard": {"shard": 4, "kind": 2}},
            {"cache": {}},
        )
        for arm in others:
            self.assertEqual(
                self.fragment(VizEvent(ts_ms=1, owner_shard=9, **arm)), self.fragment(VizEvent(ts_ms=1, **arm))
            )

    def test_fields_that_were_never_set_are_zero(self) -> None:
        self.assertEqual(
            self.fragment(VizEvent(ts_ms=1, slot_heat={})),
            b'{"ts":1,"node":7,"event":{"type":"SlotHeat","data":{"node":0,"level":0,"slot":0,"heat":0.0,"k":0}}}',
        )

    def test_numbers_of_64_bits_are_written_in_full(self) -> None:
        said = strictly(self.fragment(VizEvent(wal={"seg": 2**64 - 1, "segment_roll": {"bytes": 2**53 + 1}})))
        self.assertEqual(said["event"]["data"]["seg"], 2**64 - 1)
        self.assertEqual(said["event"]["data"]["kind"]["bytes"], 2**53 + 1)

    def test_what_json_has_no_number_for_is_null(self) -> None:
        for value in (float("nan"), float("inf"), float("-inf")):
            pressure = self.fragment(VizEvent(lsm={"write_pressure_update": {"ratio": value, "threshold": value}}))
            kind = strictly(pressure)["event"]["data"]["kind"]
            self.assertEqual((kind["ratio"], kind["threshold"]), (None, None))
            reward = self.fragment(VizEvent(compaction={"bandit_reward": {"reward": value, "heat_score": value}}))
            kind = strictly(reward)["event"]["data"]["kind"]
            self.assertEqual((kind["reward"], kind["heat_score"]), (None, None))

    def test_zero_keeps_its_sign(self) -> None:
        text = self.fragment(VizEvent(compaction={"bandit_reward": {"reward": -0.0, "heat_score": -0.0}}))
        self.assertIn(b'"reward":-0.0,"bytes_written":0,"heat_score":-0.0', text)

    def test_an_f32_is_short_and_an_f64_is_not(self) -> None:
        nine_tenths = struct.unpack("<f", struct.pack("<f", 0.9))[0]
        text = self.fragment(VizEvent(compaction={"bandit_reward": {"reward": nine_tenths, "heat_score": nine_tenths}}))
        self.assertIn(b'"reward":0.8999999761581421,"bytes_written":0,"heat_score":0.9}', text)

    def test_strings_are_escaped_where_json_asks_for_it_and_nowhere_else(self) -> None:
        escaped = {
            'say "so"': b'"say \\"so\\""',
            "back\\slash": b'"back\\\\slash"',
            "\x00\x01\x1f": b'"\\u0000\\u0001\\u001f"',
            "\b\f\n\r\t": b'"\\b\\f\\n\\r\\t"',
            "\x7f\u2028\u2029": '"\x7f\u2028\u2029"'.encode(),
            "</script>": b'"</script>"',
            "100 % %s %(a)s": b'"100 % %s %(a)s"',
            "Größe 🐢 \U0010ffff": '"Größe 🐢 \U0010ffff"'.encode(),
            "": b'""',
        }
        for name, text in escaped.items():
            self.assertIn(b'"name":' + text + b",", self.fragment(VizEvent(cache={"name": name})))

    def test_a_string_of_256_bytes_fits(self) -> None:
        for name in ("x" * 256, "ü" * 128, "🐢" * 64, "\x01" * 256):
            self.assertEqual(strictly(self.fragment(VizEvent(cache={"name": name})))["event"]["data"]["name"], name)

    def test_255_fits_in_8_bits(self) -> None:
        for event in (
            VizEvent(compaction={"level": 255, "progress": {"pct": 255}}),
            VizEvent(lsm={"guard_adjustment": {"level": 255}}),
            VizEvent(slot_heat={"level": 255, "k": 255}),
        ):
            self.assertIn(b":255", self.fragment(event))

    def test_a_percentage_above_100_is_the_nodes_business(self) -> None:
        self.assertIn(b'"pct":101}', self.fragment(VizEvent(compaction={"progress": {"pct": 101}})))


class Refusals(DecodeTests):
    def test_each_fault_names_its_field_by_its_path_in_the_proto(self) -> None:
        for what, (event, path) in REJECTED.items():
            decoded = decode(event)
            self.assertEqual((decoded.facets, decoded.fragments, decoded.unknown), ([], [], 0), what)
            [rejection] = decoded.rejections
            self.assertEqual((rejection.index, rejection.field), (0, path), what)

    def test_every_path_leads_to_a_field(self) -> None:
        for what, (_event, path) in REJECTED.items():
            message = VizEvent.DESCRIPTOR
            *outer, last = path.split(".")
            for name in outer:
                message = message.fields_by_name[name].message_type
            self.assertIn(last, {*message.fields_by_name, *message.oneofs_by_name}, what)

    def test_a_reason_says_what_was_wrong_and_what_would_be_right(self) -> None:
        cases = {
            "level 256": "256 does not fit in 8 bits: 0 to 255",
            "name of 257 bytes": "257 bytes long: at most 256",
            "name of 129 letters of two bytes": "258 bytes long: at most 256",
            "nothing set": "not set: one event is needed",
            "wal without kind": "not set: one kind is needed",
            "swim unspecified": "unspecified: a kind is needed",
            "no reason": "FLUSH_REASON_UNSPECIFIED: a reason is needed",
        }
        for what, reason in cases.items():
            self.assertEqual(decode(REJECTED[what][0]).rejections[0].reason, reason)

    def test_what_a_newer_node_says_is_counted_unknown(self) -> None:
        for what, event in UNKNOWN.items():
            decoded = decode(event)
            self.assertEqual((decoded.fragments, decoded.rejections, decoded.unknown), ([], [], 1), what)

    def test_a_field_more_in_a_known_kind_does_not_matter(self) -> None:
        known = VizEvent(ts_ms=1, wal={"node": 1, "seg": 2, "fsync": {"ms": 4}})
        self.assertEqual(self.fragment(with_unknown(known)), self.fragment(known))
        self.assertEqual(self.fragment(with_unknown(known, "wal")), self.fragment(known))

    def test_an_unset_enum_is_a_fault_even_beside_a_field_that_is_not_known(self) -> None:
        decoded = decode(with_unknown(VizEvent(swim={"node": 1}), "swim"))
        self.assertEqual([each.field for each in decoded.rejections], ["swim.kind"])

    def test_the_index_is_the_events_place_in_its_message_and_the_good_ones_around_it_are_kept(self) -> None:
        fine = VizEvent(ts_ms=1, wal={"fsync": {"ms": 1}})
        wrong = REJECTED["pct 256"][0]
        decoded = decode(UNKNOWN["an arm"], fine, wrong, UNKNOWN["a reason"], wrong, fine)
        self.assertEqual([each.index for each in decoded.rejections], [2, 4])
        self.assertEqual(decoded.rejections[0], Rejection(2, "compaction.progress.pct", decoded.rejections[0].reason))
        self.assertEqual(decoded.unknown, 2)
        self.assertEqual(decoded.fragments, [self.fragment(fine)] * 2)

    def test_an_event_with_two_faults_is_rejected_once(self) -> None:
        self.assertEqual(len(decode(VizEvent(slot_heat={"level": 300, "k": 300})).rejections), 1)

    def test_a_message_without_events_is_empty(self) -> None:
        self.assertEqual(decode(), Decoded([], [], [], 0))


class WhatAFilterSees(DecodeTests):
    def test_an_engine_event_is_found_under_its_node_and_owner_shard(self) -> None:
        for arm in ({"wal": {"node": 3, "fsync": {}}}, {"compaction": {"node": 3, "start": {}}}):
            facet = self.facet(owner_shard=0, **arm)
            self.assertEqual((facet.nodes, facet.shard), ((3,), 0))
        for arm in ({"lsm": {"node": 3, "l0_stall": {}}}, {"slot_heat": {"node": 3}}):
            facet = self.facet(**arm)
            self.assertEqual((facet.nodes, facet.shard), ((3,), None))

    def test_a_vote_is_found_under_the_voter(self) -> None:
        for kind in ("vote_req", "vote_granted"):
            facet = self.facet(raft={"shard": 5, kind: {"from_node": 3}})
            self.assertEqual((facet.nodes, facet.shard), ((3,), 5))

    def test_an_election_is_found_under_the_leader_and_the_node_that_reports_it(self) -> None:
        facet = self.facet(node=7, raft={"shard": 5, "leader_elected": {"node": 3}})
        self.assertEqual((facet.nodes, facet.shard), ((3, 7), 5))

    def test_an_election_that_the_leader_reports_has_one_node(self) -> None:
        self.assertEqual(self.facet(node=7, raft={"leader_elected": {"node": 7}}).nodes, (7,))

    def test_what_has_no_subject_is_found_under_the_publishing_node(self) -> None:
        step_down = self.facet(node=7, raft={"shard": 5, "step_down": {}})
        self.assertEqual((step_down.nodes, step_down.shard), ((7,), 5))
        move = self.facet(node=7, shard={"shard": 6, "kind": 1})
        self.assertEqual((move.nodes, move.shard), ((7,), 6))
        cache = self.facet(node=7, cache={"name": "a"}, owner_shard=6)
        self.assertEqual((cache.nodes, cache.shard), ((7,), None))

    def test_a_swim_event_is_found_under_its_subject_only(self) -> None:
        facet = self.facet(node=7, swim={"node": 3, "kind": 2}, owner_shard=6)
        self.assertEqual((facet.nodes, facet.shard), ((3,), None))

    def test_equal_events_share_a_facet_and_others_do_not(self) -> None:
        events = [VizEvent(wal={"node": node, "seg": seg, "fsync": {}}) for node in (1, 2) for seg in (1, 2)]
        first, second, third, fourth = decode(*events).facets
        self.assertIs(first, second)
        self.assertIs(third, fourth)
        self.assertIsNot(first, third)


class AnyMix(TestCase):
    @settings(deadline=None, max_examples=300)
    @given(st.lists(st.one_of(good(node=7), bad), max_size=12))
    def test_every_event_ends_up_in_exactly_one_column(self, sent: list[Sent]) -> None:
        decoded = decode(*[each.event for each in sent])
        taken = [each for each in sent if each.said]
        self.assertEqual(len(decoded.facets), len(decoded.fragments))
        self.assertEqual(len(decoded.fragments) + len(decoded.rejections) + decoded.unknown, len(sent))
        self.assertEqual([facet.kind for facet in decoded.facets], [each.kind for each in taken])
        self.assertEqual(
            [(each.index, each.field) for each in decoded.rejections],
            [(index, each.path) for index, each in enumerate(sent) if each.path],
        )

    @settings(deadline=None, max_examples=300)
    @given(st.lists(good(node=7), min_size=1, max_size=4))
    def test_every_good_event_is_json_and_says_what_was_sent(self, sent: list[Sent]) -> None:
        for fragment, each in zip(decode(*[each.event for each in sent]).fragments, sent, strict=True):
            said = strictly(fragment)
            self.assertEqual(exactly(as_f32(each, said)), exactly(each.said))

    @settings(deadline=None)
    @given(st.one_of(good(), bad))
    def test_kind_of_an_event_is_its_line_of_the_catalogue(self, sent: Sent) -> None:
        rejected_for_its_kind = sent.path is not None and (sent.path == "event" or sent.path.endswith("kind"))
        unknown_kind = sent.said is None and sent.path is None and sent.event != UNKNOWN["a reason"]
        if rejected_for_its_kind or unknown_kind:
            self.assertIsNone(kind_of(sent.event))
        elif sent.kind is not None:
            self.assertIs(kind_of(sent.event), sent.kind)
        else:
            self.assertIsNotNone(kind_of(sent.event))


def as_f32(sent: Sent, said: dict[str, Any]) -> dict[str, Any]:
    """``said`` with its short f32s as the f32s that they stand for."""
    assert sent.kind is not None
    data = said["event"]["data"]
    for fields, where in ((sent.kind.type.fields, data), (sent.kind.fields, data.get("kind", data))):
        for each in fields:
            if each.width == "f32" and where[each.name] is not None:
                [where[each.name]] = struct.unpack("<f", struct.pack("<f", where[each.name]))
    return said


def exactly(said: Any) -> str:
    """A text that tells 1 from 1.0, 0.0 from -0.0, and the order of keys."""
    return repr(said)
