"""``python -m vizd.sim``: a simulated cluster publishes to a daemon until Ctrl-C, SIGTERM or ``--seconds``.

Exit status 0; 1 if no daemon took anything, or another process publishes as these nodes; 2 for a bad option.
"""

import argparse
import gc
import json
import logging
import random
import signal
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from vizd.client.address import Token
from vizd.client.credentials import first_token, tls_credentials
from vizd.sim.accounting import Accounting
from vizd.sim.cluster import MAX_NODES, MAX_RATE, MAX_SHARDS, MIN_RATE, SimulatedCluster
from vizd.sim.runner import SimulationRunner, wall_ms
from vizd.sim.scenarios import DEFAULT_SCENARIO, SCENARIOS

__all__ = ["main"]

STOP_TIMEOUT_S = 5.0
STOP_ALONE_TIMEOUT_S = 0.5
"""Where no daemon listens: whoever pressed Ctrl-C should not wait for one."""
_GC_THRESHOLDS = 100_000, 20, 20
"""Events are in no cycles; with Python's own thresholds, looking for some took a third of the time."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line: the usage would hide it."""
        self.exit(2, f"{self.prog}: {message}\n")


def _within(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: a whole number from {low} to {high} is needed")
        return value

    return number


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r}: a number of seconds above 0 is needed")
    return value


def _target(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise argparse.ArgumentTypeError(f"{text!r}: HOST:PORT is needed, such as 127.0.0.1:9091")
    return text


def _token(path: str) -> Token:
    """Read now, so that a wrong file is known at once, and again for each stream."""
    token = partial(first_token, Path(path))
    try:
        token()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return token


def _scenario(text: str) -> str:
    if text not in SCENARIOS:
        raise argparse.ArgumentTypeError(f"{text!r}: one of {', '.join(SCENARIOS)} is needed")
    return text


def _scenarios() -> Iterator[str]:
    width = max(map(len, SCENARIOS)) + 4
    for name, scenario in SCENARIOS.items():
        yield textwrap.fill(
            scenario.sentence, 100, initial_indent=f"  {name}".ljust(width), subsequent_indent=" " * width
        )


def _options(arguments: Sequence[str] | None, name: str) -> argparse.Namespace:
    parser = _Parser(
        prog=name,
        description="A simulated NoriKV cluster publishes to a daemon.",
        epilog="Scenarios:\n" + "\n".join(_scenarios()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--grpc", type=_target, default="127.0.0.1:9091", metavar="HOST:PORT", help="(%(default)s)")
    parser.add_argument("--nodes", type=_within(1, MAX_NODES), default=5, metavar="N", help="(%(default)s)")
    parser.add_argument("--shards", type=_within(1, MAX_SHARDS), default=24, metavar="N", help="(%(default)s)")
    parser.add_argument(
        "--rate",
        type=_within(MIN_RATE, MAX_RATE),
        default=1_000,
        metavar="N",
        help="events per second in total (%(default)s)",
    )
    parser.add_argument(
        "--scenario",
        type=_scenario,
        default=DEFAULT_SCENARIO,
        metavar="NAME",
        help="what happens, over and over: see below (%(default)s)",
    )
    parser.add_argument(
        "--as-of-today",
        action="store_true",
        help="only what real nodes emit as of today: Wal, Lsm, SlotHeat, part of Compaction, and who was elected; "
        "under hashed numbers",
    )
    parser.add_argument("--seed", type=_within(0, 2**63), metavar="N", help="repeats a run's events (random)")
    parser.add_argument("--seconds", type=_seconds, metavar="N", help="end after so long (until Ctrl-C)")
    parser.add_argument("--token-file", type=_token, dest="token", metavar="FILE", help="the first token in it is sent")
    parser.add_argument("--tls-ca", type=Path, metavar="FILE", help="PEM: who signed the daemon's certificate")
    parser.add_argument(
        "--tls-cert", type=Path, metavar="FILE", help="PEM: for a daemon that asks for one, with the name of every node"
    )
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="PEM: the key of --tls-cert")
    parser.add_argument("--json", action="store_true", help="the accounting as one line of JSON")
    options = parser.parse_args(arguments)
    fewest = SCENARIOS[options.scenario].fewest_nodes
    if options.nodes < fewest:
        parser.error(f"argument --nodes: {options.scenario} needs {fewest} or more")
    if (options.tls_cert or options.tls_key) and not options.tls_ca:
        parser.error("--tls-cert and --tls-key are of use with --tls-ca only")
    try:
        options.credentials = (
            tls_credentials(options.tls_ca, options.tls_cert, options.tls_key) if options.tls_ca else None
        )
    except ValueError as error:
        parser.error(str(error))
    return options


def main(arguments: Sequence[str] | None = None, name: str = "python -m vizd.sim") -> int:
    """Run until told to stop; the exit status.

    :param arguments: of the command line; ``None``: those of the process.
    :param name: of the command, for its errors.
    """
    options = _options(arguments, name)
    gc.set_threshold(*_GC_THRESHOLDS)
    seed = random.randrange(2**32) if options.seed is None else options.seed  # noqa: S311
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    cluster = SimulatedCluster(
        options.nodes, options.shards, options.rate, seed, wall_ms(), options.scenario, options.as_of_today
    )
    runner = SimulationRunner(cluster, options.grpc, token=options.token, credentials=options.credentials)
    runner.start()
    stop.wait(options.seconds)
    accounting = runner.stop(STOP_TIMEOUT_S if runner.connected else STOP_ALONE_TIMEOUT_S)
    print(json.dumps(accounting.as_dict()) if options.json else accounting.as_text())  # noqa: T201
    return _status(accounting, options.grpc, name)


def _status(accounting: Accounting, target: str, name: str) -> int:
    problem = ""
    if any(node.fenced for node in accounting.nodes):
        problem = "another process publishes as these nodes"
    elif not accounting.total("streams"):
        problem = f"no daemon at {target} took anything ({'; '.join(accounting.last_errors) or 'too early'})"
    if problem:
        print(f"{name}: {problem}", file=sys.stderr)  # noqa: T201
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
