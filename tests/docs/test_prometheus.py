"""Alerts and dashboard in ``docs/``, as Prometheus' own ``promtool`` reads them, and a scrape of a real daemon."""

import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import Daemon, hear, hear_events
from tests.docs import DOCS
from tests.events.build import event_of
from tests.metrics.scrape import Scrape
from tests.stream.made import said
from vizd.metrics.catalogue import METRICS, Kind

ALERTS = DOCS / "alerts.yml"
DASHBOARD = DOCS / "grafana" / "norikv-vizd.json"
ALERTS_TEST = Path(__file__).with_name("alerts_test.yml")
_NAME = re.compile(r"\b(?:norikv_vizd|process|python)_\w+")
_OF_THE_LIBRARY = {
    "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "process_max_fds",
    "python_gc_collections_total",
}  # fmt: skip


def promtool(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Of Debian's package ``prometheus``, which ``.ci/run`` installs."""
    found = shutil.which("promtool")
    assert found, "there is no promtool: install Debian's package prometheus"
    command = [found, *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)


def series() -> set[str]:
    """Every name that an expression may use."""
    names = set(_OF_THE_LIBRARY)
    for metric in METRICS:
        suffixes = ("_bucket", "_sum", "_count") if metric.kind is Kind.HISTOGRAM else ("",)
        names |= {metric.name + suffix for suffix in suffixes}
    return names


def dashboard_expressions() -> Iterator[str]:
    """Of each query of each panel, with Grafana's variables filled in."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            expression: str = target["expr"]
            for variable, value in (("$__rate_interval", "1m"), ("$job", ".+"), ("$instance", ".+")):
                expression = expression.replace(variable, value)
            yield expression


class Alerts(SynchronousTestCase):
    def test_promtool_finds_nothing_wrong_with_them(self) -> None:
        checked = promtool("check", "rules", ALERTS)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_each_fires_when_it_should_and_not_when_all_is_well(self) -> None:
        tested = promtool("test", "rules", ALERTS_TEST)
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)
        names = re.findall(r"- alert: (\w+)", ALERTS.read_text())
        self.assertGreater(len(names), 9)
        for name in names:
            self.assertGreaterEqual(ALERTS_TEST.read_text().count(f"alertname: {name},"), 1, f"{name} is never silent")
            self.assertGreaterEqual(ALERTS_TEST.read_text().count(f'alertname="{name}"'), 1, f"{name} never fires")

    def test_they_ask_for_metrics_that_there_are(self) -> None:
        named = set(_NAME.findall(ALERTS.read_text())) | set(_NAME.findall(ALERTS_TEST.read_text()))
        self.assertEqual(named - series(), set())

    def test_each_names_its_chapter_of_the_runbook(self) -> None:
        for name, body in re.findall(r"- alert: (\w+)\n(.*?)(?=\n\n|\Z)", ALERTS.read_text(), re.DOTALL):
            self.assertIn(f"runbook: docs/operations.md#{name.lower()}", body)
            self.assertRegex(body, r"severity: (critical|warning|info)\b")


class Dashboard(SynchronousTestCase):
    def test_its_queries_are_ones_that_prometheus_can_read(self) -> None:
        expressions = list(dashboard_expressions())
        self.assertGreater(len(expressions), 30)
        self.assertEqual([each for each in expressions if "$" in each], [])
        rules = [
            {"record": "panel:query", "labels": {"number": str(at)}, "expr": each}
            for at, each in enumerate(expressions)
        ]
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "rules.yml"  # JSON is YAML.
            path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
            checked = promtool("check", "rules", path)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_it_shows_every_metric_and_none_that_does_not_exist(self) -> None:
        named = {name for expression in dashboard_expressions() for name in _NAME.findall(expression)}
        self.assertEqual(named - series(), set())
        shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}
        self.assertEqual({metric.name for metric in METRICS} - shown, set())

    def test_panels_have_a_place_and_an_id_of_their_own(self) -> None:
        panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
        taken: set[tuple[int, int]] = set()
        for panel in panels:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            self.assertEqual(cells & taken, set(), panel["title"])
            taken |= cells
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))


class RealDaemon(SynchronousTestCase):
    def setUp(self) -> None:
        self.daemon = self.start()

    def start(self, *options: str) -> Daemon:
        daemon = Daemon(*options)
        self.addCleanup(daemon.kill)
        return daemon

    def get(self, **headers: str) -> tuple[str, str]:
        """Content type and body of ``/metrics``."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.daemon.http_port}/metrics", headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    def test_a_scrape_says_what_the_stats_say_and_promtool_likes_it(self) -> None:
        node = self.daemon.publisher(1, "one")
        self.addCleanup(node.close)
        node.send([event_of(said("Wal.Fsync", ts=1, node=1, ms=number)) for number in range(20)])
        node.send([event_of(said("Swim.Confirm", ts=1, node=2))])
        node.seq += 5  # Five are lost.
        node.send([event_of(said("Wal.Fsync", ts=1, node=1, ms=1))])
        node.wait_stored()
        with self.daemon.watch() as ws:
            hear(ws)
            node.send([event_of(said("Wal.Fsync", ts=1, node=1, ms=number)) for number in range(3)])
            hear_events(ws, 3)
            self.daemon.get("/api/history?from=x")
            stats = self.daemon.get("/api/stats")[1]
            _, body = self.get()
        scrape = Scrape(body)
        for name, labels, right in (
            ("events_total", {"type": "Wal"}, 24),
            ("events_total", {"type": "Swim"}, 1),
            ("events_lost_total", {"node": "one"}, 5),
            ("publishers", {"state": "connected"}, 1),
            ("clients", {"encoding": "json"}, 1),
            ("sent_events_total", {"encoding": "json"}, 3),
            ("findings_open", {"rule": "node-dead", "severity": "critical"}, 1),
            ("findings_opened_total", {"rule": "node-dead", "severity": "critical"}, 1),
            ("rule_has_data", {"rule": "node-dead"}, 1),
            ("rule_has_data", {"rule": "two-leaders"}, 0),
            ("refusals_total", {"reason": "parameter"}, 1),
            ("ready", {}, 1),
        ):
            self.assertEqual(scrape.value(name, **labels), right, (name, labels))
        self.assertEqual(sum(scrape.by("events_total", "type").values()), stats["total_events_received"])
        self.assertEqual(sum(scrape.by("events_lost_total", "node").values()), stats["ingest"]["lost"])
        self.assertEqual(scrape.value("log_events"), stats["buffer_events"])
        self.assertEqual(scrape.by("refusals_total", "reason"), stats["refusals"])
        [client] = stats["clients"]
        self.assertGreaterEqual(scrape.value("sent_bytes_total", encoding="json"), client["bytes_sent"])
        self.assertGreaterEqual(scrape.value("tick_duration_seconds_count"), 2)
        self.assertLessEqual(_OF_THE_LIBRARY, scrape.names)
        checked = promtool("check", "metrics", stdin=body)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_it_speaks_the_format_that_is_asked_for(self) -> None:
        self.assertEqual(self.get()[0], "text/plain; version=0.0.4; charset=utf-8")
        prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
        content_type, body = self.get(Accept=prometheus)
        self.assertTrue(content_type.startswith("application/openmetrics-text; version=1.0.0"), content_type)
        self.assertTrue(body.endswith("# EOF\n"))
        self.assertEqual(Scrape(body, is_openmetrics=True).value("ready"), 1)

    def test_with_a_token_file_it_needs_a_token(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            tokens = Path(place) / "tokens"
            tokens.write_text("abc123\n")
            self.daemon = self.start("--token-file", str(tokens))
        with self.assertRaises(urllib.error.HTTPError) as raised:
            self.get()
        raised.exception.close()
        self.assertEqual(raised.exception.code, 401)
        scrape = Scrape(self.get(Authorization="Bearer abc123")[1])
        self.assertEqual(scrape.value("refusals_total", reason="UNAUTHENTICATED"), 1)
