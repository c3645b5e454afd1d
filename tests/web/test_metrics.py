"""Tests of ``vizd.web.metrics``."""

import gzip

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.web.wire import Answer, Browser
from vizd.web.admission import Admission
from vizd.web.metrics import MetricsEndpoint
from vizd.web.site import Root, gzipped

BODY = b"# HELP a A metric.\n# TYPE a gauge\na 1.0\n" * 100


class MetricsEndpointTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.accepted: list[str] = []
        self.clock = Clock()
        admission = Admission()
        self.root = Root(admission)
        self.root.add("/metrics", gzipped(MetricsEndpoint(admission, self.answer)))

    def answer(self, accept: str) -> tuple[str, bytes]:
        self.accepted.append(accept)
        return "text/plain; version=0.0.4", BODY

    def get(self, method: str = "GET", **headers: str) -> Answer:
        browser = Browser(self.root, self.clock)
        browser.ask("/metrics", method, **headers)
        return browser.heard(to_head=method == "HEAD")

    def test_the_answer_is_what_it_is_given_for_the_accept_header(self) -> None:
        answer = self.get(Accept="application/openmetrics-text")
        self.assertEqual((answer.status, answer.body), (200, BODY))
        self.assertEqual(answer.headers["content-type"], "text/plain; version=0.0.4")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.get()
        self.assertEqual(self.accepted, ["application/openmetrics-text", ""])

    def test_it_is_compressed_when_asked(self) -> None:
        answer = self.get(**{"Accept-Encoding": "gzip"})
        self.assertEqual(answer.headers["content-encoding"], "gzip")
        self.assertLess(len(answer.body), len(BODY) // 4)
        self.assertEqual(gzip.decompress(answer.body), BODY)

    def test_a_head_has_no_body(self) -> None:
        answer = self.get("HEAD")
        self.assertEqual((answer.status, answer.headers["content-length"], answer.rest), (200, str(len(BODY)), b""))

    def test_it_is_guarded_like_the_rest(self) -> None:
        self.assertEqual(self.get(Host="evil.example").status, 403)
        self.assertEqual(self.get("POST").status, 405)
        self.assertEqual(self.accepted, [])
