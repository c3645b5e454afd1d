"""Tests of ``vizd.service``: the daemon put together, in this process, with clients over loopback."""

import threading
from collections.abc import Callable
from typing import Any

import grpc
from twisted.internet import reactor
from twisted.internet.threads import blockingCallFromThread, deferToThread
from twisted.trial.unittest import TestCase
from websockets.sync.client import connect

from tests.daemon.process import Publisher, close_of, hear, hear_events
from tests.events.build import event_of
from tests.stream.made import said
from vizd.config import Config
from vizd.service import CannotStart, Vizd

HOUR_MS = 3_600_000


class ServiceTests(TestCase):
    """A daemon whose clocks are told by the test."""

    timeout = 30

    def setUp(self) -> None:
        self.wall_ms = 1_765_000_000_000
        self.wall_step_ms = 10
        self.vizd = self.make()
        self.vizd.startService()
        self.addCleanup(self.vizd.stopService)

    def make(self, **options: str) -> Vizd:
        given = {"port": "0", "grpc-port": "0", "interface": "127.0.0.1", "coalesce-ms": "10"} | options
        return Vizd(Config.read(given, {}), reactor, wall_ms=self.tell_time)

    def tell_time(self) -> int:
        """A clock that goes on whenever it is looked at."""
        self.wall_ms += self.wall_step_ms
        return self.wall_ms

    def watch(self) -> Any:
        return connect(f"ws://127.0.0.1:{self.vizd.http_port}/ws/events?json=true&state=false", open_timeout=10)

    async def in_thread(self, do: Callable[[], Any]) -> Any:
        return await deferToThread(do)

    def publish(self, node: Publisher, first: int) -> None:
        node.send([event_of(said("Wal.Fsync", ts=1, node=1, ms=first))])
        node.wait_stored()

    async def test_a_clock_that_is_set_back_an_hour_stops_nothing_and_turns_nothing_round(self) -> None:
        def run() -> list[dict[str, Any]]:
            batches = []
            with self.watch() as ws:
                hear(ws)
                node = Publisher(self.vizd.grpc_port, 1, "one")
                for number in range(30):
                    if number == 10:
                        blockingCallFromThread(reactor, self.set_clock, -HOUR_MS)
                    if number == 20:
                        blockingCallFromThread(reactor, self.set_clock, 2 * HOUR_MS)
                    self.publish(node, number)
                    batches.append(hear(ws))
                node.close()
            return batches

        batches = await self.in_thread(run)
        self.assertEqual(
            [event["event"]["data"]["kind"]["ms"] for each in batches for event in each["data"]["events"]],
            list(range(30)),
        )
        starts = [each["data"]["window_start"] for each in batches]
        self.assertEqual(starts, sorted(set(starts)), "strictly increasing")
        self.assertGreater(starts[21] - starts[19], HOUR_MS / 2)
        self.assertTrue(all(each["data"]["window_start"] < each["data"]["window_end"] for each in batches))
        self.assertEqual(self.vizd.status.health()[0], 200)

    def set_clock(self, by_ms: int) -> None:
        self.wall_ms += by_ms

    async def test_it_is_ready_between_its_start_and_its_end(self) -> None:
        self.assertEqual(self.vizd.status.ready()[0], 200)
        other = self.make()
        self.assertEqual(other.status.ready()[0], 503)
        stopping = self.vizd.stopService()
        self.assertIn("shutting down", self.vizd.status.ready()[1]["reasons"])
        await stopping
        self.assertEqual(self.vizd.status.ready()[0], 503)

    async def test_the_end_delivers_acknowledges_and_closes_in_that_order(self) -> None:
        heard: dict[str, Any] = {}

        def run() -> None:
            with self.watch() as ws:
                hear(ws)
                node = Publisher(self.vizd.grpc_port, 1, "one")
                node.send([event_of(said("Wal.Fsync", ts=1, node=1, ms=number)) for number in range(100)])
                hear_events(ws, 100)
                reactor.callFromThread(self.vizd.stopService)
                closing = threading.Thread(target=lambda: heard.update(ws=close_of(ws)))
                closing.start()
                heard["node"] = node.wait_end()
                closing.join(10)
                node.close()

        await self.in_thread(run)
        await self.vizd.stopService()
        self.assertEqual(heard["node"], (100, grpc.StatusCode.UNAVAILABLE))
        self.assertEqual(heard["ws"][1], 1001)

    async def test_a_tick_that_fails_at_the_end_does_not_keep_clients_from_their_farewell(self) -> None:
        def fail(*_: object) -> None:
            raise OSError("the disk is full")

        def run() -> Any:
            with self.watch() as ws:
                hear(ws)
                reactor.callFromThread(self.end_with, fail)
                return close_of(ws)[1]

        self.assertEqual(await self.in_thread(run), 1001)
        await self.vizd.stopService()
        self.assertGreaterEqual(len(self.flushLoggedErrors(OSError)), 1)

    def end_with(self, fail: Callable[..., None]) -> None:
        self.vizd.status.ticker._coalescer.tick = fail
        self.vizd.stopService()

    async def test_stopping_twice_is_stopping(self) -> None:
        first, second = self.vizd.stopService(), self.vizd.stopService()
        await first
        await second
        self.assertFalse(self.vizd.running)

    async def test_a_port_that_can_not_be_had_is_named(self) -> None:
        for options, named in (
            ({"port": str(self.vizd.http_port)}, f"127.0.0.1:{self.vizd.http_port} for HTTP"),
            ({"grpc-port": str(self.vizd.grpc_port)}, f"127.0.0.1:{self.vizd.grpc_port} for gRPC"),
        ):
            other = self.make(**options)
            with self.assertRaises(CannotStart) as raised:
                other.startService()
            self.assertIn(named, str(raised.exception))
            await other.stopService()
