"""How the log compresses."""

import threading

import zstandard

__all__ = ["compress", "decompress"]

LEVEL = 1
"""Level 3 gains nothing on blocks of events."""


class _Own(threading.local):
    """Of each thread, since zstd lets others run while it works and what it works with must not be shared.

    New ones each time would take 15 us longer, twice what a window of a quiet second takes.
    """

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=LEVEL).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_own = _Own()


def decompress(data: bytes) -> bytes:
    """What was compressed."""
    return _own.decompress(data)


def compress(data: bytes) -> bytes:
    """``data`` compressed, in an object of its own size.

    What zstd returns was allocated for the worst case and then shortened; the holes that leaves between what is
    kept took 12 bytes an event more (``python -m bench --only memory``).
    """
    return bytes(memoryview(_own.compress(data)))
