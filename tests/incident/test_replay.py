"""Tests of an incident's way: out of a daemon into a file, and out of the file into another daemon."""

import asyncio
import io
import json
import threading
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import TIMEOUT_S, Daemon
from vizd.client.api import Api
from vizd.incident.chunks import Head, begin, write_chunk
from vizd.incident.export import export
from vizd.incident.reader import Incident
from vizd.incident.replay import CannotReplay, Replay
from vizd.sim.cluster import SimulatedCluster
from vizd.sim.runner import SimulationRunner, wall_ms
from vizd.wire.vizd_pb2 import SWIM_KIND_ALIVE, SwimEvt, VizEvent


def exported(daemon: Daemon, **span: Any) -> io.BytesIO:
    """From the beginning on, if nothing else is said."""
    file = io.BytesIO()

    async def work() -> None:
        async with Api(f"http://127.0.0.1:{daemon.http_port}") as api:
            await export(api, file, **span)

    asyncio.run(asyncio.wait_for(work(), TIMEOUT_S))
    file.seek(0)
    return file


def events_in(file: io.BytesIO, kind: str = "window") -> list[dict[str, Any]]:
    file.seek(0)
    incident = Incident(file)
    found = list(incident.items())
    assert incident.damage == []
    file.seek(0)
    if kind == "state":
        return [item for each, item in found if each == "state"]
    return [event for each, item in found if each == "window" for event in item["events"]]


def made(*windows: dict[str, Any]) -> io.BytesIO:
    """A file with these."""
    file = io.BytesIO()
    begin(file)
    write_chunk(file, Head(number=0, kind="windows"), windows)
    write_chunk(file, Head(number=1, kind="end"), [{}])
    file.seek(0)
    return file


def alive(node: int, ts_ms: int) -> dict[str, Any]:
    return {"ts": ts_ms, "node": node, "event": {"type": "Swim", "data": {"node": node, "kind": "Alive"}}}


class Case(SynchronousTestCase):
    def daemon(self, *options: str) -> Daemon:
        daemon = Daemon(*options)
        self.addCleanup(daemon.kill)
        return daemon

    def simulate(self, daemon: Daemon, scenario: str, events: int) -> None:
        """Until the daemon has stored so many."""
        cluster = SimulatedCluster(4, 8, 2_000, 7, wall_ms(), scenario)
        runner = SimulationRunner(cluster, f"127.0.0.1:{daemon.grpc_port}")
        runner.start()
        try:
            daemon.wait_for_stats(lambda stats: stats["total_events_received"] >= events)
        finally:
            runner.stop(TIMEOUT_S)

    def replay(self, file: io.BytesIO, daemon: Daemon, **options: Any) -> Replay:
        player = Replay(Incident(file), f"127.0.0.1:{daemon.grpc_port}", **({"speed": None} | options))
        self.addCleanup(player.close)
        player.start().result(60)
        return player


