"""Tests of ``vizd.web.site``, over a transport that is a string."""

import tracemalloc

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import Request

from tests.web.wire import Browser
from vizd.web.admission import Admission, Refused
from vizd.web.api import ProbeEndpoint, StatsEndpoint
from vizd.web.channel import HEADERS_TIMEOUT_S, MAX_HEADER_BYTES, MAX_PARAMETERS, REQUEST_TIMEOUT_S
from vizd.web.site import Endpoint, Root


class _Broken(Endpoint):
    """Fails."""

    def get(self, request: Request) -> bytes:
        raise KeyError("secret")


class _Wrong(Endpoint):
    """Finds a parameter wrong."""

    def get(self, request: Request) -> bytes:
        raise ValueError("limit: 'x' is wrong: use a number")


class _Full(Endpoint):
    """Has no room."""

    def get(self, request: Request) -> bytes:
        raise Refused(503, "busy", "try again", 7)


class SiteTests(SynchronousTestCase):
    """Requests and what comes of them."""

    def setUp(self) -> None:
        self.admission = Admission()
        self.root = Root(self.admission)
        self.root.add("/api/stats", StatsEndpoint(self.admission, lambda: {"name": "süß", "n": 1}))
        self.root.add("/health", ProbeEndpoint(self.admission, lambda: (503, {"status": "unhealthy"})))
        self.root.add("/broken", _Broken(self.admission))
        self.root.add("/wrong", _Wrong(self.admission))
        self.root.add("/full", _Full(self.admission))
        self.clock = Clock()
        self.browser = Browser(self.root, self.clock)

    def test_an_endpoint_answers_in_json(self) -> None:
        answer = self.browser.get("/api/stats")
        self.assertEqual((answer.status, answer.json), (200, {"name": "süß", "n": 1}))
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")

    def test_a_probe_answers_with_its_status_whatever_the_host(self) -> None:
        for headers in ({}, {"Host": "evil.example"}, {"Host": "-"}, {"Origin": "http://evil.example"}):
            answer = self.browser.get("/health", **headers)
            self.assertEqual((answer.status, answer.json), (503, {"status": "unhealthy"}))

    def test_a_path_that_is_not_there_is_404_and_says_what_is(self) -> None:
        for path in ("/", "/api", "/api/stats/", "/api/statsx", "//api/stats", "/api/stats/x", "/%00", "/a%ff"):
            answer = self.browser.get(path)
            self.assertEqual((answer.status, answer.json["error"]["code"]), (404, "not_found"), path)
            self.assertIn("/api/history", answer.json["error"]["message"])

    def test_so_it_is_whatever_the_method(self) -> None:
        self.browser.ask("/nowhere", "POST")
        self.assertEqual(self.browser.heard().status, 404)

    def test_a_query_does_not_change_the_path(self) -> None:
        self.assertEqual(self.browser.get("/api/stats?x=/y").status, 200)

    def test_another_method_is_405_and_says_which_are_allowed(self) -> None:
        for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW", "get"):
            self.browser.ask("/api/stats", method)
            answer = self.browser.heard()
            self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET, HEAD, OPTIONS"), method)
            self.assertEqual(answer.json["error"]["code"], "method")

    def test_head_has_the_headers_of_get_and_no_body(self) -> None:
        for path, status in (("/api/stats", 200), ("/nowhere", 404), ("/health", 503), ("/broken", 500)):
            get = self.browser.get(path)
            self.browser.ask(path, "HEAD")
            head = self.browser.heard(to_head=True)
            self.assertEqual((head.status, head.body, head.rest), (status, b"", b""))
            for name in ("content-type", "content-length"):
                self.assertEqual(head.headers[name], get.headers[name])
        self.flushLoggedErrors(KeyError)

    def test_a_wrong_parameter_is_400_by_its_name(self) -> None:
        answer = self.browser.get("/wrong")
        self.assertEqual(
            (answer.status, answer.json),
            (400, {"error": {"code": "parameter", "message": "limit: 'x' is wrong: use a number"}}),
        )

    def test_503_says_when_to_try_again(self) -> None:
        answer = self.browser.get("/full")
        self.assertEqual((answer.status, answer.headers["retry-after"]), (503, "7"))
        self.assertEqual(answer.json, {"error": {"code": "busy", "message": "try again"}})

    def test_a_fault_of_ours_is_logged_and_is_500_without_its_details(self) -> None:
        answer = self.browser.get("/broken")
        self.assertEqual((answer.status, answer.json["error"]["code"]), (500, "internal"))
        self.assertNotIn("secret", answer.body.decode())
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertEqual(self.browser.get("/api/stats").status, 200)

    def test_a_host_or_origin_that_is_not_allowed_is_403(self) -> None:
        for headers, code in (
            ({"Host": "evil.example"}, "host"),
            ({"Host": "-"}, "host"),
            ({"Host": ""}, "host"),
            ({"Host": "\xff\xfe"}, "host"),
            ({"Origin": "http://evil.example"}, "origin"),
            ({"Origin": "null"}, "origin"),
            ({"Origin": ""}, "origin"),
            ({"Origin": "http://\xff"}, "origin"),
        ):
            for path in ("/api/stats", "/nowhere"):
                answer = self.browser.get(path, **headers)
                self.assertEqual((answer.status, answer.json["error"]["code"]), (403, code), headers)
                self.assertNotIn("access-control-allow-origin", answer.headers)
            self.assertIn("--allowed-", answer.json["error"]["message"])

    def test_refusals_are_counted_by_reason(self) -> None:
        for path, headers in (("/x", {}), ("/full", {}), ("/full", {}), ("/x", {"Host": "evil"})):
            self.browser.get(path, **headers)
        self.assertEqual(self.admission.refusals, {"not_found": 1, "busy": 2, "host": 1})

    def test_an_allowed_origin_may_read_the_answer(self) -> None:
        for origin in ("http://localhost:3000", "http://localhost:9090"):
            for path, status in (("/api/stats", 200), ("/wrong", 400), ("/nowhere", 404)):
                answer = self.browser.get(path, Origin=origin)
                self.assertEqual((answer.status, answer.headers["access-control-allow-origin"]), (status, origin))
                self.assertEqual(answer.headers["vary"], "Origin")
        self.assertNotIn("access-control-allow-origin", self.browser.get("/api/stats").headers)

    def test_a_preflight_of_an_allowed_origin_is_204(self) -> None:
        self.browser.ask("/api/stats", "OPTIONS", Origin="http://localhost:3000", Access_Control_Request_Method="GET")
        answer = self.browser.heard()
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(answer.headers["access-control-allow-headers"], "authorization, accept")
        self.assertEqual(answer.headers["access-control-allow-origin"], "http://localhost:3000")
        self.assertIn("GET", answer.headers["access-control-allow-methods"])
        self.assertNotIn("content-length", answer.headers, "RFC 9110, 8.6")
        self.assertEqual(self.browser.get("/api/stats").status, 200, "the connection goes on")

    def test_a_preflight_of_another_origin_is_403(self) -> None:
        self.browser.ask("/api/stats", "OPTIONS", Origin="http://evil.example")
        answer = self.browser.heard()
        self.assertEqual((answer.status, answer.json["error"]["code"]), (403, "origin"))

    def test_a_body_of_any_size_is_ignored_and_not_kept(self) -> None:
        chunk = b"x" * 65_536
        for head, wrap in (
            (b"Content-Length: %d" % (len(chunk) * 400), lambda data: data),
            (b"Transfer-Encoding: chunked", lambda data: b"%x\r\n%s\r\n" % (len(data), data)),
        ):
            self.browser.send(b"POST /api/stats HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n")
            tracemalloc.start()
            try:
                for _ in range(400):
                    self.browser.send(wrap(chunk))
                kept = tracemalloc.get_traced_memory()[0]
            finally:
                tracemalloc.stop()
            self.assertLess(kept, 1 << 20)
            if b"chunked" in head:
                self.browser.send(b"0\r\n\r\n")
            self.assertEqual(self.browser.heard().status, 405)

    def test_a_form_is_no_parameter_and_no_reason_to_fail(self) -> None:
        for kind in (
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "multipart/form-data",
            ";",
        ):
            self.browser.ask("/api/stats", "POST", b"from=x", Content_Type=kind)
            self.assertEqual(self.browser.heard().status, 405)

    def test_a_get_with_a_body_is_a_get(self) -> None:
        self.browser.ask("/api/stats", body=b'{"a":1}')
        self.assertEqual(self.browser.heard().status, 200)

    def test_requests_on_one_connection_are_answered_in_order(self) -> None:
        for path in ("/api/stats", "/nowhere"):
            self.browser.ask(path)
        raw = self.browser.transport.value()
        self.assertLess(raw.index(b"200 OK"), raw.index(b"404 Not Found"))

    def test_a_request_that_does_not_end_is_given_up_however_it_drips(self) -> None:
        self.browser.send(b"GET /api/stats HTTP/1.1\r\n")
        for second in range(HEADERS_TIMEOUT_S - 1):
            self.clock.advance(1)
            self.browser.send(b"X-%d: y\r\n" % second)
        self.assertFalse(self.browser.transport.is_gone)
        self.clock.advance(1)
        self.assertTrue(self.browser.transport.is_gone)

    def test_a_body_that_does_not_end_is_given_up_however_it_drips(self) -> None:
        self.browser.send(b"POST /api/stats HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(REQUEST_TIMEOUT_S - 1):
            self.clock.advance(1)
            self.browser.send(b"x")
        self.assertFalse(self.browser.transport.is_gone)
        self.clock.advance(1)
        self.assertTrue(self.browser.transport.is_gone)

    def test_a_connection_on_which_nothing_is_asked_is_given_up(self) -> None:
        self.clock.advance(HEADERS_TIMEOUT_S - 1)
        self.browser.get("/api/stats")
        self.clock.advance(REQUEST_TIMEOUT_S - 1)
        self.assertFalse(self.browser.transport.is_gone)
        self.clock.advance(1)
        self.assertTrue(self.browser.transport.is_gone)
        silent = Browser(self.root, self.clock)
        self.clock.advance(HEADERS_TIMEOUT_S)
        self.assertTrue(silent.transport.is_gone)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_next_request_on_a_connection_may_not_drip_either(self) -> None:
        self.browser.get("/api/stats")
        self.clock.advance(REQUEST_TIMEOUT_S - 1)
        self.browser.send(b"GET ")
        self.clock.advance(HEADERS_TIMEOUT_S - 1)
        self.browser.send(b"/api")
        self.assertFalse(self.browser.transport.is_gone)
        self.clock.advance(1)
        self.assertTrue(self.browser.transport.is_gone)

    def test_a_header_that_goes_on_in_the_next_line_is_refused(self) -> None:
        self.browser.send(b"GET /api/stats HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n")
        self.assertEqual(self.browser.heard().status, 400)

    def test_too_many_parameters_are_400(self) -> None:
        for mark in "&;":
            self.assertEqual(self.browser.get("/api/stats?" + mark.join(["a=1"] * MAX_PARAMETERS)).status, 200)
            answer = self.browser.get("/api/stats?" + mark.join(["a=1"] * (MAX_PARAMETERS + 1)))
            self.assertEqual((answer.status, answer.json["error"]["code"]), (400, "parameter"))
            self.assertIn(f"over {MAX_PARAMETERS} parameters", answer.json["error"]["message"])

    def test_what_is_no_http_is_refused_and_closed(self) -> None:
        for raw in (b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"GET\r\n\r\n"):
            browser = Browser(self.root, self.clock)
            browser.send(raw)
            self.assertTrue(browser.transport.value().startswith(b"HTTP/1.1 400 "), browser.transport.value())
            self.assertTrue(browser.transport.is_gone)

    def test_a_request_line_for_ten_thousand_nodes_fits(self) -> None:
        nodes = ",".join(str(2**32 - 1 - number) for number in range(10_000))
        self.assertGreater(len(nodes), 100_000)
        self.assertEqual(self.browser.get(f"/api/stats?nodes={nodes}").status, 200)

    def test_headers_that_are_too_long_are_refused_and_closed(self) -> None:
        line = b"GET /" + b"x" * MAX_HEADER_BYTES
        many = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (at, b"y" * 1_000) for at in range(200))
        for raw in (line, line + b" HTTP/1.1\r\n\r\n", many):
            browser = Browser(self.root, self.clock)
            browser.send(raw)
            status = browser.transport.value().split()[1]
            self.assertIn(status, (b"400", b"431"))
            self.assertTrue(browser.transport.is_gone)

    def test_http_1_0_is_answered_too(self) -> None:
        self.browser.send(b"GET /api/stats HTTP/1.0\r\nHost: localhost\r\n\r\n")
        self.assertEqual(self.browser.heard().status, 200)
        self.assertTrue(self.browser.transport.is_gone)
