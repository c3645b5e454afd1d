from tests.client.peer import PATIENCE_S, PeerTestCase
from tests.sim.daemon import store_each_life
from vizd.client.publisher import Publisher
from vizd.client.stream import StreamTiming
from vizd.client.thread import PublisherThread
from vizd.sim.encoded import encoded
from vizd.sim.process import NodeProcess
from vizd.sim.uplink import Uplink
from vizd.wire.vizd_pb2 import CacheEvt, VizEvent

ONE = [encoded(VizEvent(ts_ms=1, cache=CacheEvt(name="row")))]


class NodeProcessTests(PeerTestCase):
    def setUp(self) -> None:
        self.thread = PublisherThread()
        self.addCleanup(self.thread.stop)

    def process(self, target: str, node: int = 7) -> NodeProcess:
        process = NodeProcess(
            node,
            f"node-{node}",
            lambda cleared: Publisher(
                target,
                node,
                f"node-{node}",
                thread=self.thread,
                timing=StreamTiming(heartbeat_s=0.02),
                cleared=cleared,
            ),
        )
        self.thread.start()
        process.start()
        return process

    def on_loop(self, *calls) -> None:
        async def make() -> None:
            for call in calls:
                call()

        self.thread.submit(make()).result(PATIENCE_S)

    def end(self, process: NodeProcess) -> None:
        self.thread.submit(process.wait_closed(PATIENCE_S)).result(PATIENCE_S)

    def test_its_stream_ends_when_it_dies_after_what_it_said_has_arrived(self) -> None:
        peer = self.converse(store_each_life)
        process = self.process(peer.target)
        events = [VizEvent(ts_ms=n, cache=CacheEvt(name="row")) for n in range(500)]
        self.on_loop(lambda: process.emit(map(encoded, events)), process.die)
        peer.until(lambda: peer.ended_cleanly == 1)
        (talk,) = peer.conversations
        self.assertEqual([event for _, event in talk.events], events)
        self.assertEqual((process.runs, process.connected), (False, False))
        self.end(process)

    def test_it_begins_again_as_another_incarnation(self) -> None:
        peer = self.converse(store_each_life)
        process = self.process(peer.target)
        self.on_loop(lambda: process.emit(ONE), process.die, process.die)
        peer.until(lambda: peer.ended_cleanly == 1)
        self.on_loop(process.begin_again, process.begin_again, lambda: process.emit(ONE))
        peer.until(lambda: len(peer.conversations) == 2 and peer.conversations[1].events)
        first, second = (talk.hello for talk in peer.conversations)
        self.assertEqual((second.node, second.node_name, second.next_seq), (7, "node-7", 1))
        self.assertNotEqual(first.incarnation, second.incarnation)
        self.end(process)
        self.assertEqual((process.account.lives, process.account.streams, process.account.acked), (2, 1, 2))

    def test_its_account_has_the_events_of_all_its_lives(self) -> None:
        peer = self.converse(store_each_life)
        process = self.process(peer.target)
        for _ in range(3):
            self.on_loop(lambda: process.emit(ONE * 10), process.die, process.begin_again)
        self.end(process)
        self.assertEqual((process.account.lives, process.account.emitted), (4, 30))

    def test_while_its_uplink_stands_still_it_says_nothing_and_then_everything(self) -> None:
        peer = self.converse(store_each_life)
        process = self.process(peer.target)
        peer.until(lambda: peer.conversations and peer.conversations[0].messages)
        (talk,) = peer.conversations
        self.on_loop(lambda: process.follow(Uplink(stands_still=True)))
        other = self.process(peer.target, node=8)
        peer.until(lambda: len(peer.conversations) == 2 and len(peer.conversations[1].messages) == 2)
        said = len(talk.messages)
        self.on_loop(lambda: process.emit(ONE * 2))
        peer.until(lambda: len(peer.conversations[1].messages) == 12)
        self.assertEqual(len(talk.messages), said)
        self.on_loop(lambda: process.follow(Uplink()))
        peer.until(lambda: len(talk.events) == 2)
        self.end(process)
        self.end(other)

    def test_one_that_stands_still_delivers_what_it_has_when_it_is_closed(self) -> None:
        peer = self.converse(store_each_life)
        process = self.process(peer.target)
        self.on_loop(lambda: process.follow(Uplink(stands_still=True)), lambda: process.emit(ONE))
        self.end(process)
        self.assertEqual(process.account.acked, 1)

    def test_its_double_has_the_same_identity_and_what_comes_now_is_said_by_it(self) -> None:
        peer = self.converse(store_each_life)
        process = self.process(peer.target)
        peer.until(lambda: process.connected)
        twice = Uplink(is_doubled=True)
        self.on_loop(lambda: process.follow(twice), lambda: process.follow(twice), lambda: process.emit(ONE))
        peer.until(lambda: len(peer.conversations) == 2 and peer.conversations[1].events)
        first, second = (talk.hello for talk in peer.conversations)
        self.assertEqual((second.node, second.node_name), (first.node, first.node_name))
        self.assertNotEqual(first.incarnation, second.incarnation)
        self.assertEqual(peer.ended_cleanly, 0)
        self.on_loop(lambda: process.follow(Uplink()))
        peer.until(lambda: peer.ended_cleanly == 1)
        self.assertTrue(process.runs)
        self.end(process)
        self.assertEqual((process.account.lives, process.account.acked), (2, 1))

    def test_one_that_is_dead_has_no_double(self) -> None:
        peer = self.converse(store_each_life)
        process = self.process(peer.target)
        self.on_loop(process.die, lambda: process.follow(Uplink(is_doubled=True)))
        self.assertFalse(process.runs)
        self.end(process)

    def test_while_it_is_dead_it_says_nothing(self) -> None:
        peer = self.converse(store_each_life)
        process = self.process(peer.target)
        self.on_loop(process.die, lambda: process.emit(ONE))
        self.end(process)
        self.assertEqual(process.account.emitted, 0)
