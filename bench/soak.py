"""``python -m bench.soak --minutes 60``: does a daemon that is used and abused for long stay as it is?

A real daemon with tokens; a simulated cluster that plays scenarios at random and is killed as often as stopped;
dashboards that come and go, stall, hang up without a word and come back with their position; histories and metrics that
are asked for. It prints the daemon's memory each minute. The exit status is 1 if memory is not flat, if something stays
open that nobody holds, or if the daemon says a line that nothing that was done explains.
"""

import argparse
import asyncio
import contextlib
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bench.daemon import Daemon, rss_bytes
from bench.measured import MIB
from vizd.sim.scenarios import SCENARIOS

__all__ = ["main", "slope_mib_per_h", "unexplained"]

NODES = 5
SAMPLE_EVERY_S = 5.0
WARM_UP_SHARE = 1 / 2
"""Of the time, and no longer than ``WARM_UP_S``: the log is not yet trimmed, the state not yet full."""
WARM_UP_S = 600.0
DRIFT_MIB = 12.0
"""By how much the line through all samples after the warm-up may rise from its begin to its end: what a few clients in
the middle of a history take more or less. A leak of a kilobyte in each connection is more, within the hour."""
SPARE_DESCRIPTORS = 5
"""More than at the start when everybody has gone: gRPC keeps one or another of its own."""
CALM_TIMEOUT_S = 20.0
TOKEN = "soak-viewer"
PUBLISH_TOKEN = "soak-node"

EXPLAINED = {
    "it starts, drains and stops": r" info  service +(listening: http|draining: |stopped$)",
    "dashboards go, stall or are sent away": r" info  dashboard .* has gone after .*: (1000|1001|1006|1011|4008) ",
    # 1011 is what a client of this program says that is called off at the end.
    "nodes go": r" info  publish .* has gone after [\d,]+ events of this process: ",
    "the scenarios are trouble, and it says so": r" findings ",
    "somebody guesses tokens": r" warn  \S+ +wrong tokens: \d+, the last one from ",
    "the log is bounded by bytes where that is less": r" the log keeps [\d.]+ minutes",
}
"""Why a line may be there, and what it looks like. All others are faults."""

PATHS = (
    "/metrics", "/api/stats", "/api/history?limit=2000", "/api/state", "/api/timeline", "/api/coverage", "/api/insight",
    "/health", "/ready", "/", "/api/openapi.json",
)  # fmt: skip
ANSWERS = {200, 503}
"""That whoever has a token may get: 503 where eight others read the past."""


@dataclass(slots=True)
class Sample:
    """One look at the daemon's process."""

    at_s: float
    rss_bytes: int
    descriptors: int
    threads: int