class There(Case):
    def test_it_is_the_same_events_in_the_same_order_and_of_the_same_nodes(self) -> None:
        first, second = self.daemon(), self.daemon()
        self.simulate(first, "node-crash", 10_000)
        file = exported(first)
        player = self.replay(file, second, shift=False)
        self.assertTrue(player.done.stored)
        self.assertEqual((player.done.skipped, player.done.events), (0, len(events_in(file))))
        again = exported(second)
        self.assertEqual(events_in(again), events_in(file))
        names = [sorted(each["name"] for each in daemon.get("/api/coverage")[1]["nodes"]) for daemon in (first, second)]
        self.assertEqual(*names)

    def test_what_was_before_comes_first(self) -> None:
        first, second = self.daemon(), self.daemon()
        self.simulate(first, "node-crash", 4_000)
        windows = first.get("/api/history")[1]["batches"]
        from_ms = windows[len(windows) // 2]["window_start"]
        file = exported(first, from_ms=from_ms)
        state = events_in(file, "state")
        before = first.get(f"/api/state?at={from_ms}")[1]["events"]
        self.assertEqual(sorted(map(json.dumps, state)), sorted(map(json.dumps, before)))
        self.assertTrue(state)
        self.replay(file, second, shift=False)
        self.assertEqual(events_in(exported(second)), state + events_in(file))
        states = [daemon.get("/api/state?types=raft,swim")[1]["events"] for daemon in (first, second)]
        self.assertEqual(*(sorted(map(json.dumps, each)) for each in states))

    def test_times_are_moved_to_now_unless_they_are_to_be_kept(self) -> None:
        for shift in (True, False):
            file, daemon = made({"window_start": 900, "window_end": 950, "events": [alive(5, 1_000)]}), self.daemon()
            before_ms = wall_ms()
            self.replay(file, daemon, shift=shift)
            [moved] = events_in(exported(daemon))
            if shift:
                self.assertTrue(before_ms <= moved["ts"] - 50 <= wall_ms())
            else:
                self.assertEqual(moved["ts"], 1_000)

    def test_it_takes_as_long_as_its_speed_says(self) -> None:
        """By the daemon's windows: they are as far apart as they were, divided by the speed."""
        daemon = self.daemon()
        windows = [{"window_start": at, "window_end": at + 50, "events": [alive(1, at)]} for at in (1_000, 2_000)]
        self.replay(made(*windows), daemon, speed=2.0)
        ends = [each["window_end"] for each in daemon.get("/api/history")[1]["batches"]]
        self.assertGreaterEqual(ends[-1] - ends[0], 400)

    def test_a_node_that_was_gone_is_gone_again(self) -> None:
        first, second = self.daemon(), self.daemon()
        gone, stays = first.publisher(1, "gone"), first.publisher(2, "stays")
        self.addCleanup(gone.close)
        self.addCleanup(stays.close)
        said = [VizEvent(swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE))]
        for each in (gone, stays):
            each.send(said)
            each.wait_stored()
        gone.close()
        first.wait_for_stats(lambda stats: stats["connected_publishers"] == 1)
        for _ in range(3):
            stays.send(said)
            stays.wait_stored()
        self.replay(exported(first), second, shift=False)
        nodes = {each["name"]: each for each in second.get("/api/coverage")[1]["nodes"]}
        self.assertTrue(nodes["gone"]["disconnected"])


class Troubles(Case):
    def test_where_nobody_is(self) -> None:
        first = self.daemon()
        publisher = first.publisher()
        self.addCleanup(publisher.close)
        publisher.send([VizEvent(swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE))])
        publisher.wait_stored()
        player = Replay(Incident(exported(first)), "127.0.0.1:1", speed=None)
        self.addCleanup(player.close)
        with self.assertRaisesRegex(CannotReplay, "no daemon at 127.0.0.1:1"):
            player.start().result(60)

    def test_a_daemon_that_goes_in_the_middle_gets_the_rest_when_it_is_back(self) -> None:
        first = self.daemon()
        self.simulate(first, "node-crash", 6_000)
        file = exported(first)
        place = str(Path(self.mktemp()).absolute())
        second = self.daemon("--data-dir", place)
        ports = ("--port", str(second.http_port), "--grpc-port", str(second.grpc_port))
        half_way = threading.Event()
        go_on = threading.Event()
        seen = 0

        def progress(_at_ms: int) -> None:
            nonlocal seen
            seen += 1
            if seen == 20:
                half_way.set()
                go_on.wait(TIMEOUT_S)

        player = Replay(Incident(file), f"127.0.0.1:{second.grpc_port}", speed=None, shift=False, progress=progress)
        self.addCleanup(player.close)
        playing = player.start()
        self.assertTrue(half_way.wait(TIMEOUT_S))
        second.process.kill()
        second.process.wait()
        go_on.set()
        third = self.daemon("--data-dir", place, *ports)
        playing.result(60)
        self.assertTrue(player.done.stored)
        self.assertEqual(sorted(map(json.dumps, events_in(exported(third)))), sorted(map(json.dumps, events_in(file))))

    def test_what_is_no_event_is_left_out_and_counted(self) -> None:
        newer = {"ts": 5, "node": 5, "event": {"type": "Quorum", "data": {}}}
        file = made({"window_start": 1, "window_end": 2, "events": [alive(5, 5), newer, alive(5, 5)]})
        player = self.replay(file, self.daemon())
        self.assertEqual((player.done.events, player.done.skipped), (2, 1))
