"""A stream of frames is counted right, wherever the network has cut it."""

import struct
from array import array

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bench.speed.frames import HEAD_BYTES, Stream
from vizd.stream.encoding import JSON, MESSAGEPACK

START_MS, END_MS, NOW_MS = 1_765_000_000_000, 1_765_000_000_050, 1_765_000_000_057.5


def framed(payload: bytes, opcode: int = 1) -> bytes:
    """As a server frames it: unmasked, in one piece."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 1 << 16:
        return struct.pack(">BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack(">BBQ", 0x80 | opcode, 127, size) + payload


def batch(encoder: object, events: int) -> bytes:
    """A batch, as the daemon writes it."""
    texts = encoder.events([b'{"ts":1,"node":1}'] * events)  # type: ignore[attr-defined]
    data = encoder.data(START_MS, END_MS, texts, [events] + [0] * 7)  # type: ignore[attr-defined]
    return framed(encoder.batch(data, {"position": "P"}), 2 if encoder is MESSAGEPACK else 1)  # type: ignore[attr-defined]


CONNECTED = framed(JSON.message({"type": "connected", "version": "0.1.0", "server_time_ms": START_MS}))
GAP = framed(JSON.message({"type": "gap", "from_ms": 1, "to_ms": 2, "windows": 3, "events": 4, "reason": "slow"}))
PING = framed(b"1234", 9)
KINDS = (batch(JSON, 1), batch(JSON, 100), batch(JSON, 5_000), batch(MESSAGEPACK, 1), batch(MESSAGEPACK, 3_000))


class FramesTests(SynchronousTestCase):
    """``Stream``."""

    @given(
        st.lists(st.sampled_from((*KINDS, CONNECTED, GAP, PING)), max_size=8),
        st.lists(st.integers(1, 3 * HEAD_BYTES) | st.integers(1, 200_000), min_size=1, max_size=30),
    )
    def test_cut_anywhere(self, frames: list[bytes], pieces: list[int]) -> None:
        late_ms = array("d")
        stream = Stream(late_ms, is_watched=True)
        data, at, number = b"".join(frames), 0, 0
        while at < len(data):
            piece = data[at : at + pieces[number % len(pieces)]]
            stream.take(bytearray(piece + b"what was there before"), len(piece), NOW_MS)
            at += len(piece)
            number += 1
        batches = sum(frame in KINDS for frame in frames)
        self.assertEqual((stream.batches, stream.gaps), (batches, frames.count(GAP)))
        self.assertEqual(list(late_ms), [7.5] * batches)
        self.assertEqual(stream.windows, [(START_MS, END_MS)] * batches)
        self.assertEqual(stream.wants_pong, PING in frames)

    def test_a_batch_counts_when_it_is_complete(self) -> None:
        stream = Stream(array("d"))
        frame = batch(JSON, 100)
        stream.take(bytearray(frame[:-1]), len(frame) - 1, NOW_MS)
        self.assertEqual(stream.batches, 0)
        stream.take(bytearray(frame[-1:]), 1, NOW_MS)
        self.assertEqual(stream.batches, 1)

    def test_a_batch_of_the_state_is_not_late(self) -> None:
        late_ms = array("d")
        stream = Stream(late_ms)
        for start_ms in (END_MS, START_MS):
            frame = framed(JSON.batch(JSON.data(start_ms, END_MS, [b"{}"], [1] + [0] * 7), {}))
            stream.take(bytearray(frame), len(frame), NOW_MS)
        self.assertEqual((stream.batches, list(late_ms)), (2, [7.5]))

    def test_payloads_are_measured_without_their_headers(self) -> None:
        stream = Stream(None)
        for payload in (b"x" * 10, b"x" * 1_000, b"x" * 100_000):
            frame = framed(payload)
            stream.take(bytearray(frame), len(frame), NOW_MS)
        self.assertEqual(stream.size_bytes, 101_010)
