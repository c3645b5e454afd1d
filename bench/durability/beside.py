"""How late the daemon's reactor is, and live windows with it, while its writer is busy; beside the log in memory."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.daemon import Daemon
from bench.durability.writing import RATE
from bench.lag import lateness
from bench.measured import spread

__all__ = ["late_with"]

WARM_UP_S = 3.0


def late_with(seconds: float, directory: Path) -> Iterator[str]:
    """Rows of the table: a daemon, a simulated cluster and one live client each."""
    for name, options in (("in memory", []), ("on disk", [f"--data-dir={directory / 'beside'}"])):
        daemon = Daemon(directory, *options)
        cluster = subprocess.Popen(
            [sys.executable, "-m", "vizd.sim", "--grpc", f"127.0.0.1:{daemon.grpc_port}", "--rate", str(RATE)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            asyncio.run(lateness(daemon.http_port, WARM_UP_S))
            late, too_long = (spread(each) for each in asyncio.run(lateness(daemon.http_port, seconds)))
        finally:
            cluster.terminate()
            cluster.wait()
            daemon.kill()
        if late is None or too_long is None:
            raise RuntimeError("no window came")
        yield (
            f"| live at 10,000 events/s, {name}: reactor's lag p99; a window late p50, p99 | {too_long.p99:.1f} ms;"
            f" {late.p50:.1f} ms, {late.p99:.1f} ms |"
        )
