"""Do clients with a budget stay within it, lose no transition, and end every gauge at its newest?

    python -m bench.budget [--rate 50000] [--seconds 40] [--kbps 150] [--shared 100]

One daemon, one simulated cluster. Clients with budgets, filters, both encodings, and one that stalls now and then,
write down what they are sent; when the cluster has stopped and nothing more comes, all of it is held against the log,
as ``/api/history`` and ``/api/state`` tell it. Meanwhile ``--shared`` more clients of the same budget connect, and what
a frame of theirs costs the daemon is compared with that of clients who share one without a budget.
"""

import argparse
import asyncio
import itertools
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

import msgspec

from bench.beside import connected
from bench.daemon import Daemon, cpu_s
from bench.filters import Asked, Event, facet_of, passes
from bench.measured import spread
from bench.thin import Known, Line, is_transition, key_of, name_of, violations

QUIET_S = 6.0
"""After which nothing more is to come: every line is drained."""
SETTLE_S = 5.0
"""For those who have just connected, before their frames are counted."""
_FLOOD = b'"kind":{"kind":"Fsync"'

_event = msgspec.json.Decoder(Event).decode


def lines_for(kbps: int) -> list[Line]:
    """The clients that are checked."""
    return [
        Line("all", Asked("all"), kbps),
        Line("all, MessagePack", Asked("packed", is_json=False), kbps),
        Line("membership", Asked("membership", types=("raft", "swim", "shard")), kbps),
        Line("node 1", Asked("node", nodes=(1,)), kbps),
        Line("shards 1-3", Asked("shards", shards=(1, 2, 3), is_json=False), kbps),
        Line("node 2, thin", Asked("thin", types=("raft", "swim", "lsm", "compaction"), nodes=(2,)), 20),
        Line("all, fat", Asked("fat", is_json=False), 2_000),
        Line("all, stalls", Asked("stalls"), kbps, stalls_s=4.0),
    ]


def known_of(port: int, lines: Sequence[Line]) -> dict[str, Known]:
    """What the log has for each of them; the log must have everything since its beginning."""
    passed: dict[str, list[int]] = {line.name: [0] for line in lines}
    transitions: dict[str, list[tuple[int, str]]] = {line.name: [] for line in lines}
    verdicts: dict[object, list[bool]] = {}
    number = 0
    from_ms: int | None = 0
    while from_ms is not None:
        with urlopen(f"http://127.0.0.1:{port}/api/history?from={from_ms}&limit=200000") as answer:
            page = msgspec.json.decode(answer.read(), type=dict[str, msgspec.Raw])
        for batch in msgspec.json.decode(page["batches"], type=list[dict[str, msgspec.Raw]]):
            for text in msgspec.json.decode(batch["events"], type=list[msgspec.Raw]):
                facet = facet_of(_event(text))
                if facet not in verdicts:
                    verdicts[facet] = [passes(facet, line.asked) for line in lines]
                said = None
                if _FLOOD not in bytes(text):
                    event = json.loads(bytes(text))
                    said = json.dumps(event) if is_transition(name_of(event)) else None
                for line, verdict in zip(lines, verdicts[facet], strict=True):
                    passed[line.name].append(passed[line.name][-1] + verdict)
                    if verdict and said:
                        transitions[line.name].append((number, said))
                number += 1
        from_ms = msgspec.json.decode(page["next_from"])
    with urlopen(f"http://127.0.0.1:{port}/api/state") as answer:
        state = json.load(answer)["events"]
    newest = {}
    for line in lines:
        mine = (each for each in state if passes(facet_of(_event(json.dumps(each))), line.asked))
        newest[line.name] = {key: json.dumps(each) for each in mine if (key := key_of(each)) is not None}
    return {line.name: Known(passed[line.name], transitions[line.name], newest[line.name]) for line in lines}


