"""Random input that can be had again: a seed, a bound in time, and what is done to good bytes to make them bad."""

import os
import random
import time
from collections.abc import Iterator

__all__ = ["SEED", "mutated", "rounds"]

SECONDS = float(os.environ.get("VIZD_FUZZ_SECONDS", "2"))
SEED = int(os.environ.get("VIZD_FUZZ_SEED", "9"))
FEWEST = 200
"""Rounds, on however slow a machine."""


def rounds() -> Iterator[tuple[str, random.Random]]:
    """One after the other until the time is over: what to say of it if it fails, and its random numbers."""
    ends_s = time.monotonic() + SECONDS
    number = 0
    while time.monotonic() < ends_s or number < FEWEST:
        yield f"VIZD_FUZZ_SEED={SEED}, round {number}", random.Random(SEED * 1_000_003 + number)
        number += 1


def mutated(good: bytes, choose: random.Random) -> bytes:
    """``good`` with one to eight things done to it: bytes changed, cut out, put in, said again, or its end cut off."""
    raw = bytearray(good)
    for _ in range(choose.randint(1, 8)):
        at, length = choose.randrange(len(raw) + 1), choose.randint(1, 16)
        does = choose.randrange(5)
        if does == 0 and at < len(raw):
            raw[at] ^= 1 << choose.randrange(8)
        elif does == 1:
            del raw[at : at + length]
        elif does == 2:
            raw[at:at] = choose.choice((choose.randbytes(length), b"\xff" * length, b"\x00" * length))
        elif does == 3:
            raw[at:at] = raw[at : at + length]
        elif choose.random() < 0.2:
            del raw[at:]
    return bytes(raw)
