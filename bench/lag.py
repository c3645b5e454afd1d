"""How late live windows come while the log seals, trims and is read: beside the same without.

    python -m bench.lag [--rate 10000] [--seconds 20]

Each row is a real daemon, a simulated cluster and one live client of everything, as processes of their own.
Lateness is receipt minus ``window_end``, by one clock; ``tick`` is how much longer than 50 ms windows were.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import websockets

from bench.daemon import Daemon
from bench.measured import Spread, spread

NEVER_SEAL = "import vizd.log.memory as log; log.PLAIN_MS = 10**12"
READ_FOR_EVER = """
import sys, urllib.request
while True:
    with urllib.request.urlopen(sys.argv[1]) as answer:
        while answer.read(1 << 20):
            pass
"""
ROWS: list[tuple[str, list[str], str, str]] = [
    ("nothing sealed, nothing trimmed, nothing read", [], NEVER_SEAL, ""),
    ("sealing", [], "", ""),
    ("sealing and trimming", ["--buffer-mb=16"], "", ""),
    ("sealing, and all of /api/history read without a pause", [], "", "/api/history"),
    ("sealing, and one type read without a pause", [], "", "/api/history?types=raft"),
]
"""What is said, options of the daemon, what is done in it before it starts, what is read."""


async def lateness(port: int, seconds: float) -> tuple[list[float], list[float]]:
    """Of each batch that comes in that time: ms late, and ms that its window was too long."""
    late_ms, long_ms = [], []
    give_up_s = time.monotonic() + seconds
    url = f"ws://127.0.0.1:{port}/ws/events?json=true&state=false"
    async with websockets.connect(url, max_size=None, compression=None) as client:
        await client.recv()
        while time.monotonic() < give_up_s:
            text = await client.recv()
            now_ms = time.time() * 1000
            start, end = (json.loads(text[text.index(key) + len(key) :].split(",", 1)[0]) for key in KEYS)
            late_ms.append(now_ms - end)
            long_ms.append(end - start - 50)
    return late_ms, long_ms


KEYS = ('"window_start":', '"window_end":')


def row(options: list[str], first: str, read: str, rate: int, seconds: float) -> tuple[Spread | None, Spread | None]:
    """Lateness and length of windows, once the log has something to seal and to trim."""
    with tempfile.TemporaryDirectory() as directory:
        daemon = Daemon(Path(directory), *options, before=first)
        others = [
            subprocess.Popen(
                [sys.executable, "-m", "vizd.sim", "--grpc", f"127.0.0.1:{daemon.grpc_port}", "--rate", str(rate)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        ]
        try:
            asyncio.run(lateness(daemon.http_port, seconds / 2))
            if read:
                url = f"http://127.0.0.1:{daemon.http_port}{read}"
                others.append(subprocess.Popen([sys.executable, "-c", READ_FOR_EVER, url]))
            late_ms, long_ms = asyncio.run(lateness(daemon.http_port, seconds))
        finally:
            for other in others:
                other.kill()
                other.wait()
            daemon.kill()
    return spread(late_ms), spread(long_ms)


def main() -> None:
    """Measure, and print a row each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    for name, daemon_options, first, read in ROWS:
        late, long = row(daemon_options, first, read, options.rate, options.seconds)
        print(f"{name}: late {late} ms; tick {long} ms", flush=True)


if __name__ == "__main__":
    main()
