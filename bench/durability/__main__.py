"""``python -m bench.durability``: what is lost when a daemon with ``--data-dir`` is killed, and what that costs.

Prints the table of ``docs/durability.md``. The exit status is 1 if something that was acked is not in the log.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.durability.beside import late_with
from bench.durability.hour import Hour, hour
from bench.durability.killed import Killed, kill_rounds
from bench.durability.writing import Writing, write_times
from bench.speed.machine import machine

__all__ = ["main"]

PARTS = ("writing", "beside", "hour", "killed")
WRITE_MINUTES = 1.0
WRITE_ROUNDS = 3
MIB = 1 << 20


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.durability", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="of the history that is read (%(default)s)")
    parser.add_argument("--rounds", type=int, default=100, help="of SIGKILL (%(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="that lateness is measured (%(default)s)")
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, metavar="PART", default=PARTS, help=f"some of {', '.join(PARTS)}"
    )
    parser.add_argument("--directory", type=Path, help="on the disk that is meant (default: that of temporary files)")
    return parser.parse_args(arguments)


def _of_killed(found: Killed) -> Iterator[str]:
    yield f"| acked events lost over {found.rounds} SIGKILL | {found.lost} of {found.acked:,}; {found.twice} twice |"


def _of_writing(found: Writing) -> Iterator[str]:
    memory_us, disk_us = median(found.memory_us), median(found.disk_us)
    p50_ms, p99_ms = found.commit_p50_p99_ms
    yield (
        f"| CPU of a window of 500 events, in memory and on disk | {memory_us:,.0f} us, {disk_us:,.0f} us:"
        f" {disk_us / memory_us:.1f} times |"
    )
    yield f"| a commit, p50 and p99 | {p50_ms:.1f} ms, {p99_ms:.1f} ms |"


def _of_hour(found: Hour) -> Iterator[str]:
    size_mib = found.size_bytes / MIB
    yield (
        f"| {found.minutes:g} minutes at 10,000 events/s | {found.events:,} events, {size_mib:,.0f} MiB:"
        f" {found.size_bytes / found.events:.1f} bytes an event |"
    )
    start_s, empty_s = median(found.start_s), median(found.empty_start_s)
    yield f"| start until ready, and of an empty directory | {start_s:.2f} s, {empty_s:.2f} s |"
    for name, times in found.query_s.items():
        yield f"| {name} | {median(times):.3f} s, {found.answer_bytes[name] / MIB:,.1f} MiB |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; the exit status."""
    options = _parsed(arguments)

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    print(f"{datetime.now(UTC).date().isoformat()}, {machine()}", flush=True)
    status = 0
    with TemporaryDirectory(prefix="vizd-durability-", dir=options.directory) as place:
        directory = Path(place)
        if "writing" in options.only:
            _print(_of_writing(write_times(min(WRITE_MINUTES, options.minutes), WRITE_ROUNDS, directory)))
        if "beside" in options.only:
            _print(late_with(options.seconds, directory))
        if "hour" in options.only:
            _print(_of_hour(hour(options.minutes, directory, tell)))
        if "killed" in options.only:
            killed = kill_rounds(options.rounds, directory, tell)
            _print(_of_killed(killed))
            status = int(killed.lost > 0 or killed.twice > 0)
    return status


def _print(rows: Iterator[str]) -> None:
    for row in rows:
        print(row, flush=True)


if __name__ == "__main__":
    sys.exit(main())
