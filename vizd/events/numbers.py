"""Floating point numbers as JSON text.

An f32 is written as the shortest decimal that reads back to the same f32, as the original's serializer
writes it: ``0.9``, where Python, which only knows f64, would say ``0.8999999761581421``.
"""

import math
import struct

__all__ = ["f32_text", "f64_text"]

_F32 = struct.Struct("<f")
_SMALLEST_NORMAL = 2.0**-126
_MAX_CACHED = 65_536
"""Texts kept: the ratios and heats of a cluster repeat. Emptied when full, about 8 MB."""

_cached: dict[float, str] = {}


def f64_text(value: float) -> str:
    """``value`` as JSON; ``null`` for NaN and the infinities, which JSON has no number for."""
    return repr(value) if math.isfinite(value) else "null"


def f32_text(value: float) -> str:
    """``value``, an f32 in a Python float, as the JSON number that is shortest and reads back to it.

    ``null`` for NaN and the infinities.
    """
    if value == 0.0 or not math.isfinite(value):  # 0.0 and -0.0 are one key of a dict.
        return f64_text(value)
    text = _cached.get(value)
    if text is None:
        if len(_cached) >= _MAX_CACHED:
            _cached.clear()
        text = _cached[value] = repr(_shortest(value))
    return text


def _shortest(value: float) -> float:
    """The f64 whose decimal digits are the fewest that round to the f32 ``value``."""
    # Six digits survive decimal -> f32 -> decimal, so a shorter answer is found at six too; not so for denormals.
    fewest = 6 if abs(value) >= _SMALLEST_NORMAL else 1
    for digits in range(fewest, 9):
        candidates = [float(f"{value:.{digits}g}")]
        if math.frexp(value)[0] in (0.5, -0.5):
            # At a power of two the gap below is half the gap above: the nearest decimal of this
            # length can miss where its neighbour on the far side hits.
            unit = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
            candidates += [float(f"{value + side * unit:.{digits}g}") for side in (1, -1)]
        for candidate in candidates:
            if _as_f32(candidate) == value:
                return candidate
    return float(f"{value:.9g}")  # Nine digits always do.


def _as_f32(value: float) -> float:
    try:
        return float(_F32.unpack(_F32.pack(value))[0])
    except OverflowError:
        return math.inf
