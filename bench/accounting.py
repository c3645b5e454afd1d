"""``python -m bench.accounting``: every event that the cluster emitted is accounted for at every dashboard.

It starts the real daemon, the simulated cluster and processes of WebSocket clients, all on this machine, and
ends with ``0 violations`` or a list of them; the exit status is 1 if there are any.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.daemon import Daemon, busy_cpu_s, cpu_s, rss_bytes, rss_peak_bytes
from bench.filters import asked_by
from bench.history import compare_last_minute
from bench.measured import Measured, Sample
from bench.readers import ReaderProcess
from bench.report import as_dict, as_text
from bench.violations import violations

__all__ = ["main"]

COALESCE_MS = 50
"""The daemon's default, given so that an environment variable can't change it."""
SAMPLE_EVERY_S = 2.0
MIN_SECONDS = 5.0
"""Of a run: shares of the CPU need some samples."""
CLUSTER_GRACE_S = 60.0
"""For the cluster to begin, and to deliver what it has left at its end."""
SETTLE_TIMEOUT_S = 30.0
"""For the last event to reach the last client: three times the lag that a client is allowed."""
QUIET_S = 1.0
"""Without a new event anywhere, after which nothing is expected any more."""
POLL_EVERY_S = 0.1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.accounting", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the cluster publishes (%(default)s)")
    parser.add_argument("--seconds", type=float, help="the same, for short runs")
    parser.add_argument("--rate", type=int, default=5_000, help="events per second in total (%(default)s)")
    parser.add_argument("--clients", type=int, default=20, help="2 or more (%(default)s)")
    parser.add_argument("--nodes", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--shards", type=int, default=24, help="(%(default)s)")
    parser.add_argument("--buffer-mb", type=int, default=512, help="of the daemon (%(default)s)")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the cluster, and of filters of many clients (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="the report as one line of JSON")
    options = parser.parse_args(arguments)
    options.seconds = options.seconds or options.minutes * 60
    if options.clients < 2 or options.seconds < MIN_SECONDS:
        parser.error(f"2 clients and {MIN_SECONDS:g} seconds are needed, or more")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the exit status.

    :param arguments: of the command line; ``None``: those of the process.
    """
    options = _options(arguments)
    with TemporaryDirectory(prefix="vizd-bench-") as directory:
        run = _measure(options, Path(directory))
    broken = violations(run)
    print(json.dumps(as_dict(run, broken)) if options.json else as_text(run, broken))
    return 1 if broken else 0


def _measure(options: argparse.Namespace, directory: Path) -> Measured:
    """From the daemon's start to its end."""
    asked = asked_by(options.clients, options.nodes, options.shards, options.seed)
    daemon = Daemon(directory, f"--buffer-mb={options.buffer_mb}", f"--coalesce-ms={COALESCE_MS}")
    readers: list[ReaderProcess] = []
    try:
        url = f"ws://127.0.0.1:{daemon.http_port}/ws/events"
        # The reference has a process for itself: what it says of lateness is not what the others cost.
        readers += [ReaderProcess(url, asked[:1], others=asked[1:]), ReaderProcess(url, asked[1:])]
        for each in readers:
            each.wait_ready()
        run = Measured(_described(options), asked, COALESCE_MS, rss_base_bytes=rss_bytes(daemon.pid))
        run.cluster = _publish(options, daemon, readers, run.samples)
        run.settled_s = _settle(readers, asked[0].name, run.cluster["acked"])
        run.stats = daemon.stats()
        run.rss_end_bytes = rss_bytes(daemon.pid)
        outcomes = [each.finish() for each in readers]
        run.received = [each for outcome in outcomes for each in outcome.received]
        run.expected = outcomes[0].expected
        run.history = compare_last_minute(daemon, outcomes[0].windows, run.stats["oldest_event_ms"] or 0)
        run.rss_peak_bytes = rss_peak_bytes(daemon.pid)
        run.exit_status = daemon.stop()
        run.complaints = daemon.complaints
        return run
    finally:
        for each in readers:
            each.kill()
        daemon.kill()


def _described(options: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in vars(options).items() if name not in ("json", "minutes")}


def _publish(
    options: argparse.Namespace, daemon: Daemon, readers: Sequence[ReaderProcess], samples: list[Sample]
) -> dict[str, Any]:
    """Run the cluster to its end, looking at the daemon now and then; the cluster's accounting."""
    command = [sys.executable, "-m", "vizd.sim", "--json", f"--grpc=127.0.0.1:{daemon.grpc_port}"]
    command += [f"--{name}={getattr(options, name)}" for name in ("nodes", "shards", "rate", "seed", "seconds")]
    cluster = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        give_up_s = time.monotonic() + options.seconds + CLUSTER_GRACE_S
        output = errors = ""
        while cluster.returncode is None:
            samples.append(_sample(daemon, cluster.pid, readers))
            try:
                output, errors = cluster.communicate(timeout=SAMPLE_EVERY_S)
            except subprocess.TimeoutExpired:
                if time.monotonic() > give_up_s:
                    raise RuntimeError("the cluster does not end") from None
    finally:
        if cluster.poll() is None:
            cluster.kill()
            cluster.wait()
    if cluster.returncode:
        raise RuntimeError(f"the cluster failed:\n{errors[-2000:]}")
    accounting: dict[str, Any] = json.loads(output)
    return accounting


def _sample(daemon: Daemon, cluster: int, readers: Sequence[ReaderProcess]) -> Sample:
    stats = daemon.stats()
    return Sample(
        at_s=time.monotonic(),
        rss_bytes=rss_bytes(daemon.pid),
        daemon_cpu_s=cpu_s(daemon.pid),
        cluster_cpu_s=cpu_s(cluster),
        readers_cpu_s=sum(cpu_s(each.pid) for each in readers),
        machine_cpu_s=busy_cpu_s(),
        buffer_bytes=stats["buffer_bytes"],
        waiting_events=stats["ingest"]["waiting"],
        tick_late_ms=stats["tick_late_ms"],
    )


def _settle(readers: Sequence[ReaderProcess], reference: str, acked: int) -> float | None:
    """Wait for the reference to have everything and for a quiet second.

    Returns how long it took until the last event came; ``None`` if it took too long.
    """
    began_s = changed_s = time.monotonic()
    counts: dict[str, int] = {}
    while time.monotonic() - began_s < SETTLE_TIMEOUT_S:
        before, counts = counts, {name: count for each in readers for name, count in each.counts().items()}
        if counts != before:
            changed_s = time.monotonic()
        if counts[reference] >= acked and time.monotonic() - changed_s >= QUIET_S:
            return changed_s - began_s
        time.sleep(POLL_EVERY_S)
    return None


if __name__ == "__main__":
    sys.exit(main())
