"""Which cores are whose: what is measured has one that nobody else of the run uses."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["CLIENTS", "SERVER", "on"]

_CORES = sorted(os.sched_getaffinity(0))
SERVER = {_CORES[0]}
CLIENTS = set(_CORES[1:]) or SERVER
"""On a machine of one core they share it; then lateness and rates say little, and CPU times still something."""


@contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """Processes that are started here, with all of their threads, stay on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
