"""What ``docs/connecting-a-node.md`` shows works as it stands, but for the port."""

import re
import subprocess
import sys
from typing import Any

import grpc
from google.protobuf import json_format
from twisted.trial.unittest import SynchronousTestCase

from tests.channels import let_go
from tests.daemon.process import TIMEOUT_S, Daemon
from tests.docs import DOCS
from vizd.wire.vizd_pb2 import PublishRequest, PublishResponse

PAGE = (DOCS / "connecting-a-node.md").read_text()
GRPC_TARGET = "127.0.0.1:9091"


class ConnectingANode(SynchronousTestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.kill)

    def test_the_python_publisher_delivers_its_events(self) -> None:
        [block] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
        self.assertEqual(block.count(GRPC_TARGET), 1)
        program = block.replace(GRPC_TARGET, f"127.0.0.1:{self.daemon.grpc_port}")
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=DOCS.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("acked=2", done.stdout)
        self.assertEqual(
            [(each["node"], each.get("shard"), each["event"]) for each in self.history()],
            [
                (1, None, {"type": "Swim", "data": {"node": 1, "kind": "Alive"}}),
                (1, 3, {"type": "Wal", "data": {"node": 1, "seg": 7, "kind": {"kind": "Fsync", "ms": 4}}}),
            ],
        )

    def test_what_is_sent_by_hand_is_answered_as_the_page_says(self) -> None:
        [spoken] = re.findall(r"grpcurl -plaintext -d '(.*?)'", PAGE, re.DOTALL)
        requests = [json_format.Parse(each, PublishRequest()) for each in re.split(r"\n\s*", spoken)]
        welcome, ack = self.publish(requests)
        self.assertEqual(welcome.WhichOneof("message"), "welcome")
        self.assertEqual(ack.ack.stored_through, 2)
        self.assertEqual([(each.seq, each.field) for each in ack.ack.rejected], [(2, "swim.kind")])
        [again] = self.publish(requests)
        self.assertEqual(again.welcome.stored_through, 2)
        self.assertEqual([each["event"]["type"] for each in self.history()], ["Swim"])

    def test_the_stats_of_a_connected_node_have_what_the_page_names(self) -> None:
        publisher = self.daemon.publisher()
        self.addCleanup(publisher.close)
        [line] = self.daemon.get("/api/stats")[1]["publishers"]
        [named] = re.findall(r"`publishers` in the stats has a line for each open stream: (.*?)\.", PAGE, re.DOTALL)
        self.assertEqual(set(re.findall(r"`(\w+)`", named)), line.keys() - {"node", "name"})

    def history(self) -> list[dict[str, Any]]:
        status, answer = self.daemon.get("/api/history")
        self.assertEqual(status, 200)
        return [event for batch in answer["batches"] for event in batch["events"]]

    def publish(self, requests: list[PublishRequest]) -> list[PublishResponse]:
        """All that is answered until the stream ends well."""
        channel = grpc.insecure_channel(f"127.0.0.1:{self.daemon.grpc_port}")
        self.addCleanup(let_go, channel)
        call = channel.stream_stream(
            "/norikv.viz.v1.VizIngestService/Publish",
            request_serializer=PublishRequest.SerializeToString,
            response_deserializer=PublishResponse.FromString,
        )
        return list(call(iter(requests), timeout=TIMEOUT_S))
