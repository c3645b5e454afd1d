"""How late live windows come beside clients that stall and clients that catch up, and without them.

    python -m bench.beside [--rate 10000] [--seconds 20] [--stalled 50] [--catching-up 50]

One daemon, one simulated cluster, one live client of everything and four with filters. First they are alone; then
others connect that read nothing, and others that come back with an old position, read what they get as fast as it
comes, and do so again every few seconds. Lateness is receipt minus ``window_end``, by one clock.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import websockets

from bench.daemon import Daemon, cpu_s, rss_bytes
from bench.measured import spread
from bench.raw import upgrade

LIVE = ("", "&types=raft,swim,shard,compaction", "&nodes=1", "&shards=1,2,3", "&types=heat")
WANTED = ("json=true", "", "json=true&nodes=2", "nodes=3&types=wal", "json=true&types=heat,raft")
"""By the clients that catch up, in turn."""
RENEW_EACH_S = 5.0
"""A client that catches up comes back with the old position again."""
NICE = 10
"""Of the others: it is the daemon that is measured, not who reads first on a machine of few cores."""


async def position_of(port: int) -> str:
    """Of the head."""
    url = f"ws://127.0.0.1:{port}/ws/events?json=true&state=false"
    async with websockets.connect(url, max_size=None, compression=None) as client:
        position: str = json.loads(await client.recv())["position"]
        return position


async def lateness(port: int, seconds: float) -> list[float]:
    """Of each live batch of each live client."""
    late_ms: list[float] = []
    give_up_s = time.monotonic() + seconds

    async def listen(query: str) -> None:
        url = f"ws://127.0.0.1:{port}/ws/events?json=true&state=false{query}"
        async with websockets.connect(url, max_size=None, compression=None) as client:
            await client.recv()
            while (left_s := give_up_s - time.monotonic()) > 0:
                try:
                    text = await asyncio.wait_for(client.recv(), left_s)
                except TimeoutError:
                    return
                now_ms = time.time() * 1000
                found = text.find('"window_end":')
                if found > 0:
                    late_ms.append(now_ms - int(text[found + 13 : found + 26]))

    await asyncio.gather(*map(listen, LIVE))
    return late_ms


def connected(port: int, query: str) -> socket.socket:
    """A WebSocket that nobody parses."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(upgrade(port, f"{query}&state=false"))
    return client


def crowd(port: int, position: str, stalled: int, catching_up: int, pipe: Connection) -> None:
    """Stall and catch up, until killed; tells how many bytes it takes."""
    os.nice(NICE)
    idle = [connected(port, "json=true&max_lag_ms=0") for _ in range(stalled)]
    readers = selectors.DefaultSelector()
    clients: list[socket.socket] = []
    buffer, taken, again = bytearray(1 << 18), 0, 0
    renew_s = told_s = time.monotonic()
    while idle or catching_up:
        now_s = time.monotonic()
        if len(clients) < catching_up or (catching_up and now_s > renew_s):
            renew_s = now_s + RENEW_EACH_S / catching_up
            if len(clients) == catching_up:
                gone = clients.pop(0)
                readers.unregister(gone)
                gone.close()
            clients.append(connected(port, f"{WANTED[again % len(WANTED)]}&position={position}".lstrip("&")))
            readers.register(clients[-1], selectors.EVENT_READ)
            again += 1
        for key, _ in readers.select(0.01):
            assert isinstance(key.fileobj, socket.socket)
            taken += key.fileobj.recv_into(buffer)
        if now_s - told_s > 1:
            told_s = now_s
            pipe.send((taken, again))


def phase(name: str, daemon: Daemon, seconds: float) -> float:
    """Measure, print, and return the p99 in ms."""
    before_s = cpu_s(daemon.pid)
    late_ms = asyncio.run(lateness(daemon.http_port, seconds))
    share = (cpu_s(daemon.pid) - before_s) / seconds
    found = spread(late_ms)
    print(f"{name}: late {found} ms; daemon {share:.0%} of a core, RSS {rss_bytes(daemon.pid) >> 20} MiB", flush=True)
    return found.p99 if found else 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a row for each phase."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--stalled", type=int, default=50)
    parser.add_argument("--catching-up", type=int, default=50)
    options = parser.parse_args(arguments)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as directory:
        daemon = Daemon(Path(directory))
        cluster = subprocess.Popen(
            [sys.executable, "-m", "vizd.sim", "--grpc", f"127.0.0.1:{daemon.grpc_port}", "--rate", str(options.rate)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        position = asyncio.run(position_of(daemon.http_port))
        ours, theirs = context.Pipe(duplex=False)
        others = context.Process(
            target=crowd, args=(daemon.http_port, position, options.stalled, options.catching_up, theirs), daemon=True
        )
        try:
            asyncio.run(lateness(daemon.http_port, 5))
            alone_ms = phase("alone", daemon, options.seconds)
            others.start()
            ours.recv()
            beside_ms = phase(
                f"beside {options.stalled} stalled, {options.catching_up} catching up", daemon, options.seconds
            )
            taken, again = 0, 0
            while ours.poll():
                taken, again = ours.recv()
            others.kill()
            others.join()
            again_ms = phase("alone again", daemon, options.seconds)
            print(f"those who caught up took {taken / 1e6:,.0f} MB and came back {again:,} times")
            print(f"p99 beside them is {beside_ms / alone_ms:.2f} of alone, {beside_ms / again_ms:.2f} of alone again")
        finally:
            cluster.kill()
            cluster.wait()
            daemon.kill()


if __name__ == "__main__":
    main()
