"""What publishers say can be read off what clients receive, in both encodings, and nothing else passes for it."""

from io import BytesIO

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from bench.filters import Asked
from bench.law.events import StrayEvent, id_of, node_of, seq_of
from bench.law.transcript import Transcript, read
from tests.bench.made import FORMS, NODES, batches, note, windows
from vizd.events.decode import Decoder
from vizd.events.facet import Facets
from vizd.stream.encoding import MESSAGEPACK

SEQS = range(1, 600)


def received(node: int) -> list[bytes]:
    """As the daemon writes it."""
    decoded = Decoder(node, Facets()).decode([FORMS.event(id_of(node, seq)) for seq in SEQS], 1)
    assert not decoded.rejections
    return decoded.fragments


class EventsTests(SynchronousTestCase):
    """From a seq to an event, and back."""

    def test_ids_are_read_off_what_the_daemon_makes_of_events(self) -> None:
        for node in range(1, NODES + 1):
            ids = [id_of(node, seq) for seq in SEQS]
            texts = received(node)
            self.assertEqual(list(FORMS.ids_from_json(b"[" + b",".join(texts) + b"]")), ids)
            self.assertEqual(list(FORMS.ids_from_messagepack(MESSAGEPACK.events(texts))), ids)
            self.assertEqual([(node_of(each), seq_of(each)) for each in ids], [(node, seq) for seq in SEQS])

    def test_the_same_in_other_bytes_is_the_same(self) -> None:
        text = received(1)[3]
        other = b" ".join([text[:1], text[1:]])
        self.assertEqual(list(FORMS.ids_from_json(b"[" + other + b"]")), [id_of(1, 4)])
        self.assertEqual(list(FORMS.ids_from_json(b"[ " + text + b", " + other + b"]")), [id_of(1, 4)] * 2)
        self.assertEqual(list(FORMS.ids_from_json(b"[]")), [])

    def test_anything_else_is_found_out(self) -> None:
        text = received(1)[3]
        said = msgspec.json.decode(text)
        for spoiled in (
            said | {"node": 2}, said | {"x": 1},
            said | {"ts": id_of(1, 5)}, said | {"ts": id_of(9, 4)}, said | {"ts": 4},
        ):  # fmt: skip
            with self.assertRaises(StrayEvent):
                FORMS.ids_from_json(msgspec.json.encode([spoiled]))
            with self.assertRaises(StrayEvent):
                FORMS.ids_from_messagepack([msgspec.msgpack.encode(spoiled)])

    def test_every_axis_of_a_filter_has_something_to_choose(self) -> None:
        for asked in (
            Asked("", types=("raft",)), Asked("", types=("cache",)), Asked("", nodes=(2,)), Asked("", shards=(3,)),
            Asked("", types=("Wal",), nodes=(1,), shards=(3,)),
        ):  # fmt: skip
            self.assertTrue(0 < FORMS.share(asked) < 1, asked)


class TranscriptTests(SynchronousTestCase):
    """What was written is read."""

    def test_records(self) -> None:
        records = [note("connect", position=None), *batches(windows(), 0, 3), note("left")]
        file = BytesIO()
        Transcript(file).write(records)
        self.assertEqual(list(read(file.getvalue())), records)
        for size in (1, 40, len(file.getvalue()) - 1):
            with self.assertRaises(ValueError):
                list(read(file.getvalue()[:size]))
