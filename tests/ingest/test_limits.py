"""What one peer of the gRPC port can take of the daemon: connections, time and memory."""

import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.ingest.harness import PATIENCE_S, Node, ServerTests
from tests.ingest.http2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    Peer,
    frame,
    header_block,
)
from vizd.ingest.access import Access
from vizd.ingest.limits import Limits

HANDSHAKE_S, IDLE_S, PING_S, PONG_S = 0.5, 0.8, 1.0, 0.5
SLACK_S = 5.0
"""For a machine that is busy."""
CONNECTIONS = 40
SLOWEST_S = 3.0
"""Until an event of somebody else is stored, while all of this goes on. It is a few milliseconds from another
process; here those who flood take turns with the daemon in one interpreter."""
MOST_MORE_BYTES = 64 << 20
"""Of the process, client and daemon together."""


class LimitsTests(ServerTests):
    def access(self) -> Access:
        return Access(
            limits=Limits(connections=CONNECTIONS, handshake_s=HANDSHAKE_S, idle_s=IDLE_S, ping_s=PING_S, pong_s=PONG_S)
        )

    def peer(self, *, speaks: bool = True) -> Peer:
        peer = Peer(self.daemon.port, speaks=speaks)
        self.addCleanup(peer.close)
        return peer


class Silence(LimitsTests):
    def test_a_connection_that_says_nothing_is_closed(self) -> None:
        self.assertLess(self.peer(speaks=False).until_closed(), HANDSHAKE_S + SLACK_S)

    def test_one_that_begins_byte_by_byte_gets_no_more_time(self) -> None:
        peer = self.peer(speaks=False)
        began_s = time.monotonic()
        for byte in PREFACE * 1000:
            if not peer.say(bytes([byte])) or time.monotonic() - began_s > PATIENCE_S:
                break
            time.sleep(HANDSHAKE_S / 10)  # Not to wait for anything: it is slow.
        self.assertLess(time.monotonic() - began_s, HANDSHAKE_S + SLACK_S)

    def test_one_without_a_call_is_closed_when_it_was_idle_for_long(self) -> None:
        self.assertLess(self.peer().until_closed(), IDLE_S + SLACK_S)

    def test_words_that_are_no_call_do_not_keep_it_open(self) -> None:
        for words in (frame(0x77, 0, 0, b"x" * 100), frame(PING, ACK, 0, bytes(8)), frame(CONTINUATION, 0, 1)):
            peer = self.peer()
            if words[3] == CONTINUATION:
                peer.say(frame(HEADERS, 0, 1, header_block()))
            peer.begin_to_read()
            began_s = time.monotonic()
            while peer.say(words) and time.monotonic() - began_s < PATIENCE_S:
                time.sleep(IDLE_S / 20)  # As above.
            self.assertLess(time.monotonic() - began_s, IDLE_S + SLACK_S)

    def test_one_whose_peer_answers_no_ping_is_closed_in_the_middle_of_a_call(self) -> None:
        peer = self.peer()
        peer.say(frame(HEADERS, END_HEADERS, 1, header_block()))
        self.assertLess(peer.until_closed(), PING_S + PONG_S + SLACK_S)
        self.assertIn(PING, [kind for kind, *_ in peer.frames()])

    def test_a_node_that_is_silent_keeps_its_stream(self) -> None:
        node = Node(self.daemon.port)
        self.addCleanup(node.close)
        node.hello()
        self.assertLess(self.peer().until_closed(), IDLE_S + SLACK_S)  # It is open for longer than this one.
        node.stored_through(node.send(1))


