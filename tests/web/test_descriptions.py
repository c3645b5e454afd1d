"""The descriptions against a real daemon: all that it answers and sends is as they say.

Where a description says less than the daemon does, that is a fault, too: schemas are read as closed.
"""

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgpack
from twisted.trial.unittest import SynchronousTestCase
from websockets.sync.client import ClientConnection

from tests.api.closed import Described
from tests.api.test_openapi import VALUES
from tests.daemon.process import TIMEOUT_S, Daemon, hear
from tests.events.build import event_of
from tests.stream.made import said
from vizd.api.schema import ref
from vizd.wire.vizd_pb2 import VizEvent

TOKEN = "a-token-of-the-tests"
WRONGS = [
    said("Swim.Suspect", ts=1, node=3),
    said("Raft.LeaderElected", ts=2, shard=9, term=5, node=1),
    said("Raft.LeaderElected", ts=3, shard=9, term=5, node=2),
]
"""What makes findings."""
NOT_A_NUMBER = VizEvent(ts_ms=4)
NOT_A_NUMBER.cache.name, NOT_A_NUMBER.cache.hit_ratio = "block", float("nan")


def published(daemon: Daemon) -> Any:
    """A node that has published an event of each kind, and what makes findings; it is still connected."""
    node = daemon.publisher(7, "seven")
    whole = [each for each in VALUES if "null" not in json.dumps(each)]
    node.send([*map(event_of, whole), NOT_A_NUMBER, *map(event_of, WRONGS)])
    node.send([VizEvent(ts_ms=1)])  # Invalid.
    node.wait_stored()
    return node


class Answers(SynchronousTestCase):
    """Over HTTP."""

    def setUp(self) -> None:
        self.tokens = Path(self.mktemp())
        self.tokens.write_text(TOKEN)
        self.daemon = Daemon("--coalesce-ms", "10")
        self.addCleanup(self.daemon.kill)
        status, _, body = self.ask("/api/openapi.json")
        self.assertEqual(status, 200)
        self.described = Described(json.loads(body))
        self.paths = self.described.document["paths"]

    def ask(self, target: str, daemon: Daemon | None = None, method: str = "GET", **headers: str) -> Any:
        """Status, media type and body."""
        connection = HTTPConnection("127.0.0.1", (daemon or self.daemon).http_port, timeout=TIMEOUT_S)
        connection.request(method, target, headers=headers)
        answer = connection.getresponse()
        try:
            return answer.status, (answer.getheader("Content-Type") or "").partition(";")[0], answer.read()
        finally:
            connection.close()

    def check(self, target: str, daemon: Daemon | None = None, wanted: int = 200, **headers: str) -> Any:
        """The body of an answer that is as the description says of this path, and this status."""
        status, media_type, body = self.ask(target, daemon, **headers)
        self.assertEqual(status, wanted, (target, body[:300]))
        path = target.partition("?")[0]
        response = self.paths[path]["get"]["responses"][str(status)]
        content = self.described.at(response["$ref"])["content"] if "$ref" in response else response["content"]
        self.assertIn(media_type, content, target)
        if media_type != "application/json":
            return body
        value = json.loads(body)
        self.assertEqual(self.described.faults(content[media_type]["schema"], value), [], target)
        return value

    def test_everything_of_a_live_daemon_is_as_described(self) -> None:
        self.check("/api/timeline")  # Before there is anything.
        self.check("/api/stats")
        node = published(self.daemon)
        self.addCleanup(node.close)
        with self.daemon.watch("?json=true&max_kbps=50&types=raft&nodes=1&shards=2") as ws:
            hear(ws)
            self.daemon.get("/nowhere")
            stats = self.check("/api/stats")
        self.assertEqual((len(stats["clients"]), len(stats["publishers"])), (1, 1))
        self.assertTrue(stats["refusals"])
        for target in self.paths:
            self.check(target)
        history = self.check("/api/history?limit=5")
        self.check("/api/history?from=1&to=18446744073709551615&types=raft,swim&nodes=1,2,7&shards=0,9")
        ratios = [each["event"]["data"]["hit_ratio"] for each in self.check("/api/state?types=Cache")["events"]]
        self.assertIn(None, ratios)
        self.assertGreaterEqual(len(self.check("/api/insight")["findings"]), 2)
        self.assertTrue(self.check("/api/timeline?step_ms=1000&nodes=7")["nodes"])
        self.assertEqual(self.check("/api/coverage?from=0")["nodes"][0]["name"], "seven")
        self.assertTrue(history["batches"])
        for form, items in (("application/x-ndjson", self.lines), ("application/msgpack", self.maps)):
            found = items(self.check("/api/history", Accept=form))
            self.assertGreaterEqual(len(found), 2)
            schema = self.paths["/api/history"]["get"]["responses"]["200"]["content"][form]["x-item-schema"]
            for item in found:
                self.assertEqual(self.described.faults(schema, item), [], form)
            self.assertIn("next_from", found[-1])

    @staticmethod
    def lines(body: bytes) -> list[Any]:
        return [json.loads(line) for line in body.splitlines()]

    @staticmethod
    def maps(body: bytes) -> list[Any]:
        unpacker = msgpack.Unpacker()
        unpacker.feed(body)
        return list(unpacker)

    def test_every_refusal_is_as_described(self) -> None:
        node = published(self.daemon)
        self.addCleanup(node.close)
        for path, operations in self.paths.items():
            for parameter in operations["get"]["parameters"]:
                refused = self.check(f"{path}?{parameter['name']}=x", wanted=400)
                self.assertIn(parameter["name"], refused["error"]["message"])
            if "401" in operations["get"]["responses"]:
                self.check(path, wanted=403, Host="evil.example")
                self.check(path, wanted=403, Origin="http://evil.example")
        self.check("/api/state?at=1", wanted=410)
        for status, method, path in ((404, "GET", "/nowhere"), (405, "POST", "/api/stats")):
            code, _, body = self.ask(path, method=method)
            self.assertEqual(code, status)
            self.assertEqual(self.described.faults(ref("Error"), json.loads(body)), [])

    def test_where_a_token_is_asked_for_it_is_asked_for_as_described(self) -> None:
        daemon = Daemon("--token-file", str(self.tokens.absolute()))
        self.addCleanup(daemon.kill)
        asked = 0
        for path, operations in self.paths.items():
            if operations["get"].get("security") == []:
                self.check(path, daemon)
                continue
            asked += 1
            self.check(path, daemon, wanted=401)
            self.check(path, daemon, Authorization=f"Bearer {TOKEN}")
        self.assertGreater(asked, 5)

    def test_every_path_of_the_daemon_is_described(self) -> None:
        """Its own 404 lists them."""
        _, _, body = self.ask("/nowhere")
        listed = json.loads(body)["error"]["message"].partition(": see ")[2].split(", ")
        self.assertEqual(sorted(listed), sorted([*self.paths, "/ws/events"]))