@dataclass(slots=True)
class Soak:
    """One run.

    :ivar done: how often what was done. :ivar troubles: what clients met that they should not have.
    """

    daemon: Daemon
    choose: random.Random
    rate: int
    publish_token_file: Path
    done: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)

    async def play(self) -> None:
        """A cluster, over and over."""
        names = sorted(name for name, scenario in SCENARIOS.items() if scenario.fewest_nodes <= NODES)
        while True:
            cluster = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "vizd.sim", "--grpc", f"127.0.0.1:{self.daemon.grpc_port}",
                "--nodes", str(NODES), "--rate", str(self.rate), "--scenario", self.choose.choice(names),
                "--token-file", str(self.publish_token_file),
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                await asyncio.sleep(self.choose.uniform(15, 40))
            finally:
                is_killed = self.choose.random() < 0.5
                (cluster.kill if is_killed else cluster.terminate)()
                self.done["clusters killed" if is_killed else "clusters stopped"] += 1
                await asyncio.shield(cluster.wait())
            await asyncio.sleep(self.choose.uniform(0, 3))

    async def look(self) -> None:
        """One person, again and again: with a new dashboard, or with the position of the one before."""
        position = ""
        while True:
            query = self.choose.choice(
                (
                    "json=true",
                    "",
                    "types=raft,swim,shard",
                    "max_kbps=64",
                    "state=all",
                    "nodes=1&json=true&findings=true",
                )
            )
            if position and self.choose.random() < 0.5:
                query += f"&position={position}"
                self.done["dashboards that came back"] += 1
            try:
                async with connect(
                    f"ws://127.0.0.1:{self.daemon.http_port}/ws/events?{query}", max_size=None,
                    additional_headers={"Authorization": f"Bearer {TOKEN}"}, open_timeout=30,
                ) as socket:  # fmt: skip
                    self.done["dashboards"] += 1
                    position = await self._watch(socket) or position
            except ConnectionClosed as why:
                # 4008: it stalled for too long, which is what it was to do.
                if why.rcvd is None or why.rcvd.code != 4008:
                    self.troubles[f"a dashboard was closed: {why}"] += 1
            except (OSError, InvalidStatus) as why:
                self.troubles[f"a dashboard could not come in: {why}"] += 1
            await asyncio.sleep(self.choose.uniform(0, 2))

    async def _watch(self, socket: ClientConnection) -> str:
        position = ""
        ends_s = time.monotonic() + self.choose.uniform(2, 30)
        while time.monotonic() < ends_s:
            does = self.choose.choice(("read", "read", "stall", "history", "pause", "filter", "nonsense"))
            self.done[f"dashboards: {does}"] += 1
            if does == "stall":
                await asyncio.sleep(self.choose.uniform(1, 15))
            for said in _said(does):
                await socket.send(said)
            reads_until_s = time.monotonic() + self.choose.uniform(0.5, 4)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(asyncio.get_running_loop().time() + reads_until_s - time.monotonic()):
                    while True:
                        position = _position(await socket.recv()) or position
        if self.choose.random() < 0.5:
            socket.transport.abort()
            self.done["dashboards that went without a word"] += 1
        return position

    async def ask(self) -> None:
        """Somebody's scripts, and somebody who guesses tokens."""
        while True:
            is_guess = self.choose.random() < 0.1
            path = self.choose.choice(PATHS[:7]) if is_guess else self.choose.choice(PATHS)
            status = await self._status(path, "guessed" if is_guess else TOKEN)
            self.done["guesses" if is_guess else "requests"] += 1
            if status not in ({401, 429} if is_guess else ANSWERS):
                self.troubles[f"{'with a wrong token, ' if is_guess else ''}{path}: {status}"] += 1
            await asyncio.sleep(self.choose.uniform(0, 1))

    async def _status(self, path: str, token: str) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.daemon.http_port)
        try:
            writer.write(
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
                .encode()
            )  # fmt: skip
            async with asyncio.timeout(30):
                head = await reader.readline()
                while await reader.read(1 << 16):
                    pass
            return int(head.split()[1]) if head else 0
        finally:
            writer.close()


def _said(does: str) -> list[str]:
    now_ms = time.time_ns() // 1_000_000
    return {
        "history": [f'{{"type":"history","from_ms":{now_ms - 30_000},"to_ms":{now_ms},"state":true}}'],
        "pause": ['{"type":"pause"}', '{"type":"resume","catch_up":true}'],
        "filter": ['{"type":"filter","types":["Raft","Wal"],"state":true}'],
        "nonsense": ['{"type":"nonsense"}', "{", '{"type":"filter","nodes":"all"}'],
    }.get(does, [])


class _Placed(msgspec.Struct):
    position: str = ""


def _position(payload: str | bytes) -> str:
    decode: Any = msgspec.json.decode if isinstance(payload, str) else msgspec.msgpack.decode
    placed: _Placed = decode(payload, type=_Placed)
    return placed.position


def slope_mib_per_h(samples: Sequence[Sample]) -> float:
    """Of the line through their memory, by least squares; 0 for fewer than two."""
    if len(samples) < 2:
        return 0.0
    mean_s = sum(each.at_s for each in samples) / len(samples)
    spread = sum((each.at_s - mean_s) ** 2 for each in samples)
    return sum((each.at_s - mean_s) * each.rss_bytes for each in samples) / spread / MIB * 3_600


