"""Tests of ``vizd.web.timeline``."""

import gzip
import json

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.state.windows import Windows, mark
from tests.stream.made import made
from tests.web.wire import Answer, Browser, step
from vizd.state.coverage import Coverage
from vizd.state.timeline import Timeline
from vizd.web.admission import Admission
from vizd.web.site import Root, gzipped
from vizd.web.timeline import TimelineEndpoint
from vizd.web.turns import Turns


class TimelineEndpointTests(SynchronousTestCase):
    """``GET /api/timeline``."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.windows = Windows()
        self.coverage = Coverage()
        self.timeline = Timeline(self.coverage)
        admission = Admission()
        self.root = Root(admission)
        self.root.add("/api/timeline", gzipped(TimelineEndpoint(admission, self.timeline, Turns(self.clock))))

    def fold(self, at_ms: int, nodes: int = 1) -> None:
        events = [made("Wal.Fsync", node=node, ms=node) for node in range(1, nodes + 1)]
        window = self.windows.make(at_ms, events, [mark(node) for node in range(1, nodes + 1)])
        self.coverage.fold(window)
        self.timeline.fold(window)

    def ask(self, query: str = "", method: str = "GET", **headers: str) -> Browser:
        browser = Browser(self.root, self.clock)
        browser.ask(f"/api/timeline?{query}", method, **headers)
        return browser

    def get(self, query: str = "", **headers: str) -> Answer:
        browser = self.ask(query, **headers)
        self.clock.advance(0)
        return browser.heard()

    def test_a_daemon_without_windows_says_so(self) -> None:
        self.assertEqual(
            self.get().body,
            b'{"from":null,"step_ms":1000,"counts":{"wal":[],"compaction":[],"lsm":[],"raft":[],"swim":[],"shard":[],'
            b'"cache":[],"heat":[]},"nodes":[]}',
        )

    def test_it_is_one_json_value_of_arrays(self) -> None:
        for second in range(10, 20):
            self.fold(second * 1_000, nodes=2)
        said = self.get("from=12000&to=16000&step_ms=2000").json
        self.assertEqual((list(said), said["from"]), (["from", "step_ms", "counts", "nodes"], 12_000))
        self.assertEqual((said["step_ms"], said["counts"]["wal"], said["counts"]["heat"]), (2_000, [4, 4], [0, 0]))
        self.assertEqual(
            said["nodes"][1],
            {
                "node": 2,
                "name": "node-2",
                "fsync_p50": [2, 2],
                "fsync_p99": [2, 2],
                "fsync_max": [2, 2],
                "pressure": [None, None],
                "liveness": ["connected", "connected"],
                "coverage": ["complete", "complete"],
            },
        )
        self.assertEqual([each["node"] for each in self.get("nodes=2,77").json["nodes"]], [2])

    def test_what_is_wrong_is_400_by_name(self) -> None:
        self.fold(0)
        self.fold(4_000_000)
        self.fold(8_000_000)
        for query, name in (
            ("from=x", "from"), ("to=-1", "to"), ("from=2&to=1", "from"), ("step_ms=0", "step_ms"),
            ("step_ms=1s", "step_ms"), ("nodes=x", "nodes"), (f"nodes={2**32}", "nodes"),
        ):  # fmt: skip
            answer = self.get(query)
            self.assertEqual((answer.status, answer.json["error"]["code"]), (400, "parameter"), query)
            self.assertTrue(answer.json["error"]["message"].startswith(f"{name}: "), answer.json)
        self.assertEqual(self.get("step_ms=1").json["step_ms"], 60_000)

    def test_more_steps_than_there_may_be_are_400(self) -> None:
        self.fold(0)
        self.fold(300_000_000)
        answer = self.get("step_ms=60000")
        self.assertEqual((answer.status, answer.json["error"]["message"].split(":")[0]), (400, "step_ms"))
        self.assertIn("3600 is the most", answer.json["error"]["message"])
        self.assertEqual(self.get().status, 200)

    def test_head_and_gzip(self) -> None:
        for second in range(100):
            self.fold(second * 1_000, nodes=5)
        head = self.ask(method="HEAD").heard(to_head=True)
        self.assertEqual((head.status, head.headers["content-type"]), (200, "application/json"))
        packed = self.get(**{"Accept-Encoding": "gzip"})
        self.assertEqual(json.loads(gzip.decompress(packed.body)), self.get().json)

    def test_live_windows_are_folded_while_it_is_made(self) -> None:
        for second in range(200):
            self.fold(second * 1_000, nodes=10)
        right = self.get().body
        browser, turns = self.ask(), 0
        while not browser.transport.value().endswith(b"0\r\n\r\n"):
            step(self.clock)
            turns += 1
            self.fold(200_000 + turns * 1_000, nodes=12)
        self.assertGreater(turns, 5)
        self.assertEqual(browser.heard().body, right)
