"""Bytes that no one means, for the decoders: events of nodes, through a real call as well, and messages of clients."""

import json
import random

import grpc
import msgpack
from google.protobuf.message import DecodeError
from twisted.trial.unittest import SynchronousTestCase

from tests.channels import let_go
from tests.daemon.process import TIMEOUT_S, Daemon
from tests.events.strategies import REJECTED, UNKNOWN
from tests.fuzz.seeded import mutated, rounds
from vizd.events.decode import Decoder
from vizd.events.facet import Facets
from vizd.stream.messages import Malformed, parse
from vizd.wire.vizd_pb2 import Events, Hello, PublishRequest, VizEvent

GOOD = [
    VizEvent(ts_ms=1, wal={"node": 1, "seg": 7, "fsync": {"ms": 3}}),
    VizEvent(ts_ms=2, owner_shard=3, compaction={"node": 1, "level": 2, "progress": {"pct": 50}}),
    VizEvent(ts_ms=3, lsm={"node": 1, "flush_triggered": {"reason": 1, "memtable_bytes": 9}}),
    VizEvent(ts_ms=4, raft={"shard": 1, "term": 2, "leader_elected": {"node": 3}}),
    VizEvent(ts_ms=5, swim={"node": 1, "kind": 2}),
    VizEvent(ts_ms=6, shard={"shard": 1, "kind": 3}),
    VizEvent(ts_ms=7, cache={"name": "block", "hit_ratio": 0.5}),
    VizEvent(ts_ms=8, slot_heat={"node": 1, "level": 2, "slot": 3, "heat": 0.25, "k": 4}),
]
OTHERS = [*(event for event, _ in REJECTED.values()), *UNKNOWN.values()]
SAID = [
    {"type": "filter", "nodes": [1, 2], "types": ["Raft"], "shards": [3], "state": True},
    {"type": "history", "from_ms": 1, "to_ms": 2, "speed": 4.0},
    {"type": "resume", "catch_up": True},
    {"type": "pause"},
    {"type": "history_cancel"},
    {"type": "ping", "more": [{"a": None}]},
]


def events_message(choose: random.Random) -> Events:
    """A valid one, of events that are good, bad and unknown."""
    return Events(first_seq=1, events=choose.choices(GOOD + OTHERS, k=choose.randint(0, 20)))


class DecoderTests(SynchronousTestCase):
    def test_every_event_is_taken_named_or_unknown_and_what_is_taken_is_json(self) -> None:
        decoder = Decoder(1, Facets())
        decoded_once = 0
        for where, choose in rounds():
            raw = mutated(events_message(choose).SerializeToString(), choose)
            try:
                events = Events.FromString(raw).events
            except DecodeError:
                continue
            decoded_once += 1
            decoded = decoder.decode(events, 1)
            counted = len(decoded.fragments) + len(decoded.rejections) + decoded.unknown
            self.assertEqual(counted, len(events), where)
            self.assertEqual(len(decoded.facets), len(decoded.fragments), where)
            for fragment in decoded.fragments:
                self.assertEqual(list(json.loads(fragment))[:3], ["ts", "node", "event"], where)
            self.assertTrue(all(each.field and each.reason for each in decoded.rejections), where)
        self.assertGreater(decoded_once, 10)

    def test_a_client_s_message_is_understood_or_malformed_in_words(self) -> None:
        for where, choose in rounds():
            said, is_binary = choose.choice(SAID), choose.random() < 0.5
            good: bytes = msgpack.packb(said) if is_binary else json.dumps(said).encode()
            for raw in (good, mutated(good, choose), choose.randbytes(choose.randint(0, 200))):
                try:
                    parse(raw, is_binary)
                except Malformed as why:
                    self.assertTrue(why.code and str(why), where)
                    self.assertLess(len(str(why)), 1_000, where)
                except Exception as why:
                    raise AssertionError(f"{where}: {raw!r}: {why!r}") from why


class PublishTests(SynchronousTestCase):
    """The same bytes as messages of a real call."""

    def test_a_call_of_any_bytes_ends_with_a_status_that_blames_them_and_the_next_one_works(self) -> None:
        daemon = Daemon("--coalesce-ms", "10")
        self.addCleanup(daemon.kill)
        channel = grpc.insecure_channel(f"127.0.0.1:{daemon.grpc_port}")
        self.addCleanup(let_go, channel)
        publish = channel.stream_stream("/norikv.viz.v1.VizIngestService/Publish")
        for number, (where, choose) in enumerate(rounds()):
            hello = PublishRequest(hello=Hello(node=1, node_name="one", incarnation=number + 1, next_seq=1))
            messages = [
                hello.SerializeToString(),
                *(PublishRequest(events=events_message(choose)).SerializeToString() for _ in range(3)),
            ]
            at = choose.randrange(len(messages))
            messages[at] = mutated(messages[at], choose)
            code = grpc.StatusCode.OK
            try:
                for _ in publish(iter(messages), timeout=TIMEOUT_S):
                    pass
            except grpc.RpcError as why:
                code = why.code()
            self.assertNotIn(code, (grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED), where)
        node = daemon.publisher(2, "afterwards")
        self.addCleanup(node.close)
        node.send(GOOD)
        node.wait_stored()
        self.assertEqual([line for line in daemon.lines if "Traceback" in line or "Unhandled" in line], [])
