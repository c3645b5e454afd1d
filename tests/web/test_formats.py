"""An answer of /api/history says the same in each of its forms."""

import json

import msgpack
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from vizd.log.window import Gap
from vizd.stream.frames import Part
from vizd.web.formats import FORMATS, format_for
from vizd.web.interfaces import IFormat

EVENTS = [b'{"ts":1,"node":2}', b'{"ts":18446744073709551615,"node":3}']
PARTS = [
    Part(1, 100, 150, 0, EVENTS, (2, 0, 0, 0, 0, 0, 0, 0), 40),
    Part(2, 150, 200, 0, EVENTS[:1], (0,) * 7 + (1,), 20),
]
GAP = Gap(None, 100, 3, 7, "trimmed")
TOTALS = {"total_events": 3, "next_from": None}


def said(media_type: bytes, *, with_gap: bool = True) -> bytes:
    form = FORMATS[media_type]()
    parts = [form.begin()]
    if with_gap:
        parts.append(form.gap(GAP))
    return b"".join([*parts, *(piece for part in PARTS for piece in form.batch(part)), form.end(TOTALS)])


class FormatTests(TestCase):
    def test_each_provides_what_the_interface_says(self) -> None:
        for each in FORMATS.values():
            self.assertTrue(verifyObject(IFormat, each()))

    def test_json_is_one_value(self) -> None:
        value = json.loads(said(b"application/json"))
        self.assertEqual(list(value), ["batches", "gaps", "total_events", "next_from"])
        self.assertEqual([each["window_start"] for each in value["batches"]], [100, 150])
        self.assertEqual(value["batches"][0]["events"][1], {"ts": 2**64 - 1, "node": 3})
        self.assertEqual(value["batches"][0]["summary"]["wal_count"], 2)
        gap = {"from_ms": None, "to_ms": 100, "windows": 3, "events": 7, "reason": "trimmed"}
        self.assertEqual((value["gaps"], value["total_events"], value["next_from"]), ([gap], 3, None))

    def test_an_answer_without_batches_is_json_too(self) -> None:
        form = FORMATS[b"application/json"]()
        self.assertEqual(json.loads(form.begin() + form.end(TOTALS)), {"batches": [], "gaps": [], **TOTALS})

    def test_ndjson_is_a_batch_a_line_and_then_the_totals(self) -> None:
        text = said(b"application/x-ndjson")
        self.assertTrue(text.endswith(b"\n"))
        lines = [json.loads(line) for line in text.splitlines()]
        value = json.loads(said(b"application/json"))
        self.assertEqual(lines, [{"gap": value["gaps"][0]}, *value["batches"], TOTALS])

    def test_messagepack_is_the_maps_of_those_lines(self) -> None:
        unpacker = msgpack.Unpacker()
        unpacker.feed(said(b"application/msgpack"))
        self.assertEqual(list(unpacker), [json.loads(line) for line in said(b"application/x-ndjson").splitlines()])


class FormatForTests(TestCase):
    def test_the_form_is_the_one_that_is_asked_for_and_json_else(self) -> None:
        for accept, media_type in (
            ([], b"application/json"),
            ([b"*/*"], b"application/json"),
            ([b"text/html"], b"application/json"),
            ([b"application/x-ndjson"], b"application/x-ndjson"),
            ([b"Application/MsgPack"], b"application/msgpack"),
            ([b"text/html, application/msgpack;q=0.5, application/x-ndjson;q=0.9"], b"application/x-ndjson"),
            ([b"text/html", b"application/x-ndjson"], b"application/x-ndjson"),
            ([b"application/x-ndjson;q=0"], b"application/json"),
            ([b"application/x-ndjson;q=much"], b"application/json"),
            ([b"application/json, application/msgpack"], b"application/json"),
        ):
            self.assertEqual(format_for(accept).content_type, media_type, accept)
