"""``python -m bench.law``: every reader of the real daemon gets the whole log, in order, each event once.

Publishers are killed, clients stall, crawl, pause, change their minds and lose their connections; all that they took is
recorded and checked. It ends with ``0 violations`` or a list of them; the exit status is 1 if there are any.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.law.events import MAX_NODES
from bench.law.faults import FAULTS
from bench.law.report import as_dict, as_text
from bench.law.run import Options, run

__all__ = ["main"]

MIN_SECONDS = 3.0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.law", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="how long is published (%(default)s)")
    parser.add_argument("--seconds", type=float, help="the same, for short runs")
    parser.add_argument("--clients", type=int, default=20, help="2 or more (%(default)s)")
    parser.add_argument("--rate", type=int, default=2_000, help="events per second in total (%(default)s)")
    parser.add_argument("--nodes", type=int, default=4, help=f"publishers, {MAX_NODES} at most (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of who does what when (%(default)s)")
    parser.add_argument("--repeat", type=int, default=1, help="runs, each with the next seed (%(default)s)")
    parser.add_argument("--buffer-mb", type=int, default=16, help="of the daemon (%(default)s)")
    parser.add_argument(
        "--retention-s", type=float, default=0.0,
        help="let the daemon keep only so much, less than it can be asked for: short runs trim too",
    )  # fmt: skip
    parser.add_argument(
        "--max-events", type=int, default=500, help="per second, of a client with a filter (%(default)s)"
    )
    parser.add_argument(
        "--fault", choices=sorted(FAULTS), help="history on disk, and what goes wrong beneath the daemon (neither)"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep transcripts and the daemon's log there, by seed")
    parser.add_argument("--json", action="store_true", help="a report is one line of JSON")
    options = parser.parse_args(arguments)
    options.seconds = options.seconds or options.minutes * 60
    if options.clients < 2 or options.seconds < MIN_SECONDS or not 0 < options.nodes <= MAX_NODES:
        parser.error(f"2 clients, {MIN_SECONDS:g} seconds and a node are needed, or more")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the exit status.

    :param arguments: of the command line; ``None``: those of the process.
    """
    parsed = _parsed(arguments)
    status = 0
    for seed in range(parsed.seed, parsed.seed + parsed.repeat):
        options = Options(
            seconds=parsed.seconds, clients=parsed.clients, rate=parsed.rate, nodes=parsed.nodes, seed=seed,
            buffer_mb=parsed.buffer_mb, retention_s=parsed.retention_s, max_events_per_s=parsed.max_events,
            fault=parsed.fault,
        )  # fmt: skip
        with _place(parsed.keep, seed) as directory:
            ran = run(options, Path(directory))
        print(json.dumps(as_dict(ran)) if parsed.json else as_text(ran), flush=True)
        status |= bool(ran.violations)
    return status


def _place(keep: Path | None, seed: int) -> TemporaryDirectory[str] | nullcontext[str]:
    if keep is None:
        return TemporaryDirectory(prefix="vizd-law-")
    directory = keep / f"seed-{seed}"
    directory.mkdir(parents=True, exist_ok=True)
    return nullcontext(str(directory.resolve()))


if __name__ == "__main__":
    sys.exit(main())
