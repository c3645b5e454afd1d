"""Tests of ``vizd.web.insight``."""

import gzip
import json
from functools import partial

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.insight.watched import START_MS, Watched
from tests.stream.made import made
from tests.web.wire import Answer, Browser
from vizd.insight.thresholds import thresholds_from_text
from vizd.stream.position import position_from_text, position_to_text
from vizd.web.admission import Admission
from vizd.web.insight import InsightEndpoint
from vizd.web.site import Root, gzipped
from vizd.web.turns import Turns

EPOCH = b"an epoch"


class InsightEndpointTests(SynchronousTestCase):
    """``GET /api/insight``."""

    def setUp(self) -> None:
        self.serve(Watched())

    def serve(self, watched: Watched) -> None:
        self.clock = Clock()
        self.watched = watched
        admission = Admission()
        position_text = partial(position_to_text, EPOCH)
        endpoint = InsightEndpoint(admission, watched.insight, position_text, Turns(self.clock))
        self.root = Root(admission)
        self.root.add("/api/insight", gzipped(endpoint))

    def get(self, query: str = "", **headers: str) -> Answer:
        browser = Browser(self.root, self.clock)
        browser.ask(f"/api/insight?{query}", **headers)
        self.clock.advance(0)
        return browser.heard()

    def test_a_daemon_that_has_seen_nothing_has_no_findings_and_no_data(self) -> None:
        said = self.get().json
        self.assertEqual((list(said), said["findings"]), (["findings", "no_data"], []))
        self.assertIn("two-leaders", said["no_data"])
        self.assertIn("node-silent", said["no_data"])

    def test_it_is_one_json_value_with_keys_in_the_contracts_order(self) -> None:
        self.watched.connect(2)
        self.watched.happen([made("Swim.Confirm", node=2)])
        answer = self.get()
        self.assertEqual(answer.headers["content-type"], "application/json")
        [finding] = answer.json["findings"]
        [position] = finding["positions"]
        self.assertEqual(position_from_text(EPOCH, position), self.watched.windows_position)
        self.assertEqual(
            list(finding.items()),
            [
                ("id", "node-dead/node-2/2"),
                ("rule", "node-dead"),
                ("severity", "critical"),
                ("subject", {"node": 2, "name": "node-2"}),
                ("first_ms", START_MS + 100),
                ("last_ms", START_MS + 100),
                ("open", True),
                ("conclusive", True),
                ("detail", "node-2 was confirmed dead."),
                ("positions", [position]),
            ],
        )

    def test_open_ones_come_first_then_the_worst_then_the_newest(self) -> None:
        self.watched.connect(1)
        for kind, node in (("Suspect", 2), ("Confirm", 3), ("Suspect", 4), ("Confirm", 5), ("Alive", 3)):
            self.watched.happen([made(f"Swim.{kind}", node=node)])
        self.assertEqual([each["subject"]["node"] for each in self.get().json["findings"]], [5, 4, 2, 3])

    def test_many_come_in_slices_and_gzipped_for_whoever_asks(self) -> None:
        self.watched.connect(1)
        self.watched.happen([made("Swim.Suspect", node=node) for node in range(200)])
        answer = self.get("whatever=1", accept_encoding="gzip")
        said = json.loads(gzip.decompress(answer.body))
        self.assertEqual((len(said["findings"]), said["truncated"]), (100, True))
        self.assertEqual(len({each["id"] for each in said["findings"]}), 100)

    def test_a_rule_that_is_disabled_is_not_spoken_of(self) -> None:
        self.serve(Watched(thresholds_from_text('{"node-dead": {"enabled": false}}')))
        self.assertNotIn("node-dead", self.get().json["no_data"])
        self.watched.happen([made("Swim.Confirm", node=2)])
        self.assertEqual(self.get().json["findings"], [])
