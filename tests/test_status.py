"""Tests of ``vizd.status``."""

from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.log.disk.directories import Here
from tests.log.machine import now
from tests.stream.made import draft, fsyncs, memory_log
from vizd import __version__
from vizd.ingest.inbox import Inbox
from vizd.ingest.registry import Registry
from vizd.ingest.service import Ingest
from vizd.log.coalescer import Coalescer
from vizd.log.disk.log import RETRY_S, DiskLog
from vizd.log.window import Publisher
from vizd.status import Status
from vizd.ticker import Ticker
from vizd.web.admission import Admission
from vizd.web.clients import Clients


class StatusTests(SynchronousTestCase):
    """``/health``, ``/ready``, ``/api/stats``."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.log = memory_log()
        inbox, self.registry = Inbox(), Registry()
        clients = Clients(self.log, 10, self.clock, self.clock.seconds)
        ticker = Ticker(inbox, Coalescer(self.log, 0, 0), 50, self.clock, self.clock.seconds, lambda: 0)
        ticker.startService()
        self.ingest = Ingest(self.registry, inbox, ["127.0.0.1"], 0, self.clock, lambda: 0)
        self.admission = Admission()
        self.status = Status(
            self.log, clients, ticker, self.ingest, inbox, self.registry, self.admission, self.clock.seconds, 0.0
        )

    def test_it_is_healthy_while_it_ticks(self) -> None:
        self.assertEqual(self.status.health(), (200, {"status": "ok", "version": __version__}))

    def test_it_is_not_when_the_tick_is_late_by_over_five_seconds(self) -> None:
        self.clock.rightNow += 5.04
        self.assertEqual(self.status.health()[0], 200)
        self.clock.rightNow += 0.02
        status, body = self.status.health()
        self.assertEqual((status, body["status"], body["version"]), (503, "unhealthy", __version__))
        self.assertIn("5.0 s late", body["reasons"][0])
        self.clock.advance(0)
        self.assertEqual(self.status.health()[0], 200)

    def test_it_is_ready_when_both_ports_listen_and_it_is_not_draining(self) -> None:
        def reasons() -> tuple[int, Any]:
            status, body = self.status.ready()
            return status, body.get("reasons")

        self.assertEqual(reasons(), (503, ["the HTTP port is not open", "the gRPC port is not open"]))
        self.status.is_http_listening = True
        self.assertEqual(reasons(), (503, ["the gRPC port is not open"]))
        self.ingest.is_listening = True
        self.assertEqual(self.status.ready(), (200, {"status": "ready"}))
        self.status.is_draining = True
        self.assertEqual(reasons(), (503, ["shutting down"]))

    def test_while_the_log_stalls_it_is_degraded_and_not_ready_and_says_why(self) -> None:
        log = DiskLog(Path(self.mktemp()), "here", 3_600_000, 1 << 30, self.clock, monotonic=self.clock.seconds)
        log._start(Here(), [Here()])
        self.status.log = log
        self.status.is_http_listening = self.ingest.is_listening = True
        log._scribe._connection.execute("PRAGMA query_only = ON")
        log.append(draft(0))
        self.clock.rightNow += 3
        said = ["nothing has been stored for 3 s: attempt to write a readonly database"]
        self.assertEqual(self.status.health(), (200, {"status": "degraded", "version": __version__, "reasons": said}))
        self.assertEqual(self.status.ready(), (503, {"status": "not ready", "reasons": said}))
        log._scribe._connection.execute("PRAGMA query_only = OFF")
        self.clock.advance(RETRY_S)
        self.assertEqual(self.status.health()[1]["status"], "ok")
        self.assertEqual(self.status.ready()[0], 200)
        now(log.close())

    def test_the_stats_of_an_empty_daemon(self) -> None:
        stats = self.status.stats()
        for name, right in (
            ("total_events_received", 0), ("total_batches_sent", 0), ("buffer_size", 0), ("buffer_events", 0),
            ("connected_clients", 0), ("oldest_event_ms", None), ("newest_event_ms", None), ("publishers", []),
            ("closes", {}), ("refusals", {}), ("tick_failures", 0), ("version", __version__),
            ("grpc", {"interfaces": ["127.0.0.1"], "port": 0}),
        ):  # fmt: skip
            self.assertEqual(stats[name], right, name)

    def test_the_stats_count_what_is_stored_and_what_is_still_there(self) -> None:
        self.log.append(draft(1_000, fsyncs(3)))
        self.log.append(draft(1_050, fsyncs(2), 100))
        stats = self.status.stats()
        self.assertEqual((stats["total_events_received"], stats["buffer_size"], stats["buffer_events"]), (5, 2, 5))
        self.assertEqual((stats["oldest_event_ms"], stats["newest_event_ms"]), (1_000, 1_150))
        self.assertGreater(stats["buffer_bytes"], 0)

    def test_the_stats_name_every_publisher(self) -> None:
        stream, _ = self.registry.connect(Publisher(7, "seven", 1), 1, 0, lambda _: None)
        self.registry.take(stream, 1, 10, 2)
        self.registry.count(stream.known, 8, 1, 1)
        stats = self.status.stats()
        [publisher] = stats["publishers"]
        self.assertEqual(
            {name: publisher[name] for name in ("node", "name", "connected", "received", "invalid", "unknown", "lost")},
            {"node": 7, "name": "seven", "connected": True, "received": 8, "invalid": 1, "unknown": 1, "lost": 2},
        )
        self.assertEqual(stats["connected_publishers"], 1)
        self.registry.silence(stream)
        stats = self.status.stats()
        self.assertEqual((stats["connected_publishers"], stats["publishers"][0]["connected"]), (0, False))

    def test_the_stats_tell_uptime_lateness_and_refusals(self) -> None:
        self.clock.rightNow += 3.0
        self.admission.refusals["host"] += 2
        stats = self.status.stats()
        self.assertEqual((stats["uptime_ms"], stats["tick_late_ms"], stats["refusals"]), (3_000, 2_950, {"host": 2}))
