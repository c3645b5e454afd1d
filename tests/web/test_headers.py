"""Tests of the headers that protect whoever looks, on answers of every kind."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.web.wire import Answer, Browser
from vizd.web.admission import Admission, Refused
from vizd.web.api import ProbeEndpoint, StatsEndpoint
from vizd.web.page import page_files
from vizd.web.site import Endpoint, Root, gzipped


class _Busy(Endpoint):
    """Refuses."""

    def get(self, request: object) -> bytes:
        raise Refused(503, "busy", "try again", 1)


class _Broken(Endpoint):
    """Fails."""

    def get(self, request: object) -> bytes:
        raise KeyError


class HeaderTests(SynchronousTestCase):
    """``Content-Security-Policy`` and its like."""

    def setUp(self) -> None:
        admission = Admission()
        self.root = Root(admission)
        self.root.add("/api/stats", gzipped(StatsEndpoint(admission, dict)))
        self.root.add("/health", ProbeEndpoint(admission, lambda: (200, {})))
        self.root.add("/busy", _Busy(admission))
        self.root.add("/broken", _Broken(admission))
        for path, file in page_files(admission).items():
            self.root.add(path, file)

    def get(self, target: str, **headers: str) -> Answer:
        return Browser(self.root, Clock()).get(target, **headers)

    def policy(self, target: str) -> dict[str, str]:
        parts = self.get(target).headers["content-security-policy"].split(";")
        return {name: value for name, _, value in (part.strip().partition(" ") for part in parts)}

    def test_every_answer_has_them(self) -> None:
        for target, status, headers in (
            ("/api/stats", 200, {}), ("/health", 200, {}), ("/", 200, {}), ("/static/page.js", 200, {}),
            ("/nowhere", 404, {}), ("/busy", 503, {}), ("/broken", 500, {}),
            ("/api/stats", 403, {"Host": "evil.example"}),
            ("/api/stats", 200, {"Accept_Encoding": "gzip", "Origin": "http://localhost:3000"}),
        ):  # fmt: skip
            answer = self.get(target, **headers)
            self.assertEqual(answer.status, status, target)
            for name, right in (
                ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"),
                ("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin"),
                ("server", "norikv-vizd"),
            ):  # fmt: skip
                self.assertEqual(answer.headers[name], right, (target, name))
            policy = answer.headers["content-security-policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("strict-transport-security", answer.headers, "there is no TLS")
        self.flushLoggedErrors(KeyError)

    def test_the_page_runs_its_own_files_and_talks_to_its_own_daemon_alone(self) -> None:
        policy = self.policy("/")
        for name in ("script-src", "style-src", "connect-src"):
            self.assertEqual(policy[name], "'self'", name)
        for name in ("default-src", "base-uri", "form-action", "frame-ancestors"):
            self.assertEqual(policy[name], "'none'", name)
        self.assertNotIn("unsafe", str(policy))

    def test_the_api_is_no_page(self) -> None:
        self.assertEqual(self.policy("/api/stats"), {"default-src": "'none'", "frame-ancestors": "'none'"})

    def test_an_answer_is_kept_by_nobody(self) -> None:
        self.assertEqual(self.get("/api/stats").headers["cache-control"], "no-store")
