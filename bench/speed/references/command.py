"""The command line that all references share, and the payload that they send.

    python -m bench.speed.references.NAME [--frame FILE] [--per-second 20]

A line ``port N`` says that it listens. The payload is a batch as the daemon has sent it; its ``window_end`` becomes the
time at which the tick began that sends it, so that the same client can tell how late it is.
"""

import argparse
import re
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["Stamped", "options"]

_WINDOW_END = re.compile(rb'(?<="window_end":)\d+')
Stamped = Callable[[], bytes]


def options() -> tuple[Stamped, float]:
    """What makes the payload of a tick, and the seconds from one tick to the next."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--frame", type=Path, required=True, help="a batch, in JSON")
    parser.add_argument("--per-second", type=float, default=20.0)
    parsed = parser.parse_args()
    head, tail = _WINDOW_END.split(parsed.frame.read_bytes(), maxsplit=1)
    return lambda: b"%b%d%b" % (head, time.time_ns() // 1_000_000, tail), 1 / parsed.per_second
