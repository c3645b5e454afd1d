"""Tests of tokens at the doors of HTTP and WebSocket: the door alone, and the daemon as a user starts it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.server import Request
from websockets.exceptions import InvalidStatus

from tests.daemon.process import Daemon, hear, run_to_end
from tests.web.wire import Browser
from vizd.access.failures import AT_ONCE, Failures
from vizd.access.tokens import TokenFile
from vizd.web.admission import Admission
from vizd.web.api import ProbeEndpoint, StatsEndpoint
from vizd.web.page import page_files
from vizd.web.site import Endpoint, Root
from vizd.web.websocket import SUBPROTOCOL

TOKEN = "Viewers-token_0123456789"
PATHS = ("/api/stats", "/api/history", "/api/state", "/api/timeline", "/api/coverage", "/api/insight", "/ws/events")


class _Broken(Endpoint):
    """Fails."""

    def get(self, request: Request) -> bytes:
        raise KeyError("a fault")


class DoorTests(SynchronousTestCase):
    """Requests over a transport that is a string."""

    def setUp(self) -> None:
        path = Path(self.mktemp())
        path.write_text(f"{TOKEN}\n")
        self.clock = Clock()
        self.admission = Admission(tokens=TokenFile(path, self.clock.seconds), failures=Failures(self.clock.seconds))
        self.root = Root(self.admission)
        self.root.add("/api/stats", StatsEndpoint(self.admission, dict))
        self.root.add("/health", ProbeEndpoint(self.admission, lambda: (200, {})))
        self.root.add("/broken", _Broken(self.admission))
        for name, file in page_files(self.admission).items():
            self.root.add(name, file)

    def get(self, target: str = "/api/stats", **headers: str) -> Any:
        return Browser(self.root, self.clock).get(target, **headers)

    def raw(self, *lines: str) -> Any:
        browser = Browser(self.root, self.clock)
        browser.send("\r\n".join(("GET /api/stats HTTP/1.1", "Host: localhost", *lines, "", "")).encode())
        return browser.heard()

    def test_without_a_token_it_is_401_and_says_what_to_send(self) -> None:
        for target in ("/api/stats", "/nowhere", "/static/nothing.js"):
            answer = self.get(target)
            self.assertEqual((answer.status, answer.headers["www-authenticate"]), (401, "Bearer"))
            self.assertEqual(answer.json["error"]["code"], "UNAUTHENTICATED")
            self.assertIn("Authorization: Bearer TOKEN", answer.json["error"]["message"])
        self.assertEqual(self.admission.refusals, {"UNAUTHENTICATED": 3})

    def test_with_one_it_is_answered(self) -> None:
        for header in (f"Bearer {TOKEN}", f"bearer {TOKEN}"):
            self.assertEqual(self.get(Authorization=header).status, 200)

    def test_probes_and_the_page_need_none(self) -> None:
        for target in ("/health", "/", "/static/page.js"):
            self.assertEqual(self.get(target).status, 200)

    def test_a_wrong_one_is_401_however_much_of_it_is_right(self) -> None:
        for wrong in (TOKEN[:-1], TOKEN + "0", TOKEN.lower(), TOKEN[1:], "x", f"{TOKEN},{TOKEN}", f"{TOKEN} {TOKEN}"):
            answer = self.get(Authorization=f"Bearer {wrong}")
            self.assertEqual((answer.status, answer.json["error"]["code"]), (401, "UNAUTHENTICATED"))
            self.assertNotIn(wrong, answer.body.decode())

    def test_two_of_them_are_401_even_if_both_are_right(self) -> None:
        for lines in (
            (f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer {TOKEN}"),
            (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer other"),
            (f"Authorization: Bearer {TOKEN}, Bearer {TOKEN}",),
        ):
            self.assertEqual(self.raw(*lines).status, 401)

    def test_in_the_address_or_anywhere_else_it_is_none(self) -> None:
        for target in (f"/api/stats?token={TOKEN}", f"/api/stats?access_token={TOKEN}&authorization=Bearer%20{TOKEN}"):
            self.assertEqual(self.get(target).status, 401)
        self.assertEqual(self.get(Cookie=f"token={TOKEN}").status, 401)
        self.assertEqual(self.get(Sec_WebSocket_Protocol=f"{SUBPROTOCOL}, bearer.{TOKEN}").status, 401)
        self.assertEqual(self.get(Proxy_Authorization=f"Bearer {TOKEN}").status, 401)

    def test_a_preflight_needs_none_and_the_request_behind_it_does(self) -> None:
        browser = Browser(self.root, self.clock)
        browser.ask("/api/stats", "OPTIONS", Origin="http://localhost:3000")
        self.assertEqual(browser.heard().status, 204)
        answer = browser.get("/api/stats", Origin="http://localhost:3000")
        self.assertEqual((answer.status, answer.headers["access-control-allow-origin"]), (401, "http://localhost:3000"))

    def test_a_host_or_origin_that_is_not_allowed_is_403_whatever_the_token(self) -> None:
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            self.assertEqual(self.get(Authorization=f"Bearer {TOKEN}", **headers).status, 403)

    def test_whoever_brings_wrong_ones_all_the_time_is_told_to_wait_and_is_disconnected(self) -> None:
        statuses = [self.get(Authorization="Bearer wrong").status for _ in range(AT_ONCE + 5)]
        self.assertEqual(statuses, [401] * AT_ONCE + [429] * 5)
        browser = Browser(self.root, self.clock)
        answer = browser.get("/api/stats", Authorization="Bearer wrong")
        self.assertEqual((answer.json["error"]["code"], answer.headers["retry-after"]), ("wrong_tokens", "1"))
        self.assertTrue(browser.transport.is_gone)
        self.assertEqual(self.get(Authorization=f"Bearer {TOKEN}").status, 200, "behind a proxy it is another's")
        self.clock.advance(1)
        self.assertEqual(self.get(Authorization="Bearer wrong").status, 401)

    def test_no_token_at_all_is_no_wrong_one(self) -> None:
        self.assertEqual({self.get().status for _ in range(AT_ONCE * 2)}, {401})


class DaemonTests(TestCase):
    """``--token-file``, over real sockets."""

    timeout = 120

    @contextlib.contextmanager
    def daemon(self) -> Iterator[Daemon]:
        self.path = Path(self.mktemp()).absolute()
        self.path.write_text(f"{TOKEN}\n")
        daemon = Daemon("--token-file", str(self.path))
        try:
            yield daemon
        finally:
            daemon.kill()

    def refusal(self, daemon: Daemon, **options: Any) -> int:
        with self.assertRaises(InvalidStatus) as raised, daemon.watch(**options):
            pass
        return raised.exception.response.status_code

    def test_all_but_probes_and_the_page_need_one_and_no_line_and_no_number_shows_it(self) -> None:
        mine = {"Authorization": f"Bearer {TOKEN}"}
        with self.daemon() as daemon:
            for path in (*PATHS, "/nowhere"):
                self.assertEqual(daemon.get(path)[0], 401, path)
                self.assertNotEqual(daemon.get(path, **mine)[0], 401, path)
            for path in ("/health", "/ready"):
                self.assertEqual(daemon.get(path)[0], 200, path)

            self.assertEqual(self.refusal(daemon), 401)
            self.assertEqual(self.refusal(daemon, query=f"?token={TOKEN}"), 401)
            for wrong in (f"bearer.{TOKEN}x", f"Bearer.{TOKEN}", TOKEN, "bearer."):
                self.assertEqual(self.refusal(daemon, subprotocols=[SUBPROTOCOL, wrong]), 401)
            both = [SUBPROTOCOL, f"bearer.{TOKEN}", f"bearer.{TOKEN}"]
            self.assertEqual(self.refusal(daemon, subprotocols=both), 401)

            for options in (
                {"subprotocols": [SUBPROTOCOL, f"bearer.{TOKEN}"]},
                {"subprotocols": [f"bearer.{TOKEN}", SUBPROTOCOL]},
                {"subprotocols": [SUBPROTOCOL], "additional_headers": mine},
            ):
                with daemon.watch(**options) as ws:
                    self.assertEqual((hear(ws)["type"], ws.subprotocol), ("connected", SUBPROTOCOL))
            with daemon.watch(subprotocols=[f"bearer.{TOKEN}"]) as ws:
                self.assertEqual((hear(ws)["type"], ws.subprotocol), ("connected", None))

            stats = daemon.get("/api/stats", **mine)[1]
            self.assertGreater(stats["refusals"]["UNAUTHENTICATED"], len(PATHS))
            self.assertEqual(daemon.end(), 0)
            said = "\n".join(daemon.lines) + str(stats)
        self.assertIn("wrong tokens: ", said)
        self.assertNotIn(TOKEN, said)

    def test_a_new_token_counts_at_once_and_while_the_file_is_gone_or_empty_the_last_ones_do(self) -> None:
        def status(token: str) -> int:
            return int(daemon.get("/api/stats", Authorization=f"Bearer {token}")[0])

        with self.daemon() as daemon:
            self.assertEqual((status(TOKEN), status("newer")), (200, 401))
            self.path.unlink()
            daemon.wait_until(lambda: (status(TOKEN), daemon.has_said("No such file"))[1])
            self.assertEqual(status(TOKEN), 200)
            self.path.write_text("")
            daemon.wait_until(lambda: (status(TOKEN), daemon.has_said("there is no token in it"))[1])
            self.assertEqual(status(TOKEN), 200)
            self.path.write_text("newer\n")
            daemon.wait_until(lambda: status("newer") == 200)
            self.assertIn(status(TOKEN), (401, 429), "the tries before were many")

    def test_a_file_without_a_token_ends_the_start(self) -> None:
        path = Path(self.mktemp()).absolute()
        path.write_text("good\nsec ret\n")
        for flags in ((), ("--check",)):
            ended = run_to_end("--token-file", str(path), *flags)
            self.assertEqual(ended.returncode, 1)
            self.assertIn("line 2 is no token", ended.stdout + ended.stderr)
            self.assertNotIn("ret", (ended.stdout + ended.stderr).replace("returned", ""))
