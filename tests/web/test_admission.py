"""Tests of ``vizd.web.admission``."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.web.admission import Admission, Refused, parse_host, parse_origin


class HostTests(SynchronousTestCase):
    """Names that the daemon may be called by."""

    def allowed(self, admission: Admission, header: str | None, local: str = "127.0.0.1") -> bool:
        try:
            admission.check_host(header, local)
        except Refused as why:
            self.assertEqual((why.status, why.code), (403, "host"))
            return False
        return True

    def assert_allowed(self, admission: Admission, *headers: str | None, local: str = "127.0.0.1") -> None:
        for header in headers:
            self.assertTrue(self.allowed(admission, header, local), header)

    def assert_refused(self, admission: Admission, *headers: str | None, local: str = "127.0.0.1") -> None:
        for header in headers:
            self.assertFalse(self.allowed(admission, header, local), header)

    def test_this_machine_is_allowed_on_any_port_in_any_case(self) -> None:
        self.assert_allowed(
            Admission(), "localhost", "localhost:9090", "LocalHost:1", "localhost.", "127.0.0.1", "127.0.0.1:80",
            "[::1]", "[::1]:9090", "localhost:",
        )  # fmt: skip

    def test_other_names_are_not(self) -> None:
        self.assert_refused(
            Admission(), None, "", "evil.example", "evil.example:9090", "localhost.evil.example", "xlocalhost",
            "127.0.0.1.evil.example", "127.0.0.2", "10.0.0.1", "[::2]", "0.0.0.0", "[::]", "::1", "127.1",
        )  # fmt: skip

    def test_what_is_no_host_is_not(self) -> None:
        self.assert_refused(
            Admission(), "user@localhost", "localhost/", "localhost?", "localhost#", "local host", " localhost",
            "localhost:99999", "localhost:-1", "localhost:x", "localhost:80:80", "[::1", "::1]", "[::1]x",
            "[localhost]", ":9090", "@", "//localhost", "localhost\\evil.example", "localhost,evil.example",
            "\x00", "http://localhost",
            "localhost\t", "l\u00f6calhost", "\uff4cocalhost",
        )  # fmt: skip

    def test_the_interfaces_own_address_is(self) -> None:
        admission = Admission(interfaces=["10.1.2.3", "fd00::7"])
        self.assert_allowed(admission, "10.1.2.3:9090", "[fd00::7]:9090", "[FD00::7]", "localhost")
        self.assert_refused(admission, "10.1.2.4", "[fd00::8]", local="10.1.2.4")

    def test_on_all_interfaces_it_is_the_address_that_the_request_came_to(self) -> None:
        for wildcard in ("0.0.0.0", "::"):
            admission = Admission(interfaces=[wildcard])
            self.assert_allowed(admission, "10.1.2.3", "10.1.2.3:9090", local="10.1.2.3")
            self.assert_allowed(admission, "10.1.2.3", "10.1.2.3:9090", local="::ffff:10.1.2.3")
            self.assert_allowed(admission, "[fd00::7]:1", "[FD00:0::7]:1", local="fd00::7")
            self.assert_refused(admission, "10.1.2.4", "evil.example", "", local="10.1.2.3")
            self.assert_refused(admission, "evil.example", "10.1.2.3", "", local="")

    def test_without_a_wildcard_the_address_that_it_came_to_does_not_count(self) -> None:
        self.assert_refused(Admission(interfaces=["127.0.0.1"]), "10.1.2.3", local="10.1.2.3")

    def test_more_names_can_be_allowed_on_any_port(self) -> None:
        admission = Admission(hosts=frozenset({"vizd.example"}))
        self.assert_allowed(admission, "vizd.example", "VIZD.example:8443", "vizd.example.", "localhost")
        self.assert_refused(admission, "x.vizd.example", "vizd.example.com")

    @settings(deadline=None)
    @given(st.text(max_size=40))
    def test_any_text_is_allowed_or_refused(self, header: str) -> None:
        self.allowed(Admission(interfaces=["0.0.0.0"]), header, "10.1.2.3")


class OriginTests(SynchronousTestCase):
    """Pages that may send requests."""

    def allowed(self, admission: Admission, origin: str | None, host: str | None = "localhost:9090") -> bool:
        try:
            admission.check_origin(origin, host)
        except Refused as why:
            self.assertEqual((why.status, why.code), (403, "origin"))
            return False
        return True

    def assert_allowed(self, admission: Admission, *origins: str | None, host: str | None = "localhost:9090") -> None:
        for origin in origins:
            self.assertTrue(self.allowed(admission, origin, host), origin)

    def assert_refused(self, admission: Admission, *origins: str | None, host: str | None = "localhost:9090") -> None:
        for origin in origins:
            self.assertFalse(self.allowed(admission, origin, host), origin)

    def test_a_request_without_one_is_allowed(self) -> None:
        self.assert_allowed(Admission(), None)
        self.assert_allowed(Admission(origins=frozenset()), None, host=None)

    def test_by_default_pages_of_this_machine_are_on_any_port(self) -> None:
        self.assert_allowed(
            Admission(), "http://localhost", "https://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:8080",
            "https://[::1]", "HTTP://LOCALHOST:1",
        )  # fmt: skip

    def test_others_are_not(self) -> None:
        self.assert_refused(
            Admission(), "http://evil.example", "https://localhost.evil.example", "http://127.0.0.2", "null", "",
            "file://", "file:///localhost", "ws://localhost", "chrome-extension://abc", "localhost", "//localhost",
            "http://localhost/", "http://localhost/x", "http://user@localhost", "http://", "http://localhost:99999",
            "http://localhost http://evil.example", "http:localhost", "http://[::1", "data:text/html,x", "https://\x00",
        )  # fmt: skip

    def test_the_daemons_own_page_is(self) -> None:
        self.assert_allowed(Admission(), "http://10.1.2.3:9090", host="10.1.2.3:9090")
        self.assert_allowed(Admission(origins=frozenset()), "http://10.1.2.3:9090", host="10.1.2.3:9090")
        self.assert_allowed(Admission(), "http://vizd.example", host="vizd.example")
        self.assert_allowed(Admission(), "http://vizd.example", host="vizd.example:80")
        self.assert_allowed(Admission(), "https://vizd.example", host="vizd.example:443")
        self.assert_allowed(Admission(), "https://vizd.example:443", host="VIZD.example")
        self.assert_allowed(Admission(), "https://vizd.example", host="vizd.example")
        self.assert_allowed(Admission(), "http://[fd00::7]:9090", host="[fd00::7]:9090")

    def test_another_port_or_host_is_another_origin(self) -> None:
        self.assert_refused(
            Admission(), "http://10.1.2.3:9091", "http://10.1.2.3", "http://10.1.2.4:9090", host="10.1.2.3:9090"
        )
        self.assert_refused(Admission(), "https://vizd.example", host="vizd.example:80")
        for host in ("", None, "[", "http://evil.example"):
            self.assert_refused(Admission(), "http://evil.example", host=host)

    def test_a_list_of_origins_replaces_those_of_this_machine(self) -> None:
        admission = Admission(origins=frozenset({parse_origin("https://dash.example"), parse_origin("http://a:81")}))
        self.assert_allowed(admission, "https://dash.example", "https://DASH.example:443", "http://a:81")
        self.assert_refused(
            admission, "http://dash.example", "https://dash.example:444", "https://x.dash.example", "http://a",
            "http://localhost:3000", "null",
        )  # fmt: skip
        self.assert_allowed(admission, "http://localhost:9090")

    @settings(deadline=None)
    @given(st.text(max_size=40), st.text(max_size=20))
    def test_any_text_is_allowed_or_refused(self, origin: str, host: str) -> None:
        self.allowed(Admission(), origin, host)
        self.allowed(Admission(), f"http://{origin}", host)


class ParseTests(SynchronousTestCase):
    """Values of options, so a mistake is told."""

    def test_a_host_is_taken_without_port_and_brackets_in_lower_case(self) -> None:
        for text, right in (("A.example", "a.example"), ("a:80", "a"), ("[FD00::7]:80", "fd00::7"), ("a.", "a")):
            self.assertEqual(parse_host(text), right)

    def test_an_origin_has_the_port_of_its_scheme(self) -> None:
        for text, right in (
            ("http://a", ("http", "a", 80)),
            ("https://A.example", ("https", "a.example", 443)),
            ("http://[::1]:81", ("http", "::1", 81)),
        ):
            self.assertEqual(parse_origin(text), right)

    def test_a_name_that_is_not_ascii_is_asked_for_as_browsers_send_it(self) -> None:
        for parse, text in ((parse_host, "b\u00fccher.example"), (parse_origin, "https://b\u00fccher.example")):
            with self.assertRaises(ValueError) as raised:
                parse(text)
            self.assertIn("xn--", str(raised.exception))
        self.assertEqual(parse_host("xn--bcher-kva.example"), "xn--bcher-kva.example")

    def test_what_is_neither_is_told(self) -> None:
        for parse, text in ((parse_host, "http://a"), (parse_origin, "a.example"), (parse_origin, "http://a/b")):
            with self.assertRaises(ValueError) as raised:
                parse(text)
            self.assertIn(repr(text)[1:-1].rpartition("//")[2], str(raised.exception))
