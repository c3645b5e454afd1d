"""Tests of ``vizd.web.coverage``."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.state.windows import Windows, mark
from tests.web.wire import Answer, Browser
from vizd.log.window import Mark
from vizd.state.coverage import Coverage
from vizd.web.admission import Admission
from vizd.web.coverage import CoverageEndpoint
from vizd.web.site import Root, gzipped
from vizd.web.turns import Turns


class CoverageEndpointTests(SynchronousTestCase):
    """``GET /api/coverage``."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.windows = Windows()
        self.serve(Coverage())

    def serve(self, coverage: Coverage) -> None:
        self.coverage = coverage
        admission = Admission()
        self.root = Root(admission)
        self.root.add("/api/coverage", gzipped(CoverageEndpoint(admission, coverage, Turns(self.clock))))

    def fold(self, at_ms: int, *marks: Mark) -> None:
        self.coverage.fold(self.windows.make(at_ms, marks=marks))

    def get(self, query: str = "") -> Answer:
        browser = Browser(self.root, self.clock)
        browser.ask(f"/api/coverage?{query}")
        self.clock.advance(0)
        return browser.heard()

    def test_a_daemon_without_nodes_says_so(self) -> None:
        self.assertEqual(self.get().body, b'{"nodes":[]}')
        self.assertEqual(self.get(f"from=0&to={2**64 - 1}").body, b'{"nodes":[]}')

    def test_it_is_one_json_value_of_nodes(self) -> None:
        self.fold(1_000, mark(2**32 - 1, name='sü"ß', connected=True, skew_ms=-7), mark(3, connected=True))
        self.fold(2_100, mark(3, events=4, lost=2))
        self.fold(3_000, mark(3, connected=False))
        answer = self.get()
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(
            answer.body.decode(),
            '{"nodes":[{"node":3,"name":"node-3","connected":false,"skew_ms":null,"received":4,'
            '"lost":[{"from_ms":2000,"to_ms":3000,"events":2}],"disconnected":[{"from_ms":3000,"to_ms":3050}]},'
            '{"node":4294967295,"name":"sü\\"ß","connected":true,"skew_ms":-7,"received":0,"lost":[],"disconnected":[]}]}',
        )

    def test_a_range_cuts(self) -> None:
        self.fold(1_000, mark(3, connected=True))
        self.fold(12_000, mark(3, events=4, lost=2))
        self.fold(31_000, mark(3, connected=False))
        self.fold(40_000, mark(4, connected=True))
        self.fold(50_000)
        [node] = self.get("from=35000&to=40000").json["nodes"]
        self.assertEqual(
            (node["node"], node["connected"], node["received"], node["lost"], node["disconnected"]),
            (3, False, 0, [], [{"from_ms": 35_000, "to_ms": 40_000}]),
        )

    def test_what_is_wrong_is_400_by_name(self) -> None:
        for query, name in (("from=x", "from"), ("to=1.5", "to"), ("from=2&to=1", "from")):
            answer = self.get(query)
            self.assertEqual((answer.status, answer.json["error"]["code"]), (400, "parameter"))
            self.assertTrue(answer.json["error"]["message"].startswith(f"{name}: "), answer.json)

    def test_too_many_nodes_are_said_to_be(self) -> None:
        self.serve(Coverage(max_nodes=1))
        self.fold(1_000, mark(1, connected=True), mark(2, connected=True))
        told = self.get().json
        self.assertEqual(([each["node"] for each in told["nodes"]], told["truncated"]), ([1], True))
