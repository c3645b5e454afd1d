"""What one node's storage did in some span of time, as a few bytes: its fsyncs and its write pressure."""

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vizd.state.histogram import percentiles

__all__ = ["Reading", "merged"]

_HEAD = struct.Struct("<IfBc")
"""Longest fsync in ms; highest pressure, NaN for none; how many bins; the width of their counts."""
_WIDTHS = ((2**8, b"B"), (2**16, b"H"), (2**32, b"I"), (2**64, b"Q"))


@dataclass(slots=True)
class Reading:
    """Of a second, or of many.

    :ivar bins: how many fsyncs there are in each bin of ``histogram``. :ivar longest_ms: 0 without one.
    :ivar pressure: the highest ratio of a WritePressureUpdate, an f32; ``None`` without one.
    """

    bins: dict[int, int] = field(default_factory=dict)
    longest_ms: int = 0
    pressure: float | None = None

    def add(self, packed: bytes) -> None:
        """Take in another reading."""
        longest_ms, pressure, size, width = _HEAD.unpack_from(packed)
        if longest_ms > self.longest_ms:
            self.longest_ms = longest_ms
        if pressure == pressure and (self.pressure is None or pressure > self.pressure):
            self.pressure = pressure
        begin = _HEAD.size
        numbers = packed[begin : begin + size]
        counts: Sequence[int] = packed[begin + size :]
        if width != b"B":
            counts = struct.unpack(f"<{size}{width.decode()}", packed[begin + size :])
        bins = self.bins
        if bins:
            for number, count in zip(numbers, counts, strict=True):
                bins[number] = bins.get(number, 0) + count
        else:
            self.bins = dict(zip(numbers, counts, strict=True))

    def packed(self) -> bytes:
        """For ``add``; about 50 bytes of a second with hundreds of fsyncs."""
        most = max(self.bins.values(), default=0)
        width = next(width for bound, width in _WIDTHS if most < bound)
        pressure = math.nan if self.pressure is None else self.pressure
        head = _HEAD.pack(self.longest_ms, pressure, len(self.bins), width)
        counts = struct.pack(f"<{len(self.bins)}{width.decode()}", *self.bins.values())
        return head + bytes(self.bins) + counts

    def percentiles(self, *percents: int) -> list[int]:
        """In ms, at most ``histogram.ERROR`` off; there must be an fsync."""
        return [min(found, self.longest_ms) for found in percentiles(self.bins, percents)]


def merged(records: Iterable[bytes]) -> bytes:
    """One record of several."""
    reading = Reading()
    for record in records:
        reading.add(record)
    return reading.packed()
