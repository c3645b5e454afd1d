"""Tests of ``vizd.incident.chunks`` and ``reader``: a file that is not whole yields what is, and says what is not."""

import io
import struct
import zlib
from typing import Any

import msgspec
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.incident.chunks import (
    FORMAT,
    MAGIC,
    MAX_BODY_BYTES,
    Chunk,
    Head,
    NotAnIncident,
    begin,
    read_chunks,
    write_chunk,
)
from vizd.incident.reader import Incident

WINDOWS = 40


def window(number: int) -> dict[str, Any]:
    """One that can be told from others."""
    return {"window_start": 50 * number, "window_end": 50 * number + 50, "events": [{"ts": number, "node": 1}] * 3}


def whole() -> tuple[bytes, list[int]]:
    """A file of three windows a chunk, and where its chunks begin."""
    file = io.BytesIO()
    begin(file)
    borders = [file.tell()]

    def add(kind: str, items: list[Any], **span: Any) -> None:
        write_chunk(file, Head(number=len(borders) - 1, kind=kind, **span), items)
        borders.append(file.tell())

    add("header", [{"version": "x", "from_ms": 0}])
    add("coverage", [{"nodes": []}])
    add("state", [{"ts": 0, "node": 1}], events=1)
    for first in range(0, WINDOWS, 4):
        items: list[Any] = [window(first + each) for each in range(4)]
        add("windows", [*items, {"gap": {"reason": "trimmed"}}], from_ms=50 * first, to_ms=50 * first + 200, events=12)
    add("end", [{"windows": WINDOWS}])
    return file.getvalue(), borders[:-1]


FILE, BORDERS = whole()


def windows_of(content: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """What is whole, and what is said of the rest."""
    incident = Incident(io.BytesIO(content))
    found = [item for kind, item in incident.items() if kind == "window"]
    return found, incident.damage


class Files(SynchronousTestCase):
    def test_what_is_whole_is_read_as_it_was_written(self) -> None:
        incident = Incident(io.BytesIO(FILE))
        items = list(incident.items())
        self.assertEqual(incident.header["version"], "x")
        self.assertEqual([item for kind, item in items if kind == "window"], [window(each) for each in range(WINDOWS)])
        self.assertEqual(sum(kind == "gap" for kind, _ in items), WINDOWS // 4)
        self.assertEqual(incident.damage, [])

    def test_cut_at_any_byte_it_yields_the_chunks_before_and_says_from_when_on_nothing_is_known(self) -> None:
        for length in range(len(MAGIC) + 4, len(FILE)):
            found, damage = windows_of(FILE[:length])
            chunks = sum(border <= length for border in BORDERS[1:]) - 3
            self.assertEqual(found, [window(each) for each in range(4 * max(0, chunks))][: len(found)])
            self.assertGreaterEqual(len(found), 4 * max(0, min(chunks, WINDOWS // 4)))
            self.assertIn("the end is missing", damage[-1])

    @given(st.data())
    def test_bytes_that_are_others_cost_what_they_are_in_and_it_is_said(self, data: st.DataObject) -> None:
        content = bytearray(FILE)
        for at in data.draw(st.lists(st.integers(len(MAGIC) + 4, len(FILE) - 1), min_size=1, max_size=3)):
            content[at] ^= data.draw(st.integers(1, 255))
        found, damage = windows_of(bytes(content))
        if content == FILE:
            return
        starts = [each["window_start"] for each in found]
        self.assertEqual(starts, sorted(set(starts)))
        self.assertTrue(all(each == window(each["window_start"] // 50) for each in found))
        self.assertGreaterEqual(len(found), WINDOWS - 12)
        self.assertTrue(damage)

    def test_of_a_body_that_is_damaged_it_is_known_what_is_missing(self) -> None:
        content = bytearray(FILE)
        content[BORDERS[5] - 1] ^= 1
        found, damage = windows_of(bytes(content))
        self.assertEqual(len(found), WINDOWS - 4)
        [said] = damage
        self.assertIn("12 events from 1970-01-01T00:00:00.200Z to 1970-01-01T00:00:00.400Z", said)

    def test_a_chunk_that_was_taken_out_is_missed(self) -> None:
        found, damage = windows_of(FILE[: BORDERS[5]] + FILE[BORDERS[6] :])
        self.assertEqual(len(found), WINDOWS - 4)
        self.assertEqual(damage, ["1 chunks are missing behind 1970-01-01T00:00:00.400Z"])

    def test_another_version_and_another_file_are_refused_by_name(self) -> None:
        newer = MAGIC + struct.pack(">I", FORMAT + 1) + FILE[len(MAGIC) + 4 :]
        with self.assertRaisesRegex(NotAnIncident, f"format {FORMAT + 1}.*format {FORMAT}"):
            windows_of(newer)
        for other in (b"", b"{}", b"\x89PNG\r\n\x1a\n" * 9, FILE[:5]):
            with self.assertRaisesRegex(NotAnIncident, "not an incident"):
                windows_of(other)

    def test_a_bomb_is_not_unpacked(self) -> None:
        file = io.BytesIO()
        begin(file)
        packed_head = msgspec.msgpack.encode(Head(number=0, kind="windows"))
        for body in (
            zstandard.ZstdCompressor().compress(bytes(MAX_BODY_BYTES + 1)),
            zstandard.ZstdCompressor(write_content_size=False).compress(bytes(4 * MAX_BODY_BYTES)),
        ):
            said = struct.pack(">III", len(packed_head), len(body), zlib.crc32(body))
            sums = zlib.crc32(said + packed_head), zlib.crc32(body)
            file.write(struct.pack(">8sIIII", FILE[12:20], len(packed_head), len(body), *sums) + packed_head + body)
        file.seek(0)
        found = list(read_chunks(file))
        self.assertEqual(len(found), 2)
        self.assertFalse(any(isinstance(each, Chunk) for each in found))
