import asyncio
import logging
import time

from tests.client.peer import PATIENCE_S, Conversation, PeerTestCase
from tests.sim.daemon import store_each_life
from tests.sim.hasty import HastyCluster
from vizd.sim.cluster import SimulatedCluster
from vizd.sim.runner import SimulationRunner, wall_ms
from vizd.wire.vizd_pb2 import SWIM_KIND_ALIVE


class SimulationRunnerTests(PeerTestCase):
    def setUp(self) -> None:
        logging.getLogger("vizd.sim").addHandler(handler := logging.NullHandler())
        self.addCleanup(logging.getLogger("vizd.sim").removeHandler, handler)

    def run_against(self, target: str, nodes: int = 5, rate: int = 1_000) -> SimulationRunner:
        runner = SimulationRunner(SimulatedCluster(nodes, 24, rate, 1, wall_ms()), target)
        runner.start()
        return runner

    def test_every_node_publishes_as_itself_and_all_is_accounted_for(self) -> None:
        peer = self.converse()
        before_ms = wall_ms()
        runner = self.run_against(peer.target)
        peer.until(lambda: len(peer.logs) == 5 and all(len(log) > 100 for log in peer.logs.values()))
        self.assertEqual(runner.connected, 5)
        accounting = runner.stop(PATIENCE_S)
        self.assertEqual({talk.hello.node: talk.hello.node_name for talk in peer.conversations}[3], "node-3")
        self.assertEqual(
            {node.node: node.acked for node in accounting.nodes}, {n: len(peer.logs[n]) for n in peer.logs}
        )
        self.assertTrue(accounting.delivered)
        self.assertEqual(accounting.as_dict()["emitted"], sum(map(len, peer.logs.values())))
        times_ms = [event.ts_ms for event in peer.logs[1]]
        self.assertEqual(times_ms, sorted(times_ms))
        self.assertTrue(before_ms <= times_ms[0] and times_ms[-1] <= wall_ms())
        self.assertEqual((peer.logs[1][0].swim.node, peer.logs[1][0].swim.kind), (1, SWIM_KIND_ALIVE))

    def test_two_hundred_nodes_run_in_one_thread(self) -> None:
        peer = self.converse()
        runner = self.run_against(peer.target, nodes=200)
        peer.until(lambda: len(peer.logs) == 200 and all(peer.logs.values()))
        accounting = runner.stop(PATIENCE_S)
        self.assertTrue(accounting.delivered)
        self.assertEqual(accounting.total("streams"), 200)

    def test_the_process_of_a_node_that_dies_ends_its_stream_and_comes_back_as_another_incarnation(self) -> None:
        for as_of_today in (False, True):
            peer = self.converse(store_each_life)
            runner = SimulationRunner(HastyCluster("node-crash", as_of_today=as_of_today), peer.target)
            runner.start()
            self.addCleanup(runner.stop, 0)
            peer.until(lambda peer=peer: len(peer.conversations) >= 6 and peer.conversations[5].messages)
            self.assertEqual(peer.ended_cleanly, 1)
            accounting = runner.stop(PATIENCE_S)
            back = peer.conversations[5].hello
            (before,) = (talk.hello for talk in peer.conversations[:5] if talk.hello.node == back.node)
            self.assertEqual(before.node_name, back.node_name)
            self.assertNotEqual(before.incarnation, back.incarnation)
            self.assertEqual({node.node: node.lives for node in accounting.nodes}[back.node], 2)
            self.assertEqual({node.streams for node in accounting.nodes}, {1})
            self.assertTrue(accounting.delivered)

    def test_it_stops_at_once_where_no_daemon_is(self) -> None:
        runner = self.run_against("127.0.0.1:1")
        began_s = time.monotonic()
        accounting = runner.stop(0)
        self.assertLess(time.monotonic() - began_s, 1)
        self.assertFalse(accounting.delivered)
        self.assertEqual(accounting.total("undelivered"), accounting.total("emitted"))

    def test_it_stops_in_time_when_the_daemon_has_gone_away(self) -> None:
        peer = self.converse()
        runner = self.run_against(peer.target)
        peer.until(lambda: len(peer.logs) == 5)
        peer.stop()
        began_s = time.monotonic()
        runner.stop(0.2)
        self.assertLess(time.monotonic() - began_s, 3)

    def test_it_stops_in_time_when_the_daemon_hangs(self) -> None:
        async def hang(talk: Conversation) -> None:
            await talk.welcome()
            peer.changed()
            await asyncio.Event().wait()

        peer = self.converse(hang)
        runner = self.run_against(peer.target)
        peer.until(lambda: len(peer.conversations) == 5)
        began_s = time.monotonic()
        runner.stop(0.2)
        self.assertLess(time.monotonic() - began_s, 4)

    def test_one_that_never_started_has_nothing_to_account_for(self) -> None:
        runner = SimulationRunner(SimulatedCluster(5, 24, 1_000, 1, wall_ms()), "127.0.0.1:1")
        self.assertEqual(runner.stop(PATIENCE_S).total("emitted"), 0)
