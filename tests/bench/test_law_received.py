"""A message of the contract becomes a record; any other a fault."""

import json

from twisted.trial.unittest import SynchronousTestCase

from bench.law.events import id_of
from bench.law.received import record_of
from bench.law.transcript import Batch, Note, Record, ids_of
from tests.bench.made import FORMS
from vizd.events.decode import Decoder
from vizd.events.facet import Facets
from vizd.log.window import Draft, Window
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame, batch, select

IDS = [id_of(1, seq) for seq in range(1, 300)]


def frame(encoder: object, **extras: object) -> Frame:
    """As the daemon makes it."""
    decoded = Decoder(1, Facets()).decode([FORMS.event(each) for each in IDS], 1)
    part = select(Window(1, 50, "test", Draft(50, 50, decoded.facets, decoded.fragments, ()), 0), Filter.of())
    assert part
    return batch([part], encoder.events(part.fragments), encoder, {"position": "P"} | extras)  # type: ignore[attr-defined]


def record(of: Frame) -> Record:
    """What a client makes of it who asked for that encoding."""
    return record_of(of.payload, not of.is_binary, not of.is_binary, 7, FORMS)


class ReceivedTests(SynchronousTestCase):
    """Bytes in, a record out."""

    def test_batches_are_the_same_in_both_encodings(self) -> None:
        for extras in ({}, {"history": True}):
            as_json, as_messagepack = (record(frame(encoder, **extras)) for encoder in (JSON, MESSAGEPACK))
            self.assertEqual(as_json, as_messagepack)
            assert isinstance(as_json, Batch)
            self.assertEqual(list(ids_of(as_json)), IDS)
            self.assertEqual((as_json.start_ms, as_json.end_ms, as_json.position), (50, 100, "P"))
            self.assertEqual(sum(as_json.counts), len(IDS))
            self.assertEqual(as_json.is_history, bool(extras))

    def test_other_messages_are_notes(self) -> None:
        for encoder in (JSON, MESSAGEPACK):
            said = Frame(encoder.message({"type": "gap", "events": 5, "from_ms": None}), encoder is MESSAGEPACK)
            self.assertEqual(record(said), Note(7, "gap", {"events": 5, "from_ms": None}))

    def test_what_is_provisional_is_outside_the_law_and_has_no_position(self) -> None:
        whole = json.loads(frame(JSON).payload) | {"provisional": True}
        del whole["position"]
        found = record_of(json.dumps(whole).encode(), True, True, 7, FORMS)
        self.assertEqual(found, Note(7, "provisional", {"start_ms": 50, "end_ms": 100}))

    def test_what_is_none_of_the_contract_is_a_fault(self) -> None:
        whole = json.loads(frame(JSON).payload)
        data = whole["data"]
        for spoiled in (
            whole | {"snapshot": True}, whole | {"provisional": True}, whole | {"data": None}, whole | {"type": "x"},
            whole | {"data": data | {"window_start": "1"}}, whole | {"data": data | {"more": 1}},
            whole | {"data": data | {"summary": {}}}, whole | {"data": data | {"events": [{}]}}, {}, [],
        ):  # fmt: skip
            found = record_of(json.dumps(spoiled).encode(), True, True, 7, FORMS)
            self.assertEqual((type(found), getattr(found, "word", "")), (Note, "fault"), spoiled)
        other = record_of(frame(JSON).payload, True, False, 7, FORMS)
        self.assertEqual(getattr(other, "word", ""), "fault")
