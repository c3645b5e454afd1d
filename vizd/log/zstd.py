"""How the log compresses."""

import zstandard

__all__ = ["compress", "decompress"]

LEVEL = 1
"""Level 3 gains nothing on blocks of events."""

_compressor = zstandard.ZstdCompressor(level=LEVEL)
_decompressor = zstandard.ZstdDecompressor()

decompress = _decompressor.decompress


def compress(data: bytes) -> bytes:
    """``data`` compressed, in an object of its own size.

    What zstd returns was allocated for the worst case and then shortened; the holes that leaves between what is
    kept took 12 bytes an event more (``python -m bench --only memory``).
    """
    return bytes(memoryview(_compressor.compress(data)))