async def cost_us(daemon: Daemon, query: str, count: int, seconds: float) -> tuple[float, float]:
    """What a frame of a further client costs the daemon, in us of CPU; and frames a second of each.

    The clients do nothing but take what comes.
    """
    loop = asyncio.get_running_loop()

    async def used() -> tuple[float, int]:
        before = (cpu_s(daemon.pid), (await loop.run_in_executor(None, daemon.stats))["total_batches_sent"])
        await asyncio.sleep(seconds)
        after = (cpu_s(daemon.pid), (await loop.run_in_executor(None, daemon.stats))["total_batches_sent"])
        return after[0] - before[0], after[1] - before[1]

    alone_s, alone_frames = await used()
    crowd: list[socket.socket] = []
    taking = []
    for _ in range(count):
        client = await loop.run_in_executor(None, connected, daemon.http_port, query)
        client.setblocking(False)
        crowd.append(client)
        taking.append(asyncio.ensure_future(_take_all(client)))
    await asyncio.sleep(SETTLE_S)
    with_s, with_frames = await used()
    for task, client in zip(taking, crowd, strict=True):
        task.cancel()
        client.close()
    await asyncio.sleep(1)
    frames = max(1, with_frames - alone_frames)
    return (with_s - alone_s) / frames * 1e6, frames / count / seconds


async def _take_all(client: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    buffer = bytearray(1 << 16)
    while await loop.sock_recv_into(client, buffer):
        pass


def cluster_of(daemon: Daemon, options: argparse.Namespace) -> "subprocess.Popen[bytes]":
    """It publishes at once."""
    command = [sys.executable, "-m", "vizd.sim", "--grpc", f"127.0.0.1:{daemon.grpc_port}"]
    command += ["--rate", str(options.rate), "--scenario", options.scenario]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def run(daemon: Daemon, options: argparse.Namespace) -> list[Line]:
    """The clients, and the cluster for so long."""
    lines = lines_for(options.kbps)
    stop = asyncio.Event()
    cluster = cluster_of(daemon, options)
    try:
        await asyncio.sleep(3)
        listening = [asyncio.ensure_future(line.listen(daemon.http_port, stop, QUIET_S)) for line in lines]
        began_s, used_s = time.monotonic(), cpu_s(daemon.pid)
        await asyncio.sleep(options.seconds)
        share = (cpu_s(daemon.pid) - used_s) / (time.monotonic() - began_s)
        events = daemon.stats()["total_events_received"]
        print(f"daemon {share:.0%} of a core with {len(lines)} clients; {events:,} events", flush=True)
        if options.shared:
            for name, query in (
                ("of this budget", f"json=true&max_kbps={options.kbps}"),
                ("of membership, without a budget", "json=true&types=raft,swim,shard,compaction"),
            ):
                us, per_s = await cost_us(daemon, query, options.shared, options.seconds / 3)
                print(f"{options.shared} more {name}: {us:.1f} us of CPU a frame, {per_s:.1f} frames a second each")
    finally:
        cluster.terminate()
        cluster.wait()
    stop.set()
    await asyncio.gather(*listening)
    return lines


def report(lines: Sequence[Line], known: dict[str, Known]) -> int:
    """A row for each client; how many violations there are."""
    print(f"{'':<18}{'kbit/s':>8}{'mean':>8}{'most in 2 s':>13}", end="")
    print(f"{'frames':>8}{'sent':>9}{'of':>12}{'transitions':>13}  late ms, of those")
    count = 0
    for line in lines:
        batches = [each for each in line.heard if each.kind == "batch"]
        seconds = line.heard[-1].at_s - line.heard[0].at_s
        mean = sum(each.size_bytes for each in line.heard) * 8 / 1000 / seconds
        late = spread(each.late_ms for each in line.heard if each.late_ms is not None)
        came = sum(len(each.transitions) for each in batches)
        print(
            f"{line.name:<18}{line.kbps:>8,}{mean:>8,.0f}{line.most_kbit:>13,.0f}{len(batches):>8,}"
            f"{sum(each.sent for each in batches):>9,}{sum(each.of for each in batches):>12,}{came:>13,}  {late}"
        )
        for text in itertools.islice(violations(line, known[line.name]), 5):
            count += 1
            print(f"    VIOLATION {line.name}: {text}")
    print(f"{count} violations")
    return count


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and check; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--kbps", type=int, default=150)
    parser.add_argument("--shared", type=int, default=100)
    parser.add_argument("--scenario", default="lively")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        daemon = Daemon(Path(directory), "--buffer-mb=2000")
        try:
            lines = asyncio.run(run(daemon, options))
            found = report(lines, known_of(daemon.http_port, lines))
            for complaint in daemon.complaints:
                print(f"    VIOLATION the daemon's log: {complaint}")
                found += 1
            return 1 if found else 0
        finally:
            daemon.kill()


if __name__ == "__main__":
    sys.exit(main())
