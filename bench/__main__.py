"""``python -m bench``: how fast the daemon is, beside references that do the same work in the same run.

Prints each row of the table as it is measured.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

from bench.speed import dashboards, fanout, history, ingest, memory, past
from bench.speed.table import Row

__all__ = ["main"]

Tell = Callable[[str], None]


def _fanout(options: argparse.Namespace, tell: Tell) -> Iterator[Row]:
    with fanout.serving(peers=not options.no_peers) as servers:
        yield from fanout.rows(fanout.measure(servers, options.clients, options.rounds, options.seconds, tell))


def _ingest(options: argparse.Namespace, tell: Tell) -> Iterator[Row]:
    yield ingest.cost_row(ingest.events_cost((50_000, 100_000), options.rounds, options.seconds, tell))
    yield ingest.saturated_row(ingest.saturate(options.rounds, options.seconds, tell))


def _past(options: argparse.Namespace, tell: Tell) -> Iterator[Row]:
    yield from past.rows(past.measure(options.rounds, tell))


def _dashboards(options: argparse.Namespace, tell: Tell) -> Iterator[Row]:
    yield dashboards.row(dashboards.measure(tell))


def _memory(options: argparse.Namespace, tell: Tell) -> Iterator[Row]:
    yield memory.row([memory.bytes_per_event(rate, minutes, tell) for rate, minutes in memory.MINUTES.items()])


def _history(options: argparse.Namespace, tell: Tell) -> Iterator[Row]:
    yield from history.rows(history.read_times(history.MINUTES, options.rounds, tell))


MEASUREMENTS = {
    "fanout": _fanout,
    "ingest": _ingest,
    "memory": _memory,
    "history": _history,
    "past": _past,
    "dashboards": _dashboards,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, metavar="NAME", default=list(MEASUREMENTS))
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement (%(default)s)")
    parser.add_argument("--clients", type=lambda text: [int(each) for each in text.split(",")], default=fanout.SIZES)
    parser.add_argument("--no-peers", action="store_true", help="without websockets, ws and picows")
    options = parser.parse_args(arguments)
    for name in options.only:
        for row in MEASUREMENTS[name](options, lambda text: print(text, file=sys.stderr, flush=True)):
            print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
