"""What the state first costs: keyframes in the log, the state at an instant, and many clients who come at once.

    python -m bench.snapshots [--keys 2000 100000] [--rate 10000] [--minutes 2] [--clients 500]

Keyframes: a simulated cluster on a simulated clock goes through the real decoder, coalescer, log and folds, in this
process. The rest: a real daemon, a real cluster and a node that makes the keys, and clients as raw sockets in another
process. A probe in the daemon measures its reactor: how late a call comes that is due every 10 ms, and how much CPU
each turn took.
"""

import argparse
import gc
import http.client
import itertools
import json
import multiprocessing
import random
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from bench.daemon import Daemon
from bench.measured import spread
from bench.raw import upgrade
from bench.simulated import NODES, SHARDS, START_MS, TICK_MS, Arrivals
from vizd.client.publisher import Publisher as NodePublisher
from vizd.folds import Folds
from vizd.log.coalescer import Coalescer
from vizd.log.memory import MemoryLog
from vizd.sim.cluster import SimulatedCluster
from vizd.wire.vizd_pb2 import SlotHeatEvt, VizEvent

FEW_KEYS = 2_500
"""What the simulated cluster makes by itself."""
HEAT_NODE = 99
HEATS_PER_S = 2_000
"""Of the rate, where keys are many: their readings, in any order."""
MAX_MADE_PER_S = 20_000
SLOTS = 1_000
"""Of a shard; its heats share a facet, level and slot are only in the text."""

FILL_S = 20.0
INSTANTS = 40
IDLE_S = 5.0
CROWD_TIMEOUT_S = 60.0
LAG_EVERY_S = 0.01
LAST = b'"snapshot":true,"position":"'
"""In the last message of a snapshot, and in no other."""
FIRST = b'{"type":"connected",'
CROWDS = (
    ("no state", "&state=false", FIRST),
    ("by itself", "", LAST),
    ("state=all", "&state=all", LAST),
)
"""What is said, what they ask for, and what they wait for. The first is the reference: they only connect."""


