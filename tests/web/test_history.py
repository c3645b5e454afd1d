"""Tests of ``vizd.web.history``, over a transport that is a string."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import msgpack
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.stream.made import draft, fsyncs, made
from tests.web.wire import Answer, Browser, step
from vizd.log.memory import MemoryLog
from vizd.log.window import Page, PageLimits
from vizd.stream.history import ReadSlots
from vizd.web.admission import Admission
from vizd.web.history import HistoryEndpoint
from vizd.web.site import Root, gzipped
from vizd.web.turns import Turns


class SlowLog(MemoryLog):
    """One whose past takes a while to be read, as it is on a disk; and that tells how often it was."""

    def __init__(self, max_age_ms: int = 3_600_000) -> None:
        super().__init__("test", max_age_ms, 1 << 30)
        self.reads = 0
        self.wait: Deferred[None] | None = None

    async def read(self, *arguments: Any) -> Page:
        self.reads += 1
        if self.wait is not None:
            await self.wait
        return await super().read(*arguments)


class HistoryEndpointTests(SynchronousTestCase):
    """``GET /api/history``."""

    def setUp(self) -> None:
        self.slots = ReadSlots()
        self.clock = Clock()
        self.serve(SlowLog())

    def serve(self, log: SlowLog) -> None:
        self.log = log
        admission = Admission()
        self.root = Root(admission)
        self.root.add("/api/history", gzipped(HistoryEndpoint(admission, log, self.slots, Turns(self.clock))))

    def fill(self, windows: int = 10, events: int = 2) -> None:
        """A window at 1,000 ms and every 100 ms from there; every third is empty."""
        for number in range(windows):
            content = [] if number % 3 == 2 else [*fsyncs(events - 1, first=number), made("Swim.Alive", node=number)]
            self.log.append(draft(1_000 + 100 * number, content, 100))

    def turn(self) -> None:
        """Let the reactor do all that it has to do now."""
        self.clock.advance(0)

    def ask(self, query: str = "", method: str = "GET", **headers: str) -> Browser:
        browser = Browser(self.root, self.clock)
        browser.ask(f"/api/history?{query}", method, **headers)
        return browser

    def get(self, query: str = "", **headers: str) -> Answer:
        browser = self.ask(query, **headers)
        self.turn()
        return browser.heard()

    def starts(self, query: str = "") -> list[int]:
        return [batch["window_start"] for batch in self.get(query).json["batches"]]

    def test_it_says_the_same_in_the_form_that_is_asked_for(self) -> None:
        self.fill()
        said = self.get().json
        lines = self.get(Accept="application/x-ndjson")
        self.assertEqual(lines.headers["content-type"], "application/x-ndjson")
        maps = [*said["batches"], {"total_events": said["total_events"], "next_from": None}]
        self.assertEqual([json.loads(line) for line in lines.body.splitlines()], maps)
        packed = self.get(Accept="application/msgpack")
        self.assertEqual(packed.headers["content-type"], "application/msgpack")
        unpacker = msgpack.Unpacker()
        unpacker.feed(packed.body)
        self.assertEqual(list(unpacker), maps)

    def test_it_is_gzipped_for_whoever_asks(self) -> None:
        self.fill(100)
        plain = self.get()
        packed = self.get(**{"Accept-Encoding": "gzip, deflate"})
        self.assertEqual(packed.headers["content-encoding"], "gzip")
        self.assertNotIn("content-encoding", plain.headers)
        self.assertEqual(gzip.decompress(packed.body), plain.body)
        self.assertLess(len(packed.body), len(plain.body) / 4)
        wrong = self.get("from=x", **{"Accept-Encoding": "gzip"})
        self.assertEqual((wrong.status, json.loads(gzip.decompress(wrong.body))["error"]["code"]), (400, "parameter"))

    def test_it_is_one_json_value_of_windows_with_events_oldest_first(self) -> None:
        self.fill()
        answer = self.get()
        said = answer.json
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "application/json"))
        self.assertEqual(list(said), ["batches", "gaps", "total_events", "next_from"])
        self.assertEqual(
            [batch["window_start"] for batch in said["batches"]], [1_000, 1_100, 1_300, 1_400, 1_600, 1_700, 1_900]
        )
        self.assertEqual((said["gaps"], said["total_events"], said["next_from"]), ([], 14, None))
        first = said["batches"][0]
        self.assertEqual(list(first), ["window_start", "window_end", "events", "summary"])
        self.assertEqual((first["window_end"], len(first["events"])), (1_100, 2))
        self.assertEqual(
            {name: count for name, count in first["summary"].items() if count}, {"wal_count": 1, "swim_count": 1}
        )

    def test_an_empty_log_is_an_empty_history(self) -> None:
        self.assertEqual(self.get().body, b'{"batches":[],"gaps":[],"total_events":0,"next_from":null}')

    def test_a_window_belongs_to_the_range_by_its_start(self) -> None:
        self.fill()
        for query, right in (
            ("from=1100&to=1400", [1_100, 1_300]),
            ("from=1101&to=1401", [1_300, 1_400]),
            ("to=1001", [1_000]),
            ("from=1900", [1_900]),
            ("from=1901", []),
            ("to=1000", []),
            ("from=1100&to=1100", []),
            (f"from=0&to={2**64 - 1}", [1_000, 1_100, 1_300, 1_400, 1_600, 1_700, 1_900]),
        ):
            self.assertEqual(self.starts(query), right, query)

    def test_a_limit_ends_at_a_windows_border_and_says_where_to_go_on(self) -> None:
        self.fill()
        for limit, right, following in (
            (1, [1_000], 1_100),
            (2, [1_000], 1_100),
            (3, [1_000], 1_100),
            (4, [1_000, 1_100], 1_300),
            (13, [1_000, 1_100, 1_300, 1_400, 1_600, 1_700], 1_900),
            (14, [1_000, 1_100, 1_300, 1_400, 1_600, 1_700, 1_900], None),
            (2**64 - 1, [1_000, 1_100, 1_300, 1_400, 1_600, 1_700, 1_900], None),
        ):
            said = self.get(f"limit={limit}").json
            self.assertEqual([batch["window_start"] for batch in said["batches"]], right, limit)
            self.assertEqual((said["next_from"], said["total_events"]), (following, 2 * len(right)))

    def test_going_on_from_next_from_gives_the_whole(self) -> None:
        self.fill(1_000)
        for query in ("limit=7", "limit=500", "limit=3&types=wal", "limit=1&nodes=3,4,700"):
            whole = self.starts(query.partition("&")[2])
            pieces, following = [], 0
            while following is not None:
                said = self.get(f"from={following}&{query}").json
                self.assertTrue(said["batches"], "one window at least")
                pieces += [batch["window_start"] for batch in said["batches"]]
                following = said["next_from"]
            self.assertEqual(pieces, whole)

    def test_a_filter_holds_for_events_summaries_and_counts(self) -> None:
        self.fill()
        said = self.get("types=SWIM&nodes=3,4").json
        self.assertEqual([batch["window_start"] for batch in said["batches"]], [1_300, 1_400])
        self.assertEqual([len(batch["events"]) for batch in said["batches"]], [1, 1])
        self.assertEqual((said["total_events"], said["batches"][0]["summary"]["wal_count"]), (2, 0))

    def test_what_is_wrong_is_400_by_name_and_takes_no_slot(self) -> None:
        for query, name in (
            ("from=x", "from"), ("to=-1", "to"), ("limit=0", "limit"), ("types=waal", "types"), ("nodes=x", "nodes"),
            ("shards=-1", "shards"), ("from=2&to=1", "from"),
        ):  # fmt: skip
            answer = self.get(query)
            self.assertEqual((answer.status, answer.json["error"]["code"]), (400, "parameter"), query)
            self.assertTrue(answer.json["error"]["message"].startswith(f"{name}: "), answer.json)
        self.assertEqual(self.slots.taken, 0)

    def test_head_reads_nothing(self) -> None:
        self.fill()
        head = self.ask(method="HEAD").heard(to_head=True)
        self.assertEqual((head.status, head.headers["content-type"], head.rest), (200, "application/json", b""))
        self.assertEqual((self.log.reads, self.slots.taken), (0, 0))

    def test_it_is_the_log_as_it_stood_at_the_request(self) -> None:
        self.fill(600)
        browser = self.ask()
        self.log.append(draft(10**6, fsyncs(1)))
        self.turn()
        self.assertEqual(browser.heard().json["batches"][-1]["window_start"], 1_000 + 100 * 598 + 100 * 0)

    def test_other_things_happen_between_two_pages(self) -> None:
        self.fill(1_000)
        browser = self.ask()
        between = 0
        while not browser.transport.value().endswith(b"0\r\n\r\n"):
            reads = self.log.reads
            step(self.clock)
            self.assertLessEqual(self.log.reads, reads + 1)
            between += 1
        self.assertGreater(between, 3)

    def test_while_the_client_takes_nothing_nothing_more_is_read(self) -> None:
        self.fill(2_000)
        browser = self.ask()
        step(self.clock)
        browser.transport.producer.pauseProducing()
        self.turn()
        reads = self.log.reads
        for _ in range(5):
            self.clock.advance(10)
        self.assertEqual((self.log.reads, reads < 5), (reads, True))
        browser.transport.producer.resumeProducing()
        self.turn()
        self.assertEqual(browser.heard().json["total_events"], 2 * 1_334)

    def test_a_slow_answer_is_not_cut_by_the_timeout_of_requests(self) -> None:
        self.fill(2_000)
        browser = self.ask()
        step(self.clock)
        browser.transport.producer.pauseProducing()
        self.clock.advance(3_600)
        self.assertFalse(browser.transport.is_gone)
        browser.transport.producer.resumeProducing()
        self.turn()
        self.assertTrue(browser.heard().is_whole)

    def test_beyond_eight_it_is_503_and_says_when_to_try_again(self) -> None:
        self.fill()
        self.log.wait = Deferred()
        eight = [self.ask() for _ in range(8)]
        answer = self.get()
        self.assertEqual((answer.status, answer.json["error"]["code"]), (503, "busy"))
        self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)
        self.log.wait.callback(None)
        self.log.wait = None
        self.turn()
        self.assertEqual({browser.heard().json["total_events"] for browser in eight}, {14})
        self.assertEqual((self.slots.taken, self.get().status), (0, 200))

    def test_a_client_that_goes_gives_its_slot_back_wherever_the_answer_is(self) -> None:
        self.fill(2_000)

        def reading(browser: Browser) -> None:
            self.log.wait = Deferred()
            step(self.clock)

        def full(browser: Browser) -> None:
            browser.transport.producer.pauseProducing()
            step(self.clock)

        steps: list[Callable[[Browser], None]] = [lambda _: None, reading, full]
        for lead_there in steps:
            browser = self.ask()
            lead_there(browser)
            self.assertEqual(self.slots.taken, 1)
            browser.transport.gone()
            self.turn()
            self.assertEqual(self.slots.taken, 0)
            waited, self.log.wait = self.log.wait, None
            if waited is not None:
                waited.callback(None)
                self.turn()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_failure_after_the_200_breaks_off_and_is_logged(self) -> None:
        self.fill(2_000)
        browser = self.ask()
        step(self.clock)
        self.log.wait = Deferred()
        step(self.clock)
        self.log.wait.errback(OSError("the disk is gone"))
        self.turn()
        self.assertTrue(browser.transport.is_gone)
        answer = browser.heard()
        self.assertEqual((answer.status, answer.is_whole, self.slots.taken), (200, False, 0))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_what_is_trimmed_while_it_reads_is_a_gap(self) -> None:
        self.serve(SlowLog(max_age_ms=250_000))
        self.fill(2_000)
        browser = self.ask()
        step(self.clock)
        browser.transport.producer.pauseProducing()
        step(self.clock)
        while self.log.oldest.seq < 1_000:
            self.log.append(draft(1_000 + 100 * self.log.head.seq, length_ms=100))
        browser.transport.producer.resumeProducing()
        self.turn()
        said = browser.heard().json
        [gap] = said["gaps"]
        self.assertEqual(list(gap), ["from_ms", "to_ms", "windows", "events", "reason"])
        self.assertEqual(gap["reason"], "trimmed")
        starts = [batch["window_start"] for batch in said["batches"]]
        expected = [1_000 + 100 * number for number in range(2_000) if number % 3 != 2]
        self.assertEqual(starts, [at for at in expected if not gap["from_ms"] <= at < gap["to_ms"]])
        self.assertEqual(gap["windows"], (gap["to_ms"] - gap["from_ms"]) // 100)
        self.assertEqual(said["total_events"], 2 * len(starts))

    def test_its_events_are_the_logs_own_text(self) -> None:
        events = [made("Cache", name='sü"ß\n', hit_ratio=0.5), made("Lsm.FlushComplete", bytes=2**64 - 1)]
        self.log.append(draft(1_000, events))
        body = self.get().body
        for _, text in events:
            self.assertIn(text, body)
        self.assertEqual(json.loads(body)["total_events"], 2)


assert PageLimits().windows < 600, "the tests above need several pages"