class Messages(SynchronousTestCase):
    """Over the WebSocket."""

    def setUp(self) -> None:
        self.daemon = Daemon("--coalesce-ms", "10")
        self.addCleanup(self.daemon.kill)
        self.described = Described(self.daemon.get("/api/asyncapi.json")[1])
        operation = self.described.document["operations"]["toClient"]
        references = [self.described.at(each["$ref"])["$ref"] for each in operation["messages"]]
        self.payloads = {self.described.at(each)["name"]: self.described.at(each)["payload"] for each in references}
        self.heard: set[str] = set()
        self.extras: set[str] = set()

    def hear(self, ws: ClientConnection) -> Any:
        """The next message, which is as described."""
        message = hear(ws)
        self.assertIn(message["type"], self.payloads)
        self.assertEqual(self.described.faults(self.payloads[message["type"]], message), [], message)
        self.heard.add(message["type"])
        if message["type"] == "batch":
            self.extras |= set(message) - {"type", "data"}
        return message

    def hear_until(self, ws: ClientConnection, kind: str) -> Any:
        while (message := self.hear(ws))["type"] != kind:
            pass
        return message

    def converse(self, encoding: str) -> None:
        """A conversation in which everything is said that can be."""
        node = published(self.daemon)
        self.addCleanup(node.close)
        query = f"?json={encoding}"
        with self.daemon.watch(f"{query}&state=all&findings=true") as ws:
            while "position" not in self.hear_until(ws, "batch"):
                pass
            self.hear_until(ws, "finding")
            for request in (
                {"type": "ping"},
                {"type": "filter", "types": ["Raft"], "nodes": [1], "shards": [9], "state": True},
                {"type": "history", "from_ms": 0, "to_ms": 2**64 - 1, "state": True},
            ):
                ws.send(json.dumps(request))
            self.hear_until(ws, "pong")
            self.assertFalse(self.hear_until(ws, "history_end")["cancelled"])
            node.send([event_of(event) for event in WRONGS])  # A history of one window would end at once.
            node.wait_stored()
            for request in (
                {"type": "filter"},
                {"type": "history", "from_ms": 0, "to_ms": 2**64 - 1, "speed": 0.001},
                {"type": "history_cancel"},
                {"type": "pause"},
            ):
                ws.send(json.dumps(request))
            self.assertTrue(self.hear_until(ws, "history_end")["cancelled"])
            for wrong in ("no", "[]", "{}", '{"type":"stop"}', '{"type":"filter","nodes":[-1]}'):
                ws.send(wrong)
                self.hear_until(ws, "error")
            node.send([event_of(event) for event in WRONGS])
            node.wait_stored()
            ws.send('{"type":"resume"}')
            self.assertEqual(self.hear_until(ws, "gap")["reason"], "paused")
        with self.daemon.watch(f"{query}&types=shard&nodes=4294967295") as ws:
            self.hear_until(ws, "position")
        with self.daemon.watch(f"{query}&position=of-another-life") as ws:
            self.assertEqual(self.hear_until(ws, "gap")["reason"], "restart")
            self.hear_until(ws, "batch")
        with self.daemon.watch(f"{query}&max_kbps=100&state=false") as ws:
            self.hear(ws)
            node.send([event_of(event) for event in WRONGS])
            self.hear_until(ws, "batch")

    def test_every_message_in_json_is_as_described_and_each_occurs(self) -> None:
        self.converse("true")
        self.assertEqual(self.heard, set(self.payloads))
        self.assertLessEqual({"position", "snapshot", "history", "sent", "of"}, self.extras)

    def test_every_message_in_messagepack_is_as_described_and_each_occurs(self) -> None:
        self.converse("false")
        self.assertEqual(self.heard, set(self.payloads))