def heat(key: int, ts_ms: int) -> VizEvent:
    """A reading of that key."""
    shard, slot = divmod(key, SLOTS)
    warmth = (key * 7_919 + ts_ms * 104_729) % 10_007 / 10_007
    evt = SlotHeatEvt(node=shard % NODES + 1, level=key % 7, slot=slot, heat=warmth, k=3)
    return VizEvent(ts_ms=ts_ms + key % 50, owner_shard=shard // NODES, slot_heat=evt)


# Keyframes, in this process.


def fill(log: MemoryLog, keys: int, rate: int, minutes: float) -> list[float]:
    """So much of simulated time; how long each tick took, in ms."""
    heats_per_s = HEATS_PER_S if keys else 0
    cluster = SimulatedCluster(NODES, SHARDS, rate - heats_per_s, 1, START_MS)
    simulated, chance = Arrivals({**cluster.names, HEAT_NODE: "heats"}), random.Random(1)
    coalescer = Coalescer(log, START_MS, 0)
    fresh, lasted_ms = iter(range(keys)), []
    for now_ms in range(START_MS + TICK_MS, START_MS + int(minutes * 60_000), TICK_MS):
        events = list(cluster.advance(now_ms))
        if keys:
            wanted = [*itertools.islice(fresh, MAX_MADE_PER_S * TICK_MS // 1_000)]
            wanted = wanted or chance.choices(range(keys), k=heats_per_s * TICK_MS // 1_000)
            events += [(HEAT_NODE, heat(key, now_ms)) for key in wanted]
        arrivals = simulated.of(events, now_ms)
        began_s = time.thread_time()
        coalescer.tick(arrivals, now_ms, now_ms - START_MS)
        lasted_ms.append((time.thread_time() - began_s) * 1000)
    return lasted_ms


def measure_keyframes(keys: int, rate: int, minutes: float) -> None:
    """Print what they take."""
    folds = Folds(3_600_000)
    log = MemoryLog("bench", 3_600_000, 512 << 20, keyframe=folds.keyframe)
    folds.follow(log)
    lasted_ms = fill(log, keys, rate, minutes)
    found = [segment for segment in log._segments if segment.keyframe and segment.keyframe.memory_bytes]
    sizes = [segment.keyframe.memory_bytes for segment in found if segment.keyframe]
    tables = sum(segment.table.memory_bytes for segment in found)
    blocks = sum(segment.memory_bytes - segment.own_bytes for segment in log._segments)
    sealed_minutes = ((log.tail.end_ms or 0) - START_MS) / 60_000
    print(
        f"  keyframes   {len(sizes) / sealed_minutes:.1f} a minute, of {sum(sizes) / max(1, len(sizes)) / 1000:,.0f} kB"
        f" with {len(folds.projection):,} keys: {sum(sizes) / sealed_minutes / 1000:,.0f} kB a minute; tables of facets"
        f" {tables / sealed_minutes / 1000:,.0f}, blocks {blocks / sealed_minutes / 1000:,.0f} kB a minute"
    )
    print(f"  tick        {spread(lasted_ms)} ms of CPU: coalescing, sealing, folds, pieces of keyframes", flush=True)


# In the daemon.


def probe(path: str) -> None:
    """Measure the reactor of this process; who connects to ``path`` gets what was measured since the last time."""
    from twisted.internet import reactor as installed_reactor

    reactor: Any = installed_reactor
    turns, lags, collections = array("d"), array("d"), array("d")
    run, began_s, due_s, collecting_s = reactor.runUntilCurrent, time.thread_time(), 0.0, 0.0

    def run_turn() -> None:
        nonlocal began_s
        now_s = time.thread_time()
        turns.append((now_s - began_s) * 1000)
        began_s = now_s
        run()

    def look() -> None:
        nonlocal due_s
        now_s = time.monotonic()
        if due_s:
            lags.append((now_s - due_s) * 1000)
        due_s = now_s + LAG_EVERY_S
        reactor.callLater(LAG_EVERY_S, look)

    def collected(phase: str, _: dict[str, int]) -> None:
        nonlocal collecting_s
        if phase == "start":
            collecting_s = time.perf_counter()
        else:
            collections.append((time.perf_counter() - collecting_s) * 1000)

    def tell() -> None:
        with Listener(path, "AF_UNIX") as listener:
            while True:
                with listener.accept() as who:
                    if who.recv():
                        who.send([each.tolist() for each in (turns, lags, collections)])
                    for each in (turns, lags, collections):
                        del each[:]

    reactor.runUntilCurrent = run_turn
    reactor.callWhenRunning(look)
    gc.callbacks.append(collected)
    threading.Thread(target=tell, daemon=True).start()


class Probe:
    """The driver's side of it."""

    def __init__(self, path: str) -> None:
        self._path = path

    def _ask(self, what: bool) -> Any:
        with Client(self._path, "AF_UNIX") as daemon:
            daemon.send(what)
            return daemon.recv() if what else None

    def measure(self, name: str, do: Callable[[], str]) -> None:
        """Print how the reactor was while this was done."""
        self._ask(False)
        said = do()
        turns, lags, collections = self._ask(True)
        longest = ", ".join(f"{each:.1f}" for each in sorted(turns)[:-6:-1])
        print(
            f"  {name:<12}lag {spread(lags)} ms; CPU of a turn {spread(turns)} ms, {sum(each > 5 for each in turns)} of"
            f" {len(turns):,} over 5: {longest}; collector max {max(collections, default=0):.1f} ms{said}",
            flush=True,
        )


# Processes beside it.


def make_keys(port: int, keys: int, per_s: int, pipe: Connection) -> None:
    """A node that makes so many keys, says so, and then reads them again, until killed."""
    node = NodePublisher(f"127.0.0.1:{port}", HEAT_NODE, "heats")
    node.start()
    chance = random.Random(1)
    fresh: Iterator[int] = iter(range(keys))
    is_told = False
    while True:
        now_ms = time.time_ns() // 1_000_000
        wanted = [*itertools.islice(fresh, MAX_MADE_PER_S // 20)]
        if not wanted and not is_told:
            pipe.send(node.flush(10))
            is_told = True
        if keys:
            wanted = wanted or chance.choices(range(keys), k=per_s // 20)
        node.emit_all(heat(key, now_ms) for key in wanted)
        time.sleep(0.05)


def crowd(port: int, query: str, last: bytes, count: int, pipe: Connection) -> None:
    """So many clients ask at once, and each goes when it has what it waits for; tells who got it when, and bytes."""
    readers = selectors.DefaultSelector()
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    pipe.send("ready")
    pipe.recv()
    request = upgrade(port, f"json=true{query}")
    began_s, took_s, taken_bytes = time.monotonic(), [], 0
    buffer, tails = bytearray(1 << 18), dict.fromkeys(clients, b"")
    for client in clients:
        client.sendall(request)
        readers.register(client, selectors.EVENT_READ)
    while readers.get_map() and time.monotonic() < began_s + CROWD_TIMEOUT_S:
        for key, _ in readers.select(0.1):
            client = key.fileobj
            assert isinstance(client, socket.socket)
            size = client.recv_into(buffer)
            taken_bytes += size
            has_all = buffer.find(last, 0, size) >= 0 or last in tails[client] + buffer[: min(size, len(last))]
            tails[client] = (tails[client] + buffer[max(0, size - len(last)) : size])[-len(last) :]
            if has_all or not size:
                took_s += [time.monotonic() - began_s] * (size > 0)
                readers.unregister(client)
                client.close()
    pipe.send((took_s, taken_bytes))


def instants(daemon: Daemon) -> list[float]:
    """How long the answer to some random ones took, in ms."""
    stats = daemon.stats()
    chance, lasted_ms = random.Random(1), []
    connection = http.client.HTTPConnection("127.0.0.1", daemon.http_port, timeout=30)
    for _ in range(INSTANTS):
        at_ms = chance.randrange(stats["oldest_event_ms"], stats["newest_event_ms"])
        began_s = time.monotonic()
        connection.request("GET", f"/api/state?at={at_ms}")
        answer = connection.getresponse()
        body = answer.read()
        lasted_ms.append((time.monotonic() - began_s) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"at {at_ms}: {answer.status} {body[:200]!r}")
    connection.close()
    return lasted_ms


def measure_daemon(keys: int, rate: int, clients: int) -> None:
    """Print what the real one takes."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "probe")
        root = Path(__file__).resolve().parent.parent
        before = f"import sys; sys.path.insert(0, {str(root)!r}); from bench.snapshots import probe; probe({path!r})"
        daemon = Daemon(Path(directory), before=before)
        sim = [sys.executable, "-m", "vizd.sim", "--grpc", f"127.0.0.1:{daemon.grpc_port}"]
        cluster = subprocess.Popen(
            [*sim, "--rate", str(rate - (HEATS_PER_S if keys else 0))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ours, theirs = context.Pipe()
        node = context.Process(target=make_keys, args=(daemon.grpc_port, keys, HEATS_PER_S, theirs), daemon=True)
        others = []
        try:
            node.start()
            if not ours.recv():
                raise RuntimeError("the keys were not stored in time")
            time.sleep(FILL_S)
            about = Probe(path)
            about.measure("publishing", lambda: time.sleep(IDLE_S) or "")
            about.measure("instants", lambda: f"; /api/state?at= {spread(instants(daemon))} ms")
            cluster.kill()
            cluster.wait()
            node.kill()
            time.sleep(1)
            state = json.loads(daemon.get("/api/state"))
            print(f"  then only windows without events, and {len(state['events']):,} keys")
            about.measure("idle", lambda: time.sleep(IDLE_S) or "")
            for name, query, last in CROWDS:
                mine, its = context.Pipe()
                given = daemon.http_port, query, last, clients, its
                others.append(context.Process(target=crowd, args=given, daemon=True))
                others[-1].start()
                mine.recv()

                def ask(pipe: Any = mine) -> str:
                    pipe.send("go")
                    took_s, taken_bytes = pipe.recv()
                    last_s = max(took_s, default=0.0)
                    return f"; {len(took_s)} of {clients} clients in {last_s:.1f} s, {taken_bytes / 1e6:,.0f} MB"

                about.measure(name, ask)
            print("".join(f"  {line}\n" for line in daemon.complaints), end="")
        finally:
            for process in (node, *others):
                process.kill()
            cluster.kill()
            cluster.wait()
            daemon.kill()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, nargs="+", default=[FEW_KEYS, 100_000])
    parser.add_argument("--rate", type=int, default=10_000, help="events per second")
    parser.add_argument("--minutes", type=float, default=2.0, help="of simulated time")
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--only", choices=("keyframes", "daemon"))
    options = parser.parse_args()
    for keys in options.keys:
        more = keys if keys > FEW_KEYS else 0
        print(f"{keys:,} keys" if more else "the keys of the cluster alone", flush=True)
        if options.only != "daemon":
            measure_keyframes(more, options.rate, options.minutes)
        if options.only != "keyframes":
            measure_daemon(more, options.rate, options.clients)


if __name__ == "__main__":
    main()
