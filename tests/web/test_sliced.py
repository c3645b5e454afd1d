"""Tests of ``vizd.web.sliced``, over a transport that is a string."""

import gzip
import json
from collections.abc import Iterator

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.web.wire import Browser, step
from vizd.web.admission import Admission
from vizd.web.query import Query
from vizd.web.site import Root, gzipped
from vizd.web.sliced import SlicedEndpoint
from vizd.web.turns import Turns


class Counted(SlicedEndpoint):
    """An array of numbers, each a slice; it tells how many were made."""

    made = 0

    def slices(self, query: Query) -> Iterator[bytes]:
        """See ``SlicedEndpoint``."""
        from_ms, to_ms = query.range_ms()
        return self._numbers(from_ms or 0, 10 if to_ms is None else to_ms)

    def _numbers(self, begin: int, end: int) -> Iterator[bytes]:
        yield b"["
        for number in range(begin, end):
            self.made += 1
            if number == 666:
                raise OSError("the disk is gone")
            yield b""
            yield b"%d," % number
        yield b"null]"


class SlicedEndpointTests(SynchronousTestCase):
    """Answers slice by slice."""

    def setUp(self) -> None:
        self.clock = Clock()
        admission = Admission()
        self.root = Root(admission)
        self.endpoint = Counted(admission, Turns(self.clock))
        self.root.add("/api/numbers", gzipped(self.endpoint))

    def ask(self, query: str = "", method: str = "GET", **headers: str) -> Browser:
        browser = Browser(self.root, self.clock)
        browser.ask(f"/api/numbers?{query}", method, **headers)
        return browser

    def test_all_slices_together_are_the_answer(self) -> None:
        browser = self.ask("from=3&to=6")
        self.clock.advance(0)
        answer = browser.heard()
        self.assertEqual((answer.status, answer.json, answer.is_whole), (200, [3, 4, 5, None], True))
        self.assertEqual(answer.headers["content-type"], "application/json")

    def test_it_is_gzipped_for_whoever_asks(self) -> None:
        browser = self.ask("to=500", **{"Accept-Encoding": "gzip"})
        self.clock.advance(0)
        answer = browser.heard()
        self.assertEqual(answer.headers["content-encoding"], "gzip")
        self.assertEqual(json.loads(gzip.decompress(answer.body)), [*range(500), None])

    def test_head_makes_nothing(self) -> None:
        answer = self.ask(method="HEAD").heard(to_head=True)
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "application/json"))
        self.assertEqual((answer.rest, self.endpoint.made), (b"", 0))

    def test_a_wrong_range_is_400_by_name_before_anything_is_made(self) -> None:
        for query, name in (("from=x", "from"), ("to=-1", "to"), ("from=2&to=1", "from")):
            answer = self.ask(query).heard()
            self.assertEqual((answer.status, answer.json["error"]["code"]), (400, "parameter"))
            self.assertTrue(answer.json["error"]["message"].startswith(f"{name}: "), answer.json)
        self.assertEqual(self.endpoint.made, 0)

    def test_of_all_answers_one_slice_is_made_a_turn(self) -> None:
        browsers = [self.ask("to=50") for _ in range(3)]
        while not all(browser.transport.value().endswith(b"0\r\n\r\n") for browser in browsers):
            before = self.endpoint.made
            step(self.clock)
            self.assertLessEqual(self.endpoint.made, before + 1)
        self.assertEqual([len(browser.heard().json) for browser in browsers], [51] * 3)

    def test_while_the_client_takes_nothing_nothing_is_made(self) -> None:
        browser = self.ask("to=50")
        step(self.clock)
        browser.transport.producer.pauseProducing()
        self.clock.advance(0)
        made = self.endpoint.made
        self.clock.advance(3_600)
        self.assertEqual((self.endpoint.made, made < 3), (made, True))
        browser.transport.producer.resumeProducing()
        self.clock.advance(0)
        self.assertEqual(len(browser.heard().json), 51)

    def test_a_client_that_goes_ends_the_work_wherever_it_is(self) -> None:
        for is_full in (False, True):
            browser = self.ask("to=50")
            step(self.clock)
            if is_full:
                browser.transport.producer.pauseProducing()
                step(self.clock)
            browser.transport.gone()
            made = self.endpoint.made
            self.clock.advance(1)
            self.assertEqual((self.endpoint.made, self.clock.getDelayedCalls()), (made, []))

    def test_a_failure_after_the_200_breaks_off_and_is_logged(self) -> None:
        browser = self.ask("from=660&to=700")
        self.clock.advance(0)
        self.assertTrue(browser.transport.is_gone)
        self.assertFalse(browser.heard().is_whole)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