class Connections(LimitsTests):
    KEPT_S = 4.0
    """Time enough to open all of them, on a machine that is busy."""

    def access(self) -> Access:
        return Access(limits=Limits(connections=CONNECTIONS, handshake_s=self.KEPT_S, idle_s=self.KEPT_S))

    def test_more_than_there_may_be_are_closed_at_once_and_those_that_are_there_stay(self) -> None:
        node = Node(self.daemon.port)
        self.addCleanup(node.close)
        node.hello()
        peers = [self.peer() for _ in range(CONNECTIONS - 1)]
        one_more = self.peer()
        self.assertLess(one_more.until_closed(), self.KEPT_S / 2)
        self.assertEqual(one_more.heard, b"")
        node.stored_through(node.send(1))
        self.assertLess(max(each.until_closed() for each in peers), self.KEPT_S + SLACK_S)
        another = Node(self.daemon.port)
        self.addCleanup(another.close)
        another.hello(node=2, node_name="two")

    def test_idle_sockets_by_the_thousand_cost_no_more_than_the_bound_and_leave_nothing(self) -> None:
        sockets = 4_000
        before, most = open_files(), 0
        node = Node(self.daemon.port)
        self.addCleanup(node.close)
        node.hello()
        for _ in range(sockets // 100):
            hundred = [Peer(self.daemon.port, speaks=False) for _ in range(100)]
            most = max(most, open_files())
            for each in hundred:
                each.close()
        node.stored_through(node.send(1))
        self.assertLessEqual(most, before + 100 + CONNECTIONS + 50)
        self.daemon.until(lambda: open_files() <= before + 10, "all files are closed")


class Calls(LimitsTests):
    def access(self) -> Access:
        return Access(limits=Limits(calls_of_a_connection=10))

    def test_a_connection_has_so_many_calls_and_the_next_is_refused(self) -> None:
        peer = self.peer()
        peer.begin_to_read()
        for number in range(200):
            peer.say(frame(HEADERS, END_HEADERS, 2 * number + 1, header_block()))
        peer.say(frame(PING, 0, 0, b"all said"))
        self.daemon.until(lambda: (PING, ACK, 0, b"all said") in peer.frames(), "all is read")
        calls = self.daemon.server._calls
        assert calls is not None
        self.assertLessEqual(len(calls._calls), 10)
        node = Node(self.daemon.port)
        self.addCleanup(node.close)
        node.hello()

    def test_headers_beyond_the_bound_make_no_call(self) -> None:
        # gRPC refuses them from a peer that has acknowledged its settings, the daemon from one that has not.
        for words in (frame(SETTINGS, ACK, 0), b""):
            peer = self.peer()
            peer.begin_to_read()
            peer.say(words + frame(HEADERS, END_HEADERS, 1, header_block(("x", "y" * 12_000))))
            self.daemon.until(lambda peer=peer: b"grpc-status\x018" in peer.heard, "it is refused: RESOURCE_EXHAUSTED")
        self.daemon.until(lambda: self.daemon.refusals == {"grpc_headers": 1}, "one was the daemon's to count")
        calls = self.daemon.server._calls
        assert calls is not None
        self.assertEqual(len(calls._calls), 0)


class Floods(ServerTests):
    """A node publishes all the while, and an event of its is never long on its way."""

    def flood(self, say: Callable[[Peer], None], peers: int = 4, *, reads: bool = True) -> list[Peer]:
        node = self.connected()
        node.stored_through(node.send(1))
        before_bytes, slowest_s = memory_bytes(), 0.0
        flooding = [Peer(self.daemon.port) for _ in range(peers)]
        for peer in flooding:
            self.addCleanup(peer.close)
            if reads:
                peer.begin_to_read()
        threads = [threading.Thread(target=say, args=(peer,)) for peer in flooding]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            began_s = time.monotonic()
            node.stored_through(node.send(1))
            slowest_s = max(slowest_s, time.monotonic() - began_s)
        self.assertLess(slowest_s, SLOWEST_S)
        self.assertLess(memory_bytes() - before_bytes, MOST_MORE_BYTES)
        for peer in flooding:
            peer.close()
        calls = self.daemon.server._calls
        assert calls is not None
        self.daemon.until(lambda: len(calls._calls) == 1, "only the node is left")
        node.stored_through(node.send(1))
        return flooding

    @staticmethod
    def reset_rapidly(peer: Peer) -> None:
        block, cancel = header_block(), b"\0\0\0\x08"
        for number in range(5_000):
            stream = 2 * number + 1
            if not peer.say(frame(HEADERS, END_HEADERS, stream, block) + frame(RST_STREAM, 0, stream, cancel)):
                return

    def test_streams_that_are_opened_and_reset_at_once(self) -> None:
        self.flood(self.reset_rapidly)

    def test_the_same_from_somebody_who_reads_nothing(self) -> None:
        self.flood(self.reset_rapidly, reads=False)

    def test_streams_that_are_opened_and_say_nothing(self) -> None:
        def open_many(peer: Peer) -> None:
            for number in range(2_000):
                if not peer.say(frame(HEADERS, END_HEADERS, 2 * number + 1, header_block())):
                    return

        self.flood(open_many)

    def test_pings(self) -> None:
        def ping(peer: Peer) -> None:
            for _ in range(200):
                if not peer.say(frame(PING, 0, 0, b"12345678") * 100):
                    return

        # What it was told can be lost: who goes on writing to a connection that is closed has it reset.
        self.assertTrue(any(b"too_many_pings" in peer.heard for peer in self.flood(ping)), "none was told to go")

    def test_settings(self) -> None:
        def settle(peer: Peer) -> None:
            for _ in range(2_000):
                if not peer.say(frame(SETTINGS, 0, 0, b"\0\x04\0\0\xff\xff") * 10):
                    return

        self.flood(settle)
        self.flood(settle, reads=False)

    def test_headers_that_never_end(self) -> None:
        def go_on(peer: Peer) -> None:
            peer.say(frame(HEADERS, 0, 1, header_block()))
            # A value of 256 MiB, of which a part comes.
            peer.say(frame(CONTINUATION, 0, 1, b"\0\x01x\x7f\xff\xff\xff\x7f"))
            for _ in range(2_000):
                if not peer.say(frame(CONTINUATION, 0, 1, b"y" * 15_000)):
                    return

        self.flood(go_on)

    def test_a_message_that_never_ends(self) -> None:
        def go_on(peer: Peer) -> None:
            peer.say(frame(HEADERS, END_HEADERS, 1, header_block()))
            peer.say(frame(DATA, 0, 1, b"\0\0\x0f\xff\xff"))
            for _ in range(20_000):
                if not peer.say(frame(DATA, 0, 1, b"z")):
                    return

        self.flood(go_on)

    def test_frames_without_anything_in_them(self) -> None:
        def go_on(peer: Peer) -> None:
            peer.say(frame(HEADERS, END_HEADERS, 1, header_block()))
            for _ in range(2_000):
                if not peer.say(frame(DATA, 0, 1) * 100):
                    return

        self.flood(go_on)

    def test_frames_that_lie_about_their_length(self) -> None:
        for length in (0xFFFF, 0xFFFFFF):

            def lie(peer: Peer, length: int = length) -> None:
                peer.say(frame(HEADERS, END_HEADERS, 1, header_block()) + frame(DATA, 0, 1, b"abc", length))
                peer.until_closed()

            self.flood(lie, reads=False)

    def test_a_message_that_says_it_is_longer_than_may_be(self) -> None:
        def lie(peer: Peer) -> None:
            peer.say(
                frame(HEADERS, END_HEADERS, 1, header_block()) + frame(DATA, 0, 1, b"\0\xff\xff\xff\xff" + b"z" * 100)
            )

        self.flood(lie)


class Options(TestCase):
    def connections(self, addresses: int, files: int) -> int:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
        try:
            return dict(Limits().channel_options(addresses))["grpc.max_allowed_incoming_connections"]
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def test_connections_take_half_of_the_files_that_may_be_open_at_most(self) -> None:
        self.assertEqual(self.connections(1, 1024), 512)

    def test_the_addresses_share_them(self) -> None:
        self.assertEqual(self.connections(2, 1024), 256)


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def memory_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
