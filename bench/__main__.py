"""``python -m bench``: how fast the daemon is, beside references that do the same work in the same run.

Prints each row of the table as it is measured, and writes ``docs/performance.md``. ``--guard``: the short version for
CI, which writes nothing; the exit status is 1 if a limit is broken.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.speed import fanout, guard, plots, record
from bench.speed.curves import Curve
from bench.speed.document import with_measured
from bench.speed.machine import machine, versions
from bench.speed.measurements import MEASUREMENTS, Extent
from bench.speed.record import Measured
from bench.speed.table import Row

__all__ = ["main"]

_DOCS = Path(__file__).parents[1] / "docs"


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--guard", action="store_true", help="the short version for CI")
    parser.add_argument(
        "--only", nargs="+", choices=MEASUREMENTS, metavar="NAME", default=list(MEASUREMENTS),
        help=f"some of {', '.join(MEASUREMENTS)}; the others keep what was measured last",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3, help="of each, whose median counts (%(default)s)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a single measurement (%(default)s)")
    parser.add_argument("--clients", type=_sizes, default=fanout.SIZES, metavar="N,N", help="of the fan-out")
    parser.add_argument("--no-peers", action="store_true", help="without websockets, ws and picows")
    parser.add_argument("--dry", action="store_true", help="write nothing: for a look at one's own change")
    return parser.parse_args(arguments)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(","))


def _measured(name: str, extent: Extent) -> Measured:
    began_s = time.monotonic()
    today = datetime.now(UTC).date().isoformat()
    found = Measured(today, machine(), versions(), 0)
    for each in MEASUREMENTS[name](extent, lambda text: print(text, file=sys.stderr, flush=True)):
        if isinstance(each, Row):
            found.rows.append(each)
            print(each, flush=True)
        elif isinstance(each, Curve):
            found.curves.append(each)
    found.seconds = time.monotonic() - began_s
    return found


def _write(measured: dict[str, Measured]) -> None:
    path = _DOCS / "performance" / "measured.json"
    known = record.read(path) | measured
    known = {name: known[name] for name in MEASUREMENTS if name in known}
    record.write(path, known)
    document = _DOCS / "performance.md"
    document.write_text(with_measured(document.read_text(), known))
    curves = [curve for each in measured.values() for curve in each.curves]
    if curves:
        plots.draw(curves, path.parent)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; the exit status."""
    options = _parsed(arguments)
    if options.guard:
        kept = []
        for row, is_kept in guard.guard():
            kept.append(is_kept)
            print(guard.line(row, is_kept), flush=True)
        return 0 if all(kept) else 1
    extent = Extent(options.rounds, options.seconds, options.clients, not options.no_peers)
    measured = {}
    for name in options.only:
        measured[name] = _measured(name, extent)
        if not options.dry:
            _write({name: measured[name]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
