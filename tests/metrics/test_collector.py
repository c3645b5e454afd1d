"""Tests of ``vizd.metrics.collector``: parts that are told what to have counted, and what a scrape says of them."""

import time

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.metrics.scrape import Scrape
from tests.stream.made import draft, fsyncs, insight_of, memory_log
from tests.web.sockets import House, Person
from vizd.config import Config
from vizd.ingest.inbox import Inbox
from vizd.ingest.registry import Registry
from vizd.ingest.service import Ingest
from vizd.log.coalescer import Coalescer
from vizd.log.window import Draft, Mark, Publisher, Window
from vizd.metrics.catalogue import METRICS, Kind
from vizd.metrics.collector import MAX_REASONS, DaemonCollector
from vizd.metrics.exposition import Exposition
from vizd.metrics.tally import Tally
from vizd.status import Status
from vizd.stream.encoding import MESSAGEPACK
from vizd.ticker import Ticker
from vizd.web.admission import Admission


class CollectorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House(memory_log())
        self.log, self.registry, self.admission = self.house.log, Registry(), Admission()
        self.tally = Tally()
        self.log.listen(self.tally.count_window)
        clock, inbox = Clock(), Inbox()
        self.ticker = Ticker(inbox, Coalescer(self.log, 0, 0), 50, clock, clock.seconds, lambda: 0)
        ingest = Ingest(self.registry, inbox, ["127.0.0.1"], 0, clock, lambda: 0)
        status = Status(
            self.log, self.house.clients, self.ticker, ingest, inbox, self.registry, self.admission, clock.seconds, 0.0
        )
        config = Config.read({"buffer-mb": "64", "buffer-minutes": "5", "max-clients": "7"}, {})
        collector = DaemonCollector(config, status, insight_of(self.log), self.tally)
        self.exposition = Exposition(collector)

    def scrape(self) -> Scrape:
        return Scrape(self.exposition.answer("")[1].decode())

    def test_it_has_each_metric_of_the_catalogue_with_its_type_and_labels_and_no_other(self) -> None:
        self.tally.lost["one"] = 0
        self.admission.refusals["host"] += 1
        scrape = self.scrape()
        own = {name: type_ for name, type_ in scrape.types.items() if name.startswith("norikv_vizd_")}
        self.assertEqual(own, {metric.name.removesuffix("_total"): metric.kind for metric in METRICS})
        for metric in METRICS:
            name = f"{metric.name}_count" if metric.kind is Kind.HISTOGRAM else metric.name
            labels = {frozenset(dict(pairs)) for each, pairs in scrape.series if each == name}
            self.assertEqual(labels, {frozenset(metric.labels)}, metric.name)
            self.assertEqual(scrape.help[metric.name.removesuffix("_total")], metric.meaning)

    def test_names_are_as_prometheus_asks(self) -> None:
        for metric in METRICS:
            self.assertRegex(metric.name, r"^norikv_vizd(_[a-z]+)+$")
            self.assertEqual(metric.name.endswith("_total"), metric.kind is Kind.COUNTER, metric.name)
            self.assertNotRegex(metric.name, r"_(ms|minutes|mb|kb)\b")

    def test_both_formats_say_the_same(self) -> None:
        self.log.append(draft(1_000, fsyncs(3)))
        content_type, body = self.exposition.answer("application/openmetrics-text; version=1.0.0, text/plain;q=0.5")
        self.assertTrue(content_type.startswith("application/openmetrics-text"), content_type)
        openmetrics = Scrape(body.decode(), is_openmetrics=True)
        text = self.scrape()

        def own(scrape: Scrape) -> dict[object, float]:
            return {key: value for key, value in scrape.series.items() if key[0].startswith("norikv")}

        self.assertEqual(own(openmetrics), own(text))

    def test_nothing_of_the_accept_header_comes_back(self) -> None:
        for accept in ("application/openmetrics-text; version=zzz; escaping=zzz", "text/plain; version=zzz", "zzz"):
            content_type, body = self.exposition.answer(accept)
            self.assertNotIn("zzz", content_type)
            self.assertNotIn(b"zzz", body)

    def test_two_daemons_in_one_process_expose_their_own(self) -> None:
        other = CollectorTests()
        other.setUp()
        other.log.append(draft(1_000, fsyncs(3)))
        self.assertEqual(
            (self.scrape().value("events_total", type="Wal"), self.scrape().value("windows_total")), (0, 0)
        )
        self.assertEqual(other.scrape().value("events_total", type="Wal"), 3)

    def test_the_log_and_its_bounds(self) -> None:
        self.log.append(draft(1_000, fsyncs(3)))
        self.log.append(draft(3_500, fsyncs(2), 100))
        scrape = self.scrape()
        self.assertEqual((scrape.value("log_windows"), scrape.value("log_events")), (2, 5))
        self.assertEqual(
            (scrape.value("log_bytes"), scrape.value("log_limit_bytes")), (self.log.memory_bytes, 64 << 20)
        )
        self.assertEqual((scrape.value("log_oldest_age_seconds"), scrape.value("log_wanted_age_seconds")), (2.6, 300))
        self.assertEqual(scrape.value("log_shortened"), 0)

    def test_ticks(self) -> None:
        self.ticker.lateness.observe(0.3)
        self.ticker.durations.observe(0.004)
        self.ticker.failures = 2
        scrape = self.scrape()
        lateness = scrape.by("tick_lateness_seconds_bucket", "le")
        self.assertEqual((lateness["0.25"], lateness["0.5"], lateness["+Inf"]), (0, 1, 1))
        self.assertEqual(scrape.value("tick_duration_seconds_sum"), 0.004)
        self.assertEqual((scrape.value("tick_duration_seconds_count"), scrape.value("tick_failures_total")), (1, 2))

    def test_publishers_and_what_was_wrong_with_what_they_sent(self) -> None:
        streams = [
            self.registry.connect(Publisher(node, f"node-{node}", 1), 1, 0, lambda _: None)[0] for node in (1, 2, 3)
        ]
        self.registry.silence(streams[0])
        self.registry.count(streams[1].known, received=5, invalid=3, unknown=2)
        self.registry.take(streams[2], 1, 4, 0)
        scrape = self.scrape()
        self.assertEqual(scrape.by("publishers", "state"), {"connected": 2, "silent": 1})
        self.assertEqual((scrape.value("events_invalid_total"), scrape.value("events_unknown_total")), (3, 2))

    def test_a_node_may_have_any_name(self) -> None:
        name = 'a"b\\c\nd é {}'
        self.tally.count_window(_window_with(Mark(Publisher(1, name, 1), 1, 0, lost=4)))
        self.assertEqual(self.scrape().value("events_lost_total", node=name), 4)

    def test_clients_by_encoding_and_what_they_were_sent(self) -> None:
        before = self.scrape()
        self.assertEqual(
            (before.by("clients", "encoding"), before.value("clients_limit")), ({"json": 0, "messagepack": 0}, 7)
        )
        one, two = Person(self.house), Person(self.house, MESSAGEPACK)
        self.house.append(3)
        scrape = self.scrape()
        self.assertEqual(scrape.by("clients", "encoding"), {"json": 1, "messagepack": 1})
        for person, encoding in ((one, "json"), (two, "messagepack")):
            frames = person.socket.frames
            self.assertEqual(scrape.value("sent_frames_total", encoding=encoding), len(frames))
            self.assertEqual(
                scrape.value("sent_bytes_total", encoding=encoding), sum(len(frame.payload) for frame in frames)
            )
            self.assertEqual(scrape.value("sent_batches_total", encoding=encoding), 1)
            self.assertEqual(scrape.value("sent_events_total", encoding=encoding), 3)

    def test_no_counter_goes_down_when_clients_leave(self) -> None:
        person = Person(self.house, max_lag_ms=100)
        person.stall()
        for _ in range(10):
            self.house.append(1)
        person.take()
        before = self.scrape()
        self.assertEqual(before.value("gaps_total", reason="slow"), 1)
        person.dashboard.gone(4008, "")
        after = self.scrape()
        counters = [key for key in before.series if key[0].endswith("_total") and key[0].startswith("norikv")]
        self.assertGreater(len(counters), 50)
        for key in counters:
            self.assertGreaterEqual(after.series[key], before.series[key], key)
        self.assertEqual(after.value("gaps_total", reason="slow"), 1)
        self.assertEqual(
            (after.value("client_closes_total", code="4008"), after.by("clients", "encoding")["json"]), (1, 0)
        )

    def test_how_far_clients_are_behind_by_rank(self) -> None:
        people = [Person(self.house, max_lag_ms=0) for _ in range(10)]
        people[0].stall()
        for _ in range(10):
            self.house.append(1)
        lag = self.scrape().by("client_lag_seconds", "rank")
        slowest_s = people[0].dashboard.lag_ms() / 1_000
        self.assertGreater(slowest_s, 0.3)
        self.assertEqual(lag, {"0.5": 0, "0.9": 0, "0.99": slowest_s, "1": slowest_s})

    def test_close_codes_that_nobody_knows_are_one_series(self) -> None:
        self.house.clients.closes.update({1001: 2, 3000: 1, 4999: 3})
        codes = self.scrape().by("client_closes_total", "code")
        self.assertEqual((codes["1001"], codes["other"], codes["4008"], len(codes)), (2, 4, 0, 11))

    def test_refusals_by_reason_and_no_more_reasons_than_there_can_be(self) -> None:
        self.admission.refusals["host"] += 3
        self.assertEqual(self.scrape().by("refusals_total", "reason"), {"host": 3})
        for number in range(MAX_REASONS + 9):
            self.admission.refusals[f"reason-{number}"] += 1
        reasons = self.scrape().by("refusals_total", "reason")
        self.assertEqual(
            (len(reasons), reasons["other"], sum(reasons.values())), (MAX_REASONS + 1, 10, MAX_REASONS + 12)
        )

    def test_a_scrape_of_a_full_house_takes_less_than_a_tick(self) -> None:
        for _ in range(1_000):
            Person(self.house)
        for number in range(Tally.MAX_NODES):
            self.tally.lost[f"node-{number}"] = number
        took_s = []
        for _ in range(5):
            began_s = time.process_time()
            self.exposition.answer("")
            took_s.append(time.process_time() - began_s)
        self.assertLess(min(took_s), 0.05)


def _window_with(mark: Mark) -> Window:
    return Window(1, 1_000, "test", Draft(1_000, 50, [], [], [mark]), 0)
