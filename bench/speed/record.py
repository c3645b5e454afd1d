"""What was measured last, kept beside the document that is made of it: what is not measured again stays."""

from pathlib import Path

import msgspec

from bench.speed.curves import Curve
from bench.speed.table import Row

__all__ = ["Measured", "Record", "read", "write"]


class Measured(msgspec.Struct):
    """Of one measurement.

    :ivar when: the day. :ivar seconds: that it took.
    """

    when: str
    machine: str
    versions: str
    seconds: float
    rows: list[Row] = []
    curves: list[Curve] = []


Record = dict[str, Measured]
"""By the measurement's name."""


def read(path: Path) -> Record:
    """What the file says; nothing, where there is none.

    :raises msgspec.ValidationError: it is of another kind.
    """
    return msgspec.json.decode(path.read_bytes(), type=Record) if path.exists() else {}


def write(path: Path, record: Record) -> None:
    """Replace it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(record)) + b"\n")
