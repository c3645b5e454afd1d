"""Tests of ``vizd.web.page``: the files as a browser asks for them, over HTTP."""

import gzip
import http.client
import re
from contextlib import closing
from pathlib import Path
from urllib.parse import urljoin

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import TIMEOUT_S, Daemon
from tests.web.wire import Answer, Browser
from vizd.web.admission import Admission
from vizd.web.page import FOLDER, page_files
from vizd.web.site import Root

INDEX = b"<!doctype html><title>NoriKV</title>" + b"<p>a page</p>" * 50
SCRIPT = "export const unit = 'µs'\n".encode()
MAX_SENT_BYTES = 100_000
"""Of the whole page, compressed."""


class FilesTests(SynchronousTestCase):
    """Files of a folder that the test has made."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.write("index.html", INDEX)
        self.write("main.js", SCRIPT)
        self.write("draw/hatch.js", b"export {}\n")
        self.write("page.css", b"body { margin: 0 }\n")
        self.admission = Admission()
        self.browser = self.browse()

    def write(self, name: str, content: bytes) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def browse(self) -> Browser:
        root = Root(self.admission)
        for path, file in page_files(self.admission, self.folder).items():
            root.add(path, file)
        return Browser(root)

    def test_the_index_is_at_the_root_and_each_file_under_static(self) -> None:
        for path, content, content_type in (
            ("/", INDEX, "text/html; charset=utf-8"),
            ("/static/main.js", SCRIPT, "text/javascript; charset=utf-8"),
            ("/static/draw/hatch.js", b"export {}\n", "text/javascript; charset=utf-8"),
            ("/static/page.css", b"body { margin: 0 }\n", "text/css; charset=utf-8"),
        ):
            answer = self.browser.get(path)
            self.assertEqual((answer.status, answer.body), (200, content), path)
            self.assertEqual(answer.headers["content-type"], content_type)

    def test_a_query_is_the_pages_own_matter(self) -> None:
        self.assertEqual(self.browser.get("/?at=1765000000000&node=3").body, INDEX)

    def test_every_other_path_is_404_in_json(self) -> None:
        self.write("later.js", b"")
        self.write("notes.txt", b"")
        (self.folder.parent / "secret.js").write_bytes(b"secret")
        for path in (
            "/index.html", "/static", "/static/", "/static/index.html", "/static/draw", "/main.js", "/static/notes.txt",
            "/static/later.js", "/static/../secret.js", "/static/%2e%2e/secret.js", "/static/..%2fsecret.js",
            "/static/draw/../main.js", "/static//main.js", "//static/main.js", "/static/main.js/", "/static/main.js%00",
        ):  # fmt: skip
            answer = self.browser.get(path)
            self.assertEqual((answer.status, answer.json["error"]["code"]), (404, "not_found"), path)
            self.assertIn(" see /, ", answer.json["error"]["message"])

    def test_a_file_of_an_unknown_type_is_not_part_of_the_page(self) -> None:
        self.write("main.js~", b"")
        self.write("README", b"")
        self.assertEqual(
            set(page_files(self.admission, self.folder)),
            {"/", "/static/main.js", "/static/draw/hatch.js", "/static/page.css"},
        )

    def test_it_is_compressed_for_whoever_takes_that(self) -> None:
        packed = self.browser.get("/", Accept_Encoding="br, gzip")
        self.assertEqual(packed.headers["content-encoding"], "gzip")
        self.assertEqual(gzip.decompress(packed.body), INDEX)
        self.assertLess(len(packed.body), len(INDEX))
        self.assertIn("accept-encoding", packed.headers["vary"].lower())
        for taken in ({}, {"Accept_Encoding": "br"}, {"Accept_Encoding": "gzip;q=0"}):
            plain = self.browser.get("/", **taken)
            self.assertEqual(plain.body, INDEX)
            self.assertNotIn("content-encoding", plain.headers)

    def test_a_file_that_the_browser_has_is_304_with_the_headers_and_no_body(self) -> None:
        for encoding in ("identity", "gzip"):
            first = self.browser.get("/", Accept_Encoding=encoding)
            tag = first.headers["etag"]
            for known in (tag, f"W/{tag}", f'"other", {tag}', f'{tag},"other"', "*"):
                again = self.again(known, encoding)
                self.assertEqual((again.status, again.headers["etag"]), (304, tag), known)
                for name in ("cache-control", "content-security-policy", "vary"):
                    self.assertEqual(again.headers[name], first.headers[name])
                self.assertNotIn("transfer-encoding", again.headers)
                self.assertNotIn("content-length", again.headers)
            self.assertEqual(self.browser.get("/", Accept_Encoding=encoding, If_None_Match='"other"').status, 200)

    def again(self, known: str, encoding: str) -> Answer:
        self.browser.ask("/", If_None_Match=known, Accept_Encoding=encoding)
        return self.browser.heard(to_head=True)

    def test_an_etag_names_the_bytes_as_they_are_sent(self) -> None:
        plain, packed = (self.browser.get("/", Accept_Encoding=each).headers["etag"] for each in ("identity", "gzip"))
        self.assertNotEqual(plain, packed)
        self.assertRegex(plain, r'^"[0-9a-f]{32}"$')
        self.assertNotEqual(self.browser.get("/static/main.js").headers["etag"], plain)
        self.assertEqual(self.again(plain, "identity").status, 304)
        self.assertEqual(self.browse().get("/").headers["etag"], plain, "the same content after a restart")
        self.write("index.html", INDEX + b"!")
        self.assertNotEqual(self.browse().get("/").headers["etag"], plain)

    def test_a_browser_asks_each_time_and_trusts_nothing_from_elsewhere(self) -> None:
        for path in ("/", "/static/main.js"):
            headers = self.browser.get(path).headers
            self.assertEqual(headers["cache-control"], "no-cache")
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["referrer-policy"], "no-referrer")
            policy = dict(each.strip().split(" ", 1) for each in headers["content-security-policy"].split(";"))
            self.assertEqual(
                policy,
                {
                    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "connect-src": "'self'",
                    "img-src": "'self' data:", "base-uri": "'none'", "form-action": "'none'",
                    "frame-ancestors": "'none'",
                },
            )  # fmt: skip

    def test_head_has_the_headers_of_get_and_no_body(self) -> None:
        for encoding in ("identity", "gzip"):
            get = self.browser.get("/", Accept_Encoding=encoding)
            self.browser.ask("/", "HEAD", Accept_Encoding=encoding)
            head = self.browser.heard(to_head=True)
            self.assertEqual((head.status, head.body, head.rest), (200, b"", b""))
            for name in ("content-type", "content-length", "etag", "vary"):
                self.assertEqual(head.headers[name], get.headers[name])

    def test_a_post_is_405(self) -> None:
        self.browser.ask("/", "POST", body=b"x")
        self.assertEqual(self.browser.heard().status, 405)

    def test_a_host_that_is_not_allowed_gets_nothing_of_it(self) -> None:
        for headers, code in (({"Host": "evil.example"}, "host"), ({"Origin": "http://evil.example"}, "origin")):
            answer = self.browser.get("/", **headers)
            self.assertEqual((answer.status, answer.json["error"]["code"]), (403, code))
            self.assertEqual(answer.headers["cache-control"], "no-store")


class BuiltInTests(SynchronousTestCase):
    """The page that the daemon has."""

    def test_all_of_it_is_small_as_sent(self) -> None:
        sent = [len(gzip.compress(file.read_bytes(), 9)) for file in FOLDER.rglob("*") if file.is_file()]
        self.assertLess(sum(sent), MAX_SENT_BYTES)

    def test_every_file_of_its_folder_is_served(self) -> None:
        files = {file.name for file in FOLDER.rglob("*") if file.is_file()} - {"package.json"}  # That is for node.
        self.assertEqual(len(page_files(Admission())), len(files))

    def test_every_module_is_asked_for_at_once_and_not_when_another_names_it(self) -> None:
        named = re.findall(r'(?:src|href)="static/([^"]+\.js)"', (FOLDER / "index.html").read_text())
        self.assertEqual(sorted(named), sorted(file.name for file in FOLDER.glob("*.js")))

    def test_the_daemon_serves_it_and_all_that_it_names(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.kill)
        with closing(http.client.HTTPConnection("127.0.0.1", daemon.http_port, timeout=TIMEOUT_S)) as connection:

            def get(path: str, **headers: str) -> tuple[int, bytes]:
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
                return response.status, response.read()

            status, index = get("/")
            self.assertEqual((status, index), (200, (FOLDER / "index.html").read_bytes()))
            named = re.findall(r'(?:src|href)="([^"#:]+)"', index.decode())
            self.assertTrue([each for each in named if each.endswith(".js")], named)
            for path in named:
                self.assertEqual(get(urljoin("/", path))[0], 200, path)
            # A client that does not tidy up its paths.
            self.assertEqual(get("/static/../page.py")[0], 404)
            self.assertEqual(get("/static/%2e%2e/page.py")[0], 404)
        self.assertEqual(daemon.end(), 0)