def unexplained(lines: Sequence[str]) -> list[str]:
    """Those that no pattern of ``EXPLAINED`` fits."""
    known = re.compile("|".join(f"(?:{pattern})" for pattern in EXPLAINED.values()))
    return [line for line in lines if not known.search(line)]


def _sample(daemon: Daemon, began_s: float) -> Sample:
    process = Path(f"/proc/{daemon.pid}")
    descriptors, threads = (sum(1 for _ in (process / name).iterdir()) for name in ("fd", "task"))
    return Sample(time.monotonic() - began_s, rss_bytes(daemon.pid), descriptors, threads)


async def _run(soak: Soak, seconds: float, dashboards: int) -> tuple[list[Sample], Sample]:
    """The samples while everybody was there, and one when all had gone."""
    began_s = time.monotonic()
    samples = [_sample(soak.daemon, began_s)]
    parts: list[Callable[[], Awaitable[None]]] = [soak.play, soak.ask, *[soak.look] * dashboards]
    tasks = [asyncio.ensure_future(part()) for part in parts]
    while (left_s := began_s + seconds - time.monotonic()) > 0:
        done, _ = await asyncio.wait(tasks, timeout=min(SAMPLE_EVERY_S, left_s), return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()  # None of them ends but by a fault of this program.
        samples.append(latest := _sample(soak.daemon, began_s))
        if int(samples[-2].at_s // 60) != int(latest.at_s // 60):
            print(_line(latest), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    gives_up_s = time.monotonic() + CALM_TIMEOUT_S
    while (last := _sample(soak.daemon, began_s)).descriptors > samples[0].descriptors + SPARE_DESCRIPTORS:
        if time.monotonic() > gives_up_s:
            break
        await asyncio.sleep(0.2)
    return samples, last


def _line(sample: Sample) -> str:
    return (
        f"{sample.at_s / 60:6.1f} min {sample.rss_bytes / MIB:8.1f} MiB"
        f" {sample.descriptors:5} descriptors {sample.threads:4} threads"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="(%(default)s)")
    parser.add_argument("--rate", type=int, default=2_000, help="events per second (%(default)s)")
    parser.add_argument("--dashboards", type=int, default=12, help="at once (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of who does what (%(default)s)")
    options = parser.parse_args(arguments)
    seconds = options.minutes * 60
    with TemporaryDirectory(prefix="vizd-soak-") as place:
        files = {name: Path(place) / name for name in (TOKEN, PUBLISH_TOKEN)}
        for token, file in files.items():
            file.write_text(token + "\n")
        daemon = Daemon(
            Path(place), "--buffer-minutes=1", "--buffer-mb=16", f"--token-file={files[TOKEN]}",
            f"--publish-token-file={files[PUBLISH_TOKEN]}",
        )  # fmt: skip
        try:
            soak = Soak(daemon, random.Random(options.seed), options.rate, files[PUBLISH_TOKEN])
            samples, last = asyncio.run(_run(soak, seconds, options.dashboards))
            status = daemon.stop()
            strange = unexplained(daemon.lines)
        finally:
            daemon.kill()
    warm = [each for each in samples if each.at_s >= min(WARM_UP_S, seconds * WARM_UP_SHARE)]
    slope = slope_mib_per_h(warm)
    drift = slope * (warm[-1].at_s - warm[0].at_s) / 3_600
    print(f"done: {dict(sorted(soak.done.items()))}\n{_line(last)}, when all had gone ({_line(samples[0])} before)")
    print(f"memory: {slope:+.1f} MiB/h after the warm-up, {drift:+.1f} MiB in all; at most {DRIFT_MIB:g} is flat")
    faults = [f"{count} times: {trouble}" for trouble, count in soak.troubles.items()]
    faults += [f"a line that nothing explains: {line}" for line in strange[:20]]
    faults += [f"memory is not flat: {drift:+.1f} MiB"] if drift > DRIFT_MIB else []
    if last.descriptors > samples[0].descriptors + SPARE_DESCRIPTORS:
        faults.append(f"{last.descriptors - samples[0].descriptors} descriptors are open that nobody holds")
    faults += [f"the daemon's exit status is {status}"] if status else []
    print("\n".join(faults) or "0 faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
