"""Reads at each scrape what the parts of the daemon count anyway.

Nothing is done per event for the sake of metrics. A scrape looks once at every client and every publisher, and at the
totals of all else.
"""

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import (
    Metric as Family,
)
from prometheus_client.registry import Collector

from vizd import __version__
from vizd.config import Config
from vizd.ingest.inbox import Inbox
from vizd.insight.insight import Insight
from vizd.insight.rules import RULES
from vizd.log.stall import stalling
from vizd.metrics import catalogue as the
from vizd.metrics.catalogue import Kind, Metric
from vizd.metrics.histogram import Histogram
from vizd.metrics.tally import Tally
from vizd.status import Status
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.gaps import GAP_REASONS
from vizd.stream.traffic import Sent

__all__ = ["DaemonCollector"]

RANKS = (0.5, 0.9, 0.99, 1.0)
ENCODINGS = (JSON.name, MESSAGEPACK.name)
"""Those of the wire contract. All known values of a label are there from the start, with 0: of a series that begins
with 1 Prometheus sees no increase."""
CLOSE_CODES = (1000, 1001, 1002, 1003, 1006, 1007, 1008, 1009, 1011, 4008)
"""Those that the daemon or an ordinary client uses. A client may send any of 2,000; the rest is one series."""
MAX_REASONS = 100
"""Of refusals: some times as many codes as there are; more would be a mistake that fills every scrape."""


@dataclass(slots=True, eq=False)
class DaemonCollector(Collector):
    """One daemon's. Called in the reactor."""

    config: Config
    status: Status
    insight: Insight
    tally: Tally

    def collect(self) -> Iterator[Family]:
        """See ``Collector``."""
        yield _labelled(the.BUILD_INFO, {(__version__, platform.python_version()): 1})
        yield _plain(the.READY, self.status.ready()[0] == 200)
        yield from self._incoming()
        yield from self._ticks()
        yield from self._log()
        yield from self._clients()
        yield from self._findings()
        yield _by(the.REFUSALS, _bounded(self.status.admission.refusals))

    def _incoming(self) -> Iterator[Family]:
        totals = self.status.registry.totals
        yield _by(the.EVENTS, self.tally.events)
        yield _plain(the.EVENTS_DUPLICATE, totals.duplicates)
        yield _plain(the.EVENTS_INVALID, totals.invalid)
        yield _plain(the.EVENTS_UNKNOWN, totals.unknown)
        yield _by(the.EVENTS_LOST, self.tally.lost)
        yield _plain(the.WINDOWS, self.status.log.head.seq)
        # Another thread changes these, so they are copied in one step.
        silent = [stream.silent for stream in list(self.status.registry.streams.values())]
        yield _by(the.PUBLISHERS, {"connected": silent.count(False), "silent": silent.count(True)})

    def _ticks(self) -> Iterator[Family]:
        yield _histogram(the.TICK_LATENESS, self.status.ticker.lateness)
        yield _histogram(the.TICK_DURATION, self.status.ticker.durations)
        yield _plain(the.TICK_FAILURES, self.status.ticker.failures)
        yield _plain(the.INBOX_EVENTS, self.status.inbox.events)
        yield _plain(the.INBOX_LIMIT, Inbox.MAX_EVENTS)

    def _log(self) -> Iterator[Family]:
        log = self.status.log
        yield _plain(the.LOG_BYTES, log.memory_bytes)
        yield _plain(the.LOG_LIMIT, self.config.buffer_mb << 20)
        yield _plain(the.LOG_WINDOWS, log.head.seq - log.oldest.seq)
        yield _plain(the.LOG_EVENTS, log.head.total_events - log.oldest.total_events)
        yield _plain(the.LOG_AGE, log.retention_ms / 1_000)
        yield _plain(the.LOG_WANTED_AGE, self.config.buffer_minutes * 60)
        yield _plain(the.LOG_SHORTENED, log.is_shortened)
        stall = stalling(log).stall
        yield _plain(the.LOG_STALLED, stall.for_s if stall else 0)
        yield _plain(the.LOG_WAITING, stalling(log).waiting)

    def _clients(self) -> Iterator[Family]:
        clients, traffic = self.status.clients, self.status.clients.traffic()
        encodings, lags_ms = dict.fromkeys(ENCODINGS, 0), []
        for encoding, lag_ms in clients.standing():
            encodings[encoding] += 1
            lags_ms.append(lag_ms)
        yield _by(the.CLIENTS, encodings)
        yield _plain(the.CLIENTS_LIMIT, self.config.max_clients)
        yield _by(the.CLIENT_LAG, _ranks_s(lags_ms))
        yield _by(the.GAPS, dict.fromkeys(GAP_REASONS, 0) | traffic.gaps)
        yield _by(the.CLOSES, _closes(clients.closes))
        sent = {name: traffic.sent.get(name, Sent()) for name in ENCODINGS}
        yield _by(the.SENT_BYTES, {name: each.size_bytes for name, each in sent.items()})
        yield _by(the.SENT_FRAMES, {name: each.frames for name, each in sent.items()})
        yield _by(the.SENT_BATCHES, {name: each.batches for name, each in sent.items()})
        yield _by(the.SENT_EVENTS, {name: each.events for name, each in sent.items()})

    def _findings(self) -> Iterator[Family]:
        rules = {(rule.name, rule.severity): rule.name for rule in RULES}
        yield _labelled(the.FINDINGS, {labels: self.tally.open[name] for labels, name in rules.items()})
        yield _labelled(the.FINDINGS_OPENED, {labels: self.tally.opened[name] for labels, name in rules.items()})
        blind = self.insight.no_data
        yield _by(the.RULE_HAS_DATA, {name: name not in blind for name in rules.values()})


def _ranks_s(lags_ms: list[int]) -> dict[str, float]:
    """Nearest rank; without clients, 0."""
    lags_ms.sort()
    return {
        f"{rank:g}": lags_ms[max(0, -int(-rank * len(lags_ms) // 1) - 1)] / 1_000 if lags_ms else 0.0 for rank in RANKS
    }


def _closes(closes: Mapping[int, int]) -> dict[str, int]:
    known = {str(code): closes.get(code, 0) for code in CLOSE_CODES}
    return known | {"other": sum(closes.values()) - sum(known.values())}


def _bounded(counts: Mapping[str, int]) -> dict[str, int]:
    """The first of them, and the rest together."""
    known = dict(list(counts.items())[:MAX_REASONS])
    rest = sum(counts.values()) - sum(known.values())
    return known | ({"other": rest} if rest else {})


def _labelled(metric: Metric, values: Mapping[tuple[str, ...], float]) -> Family:
    make = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = make(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _by(metric: Metric, values: Mapping[str, float]) -> Family:
    return _labelled(metric, {(label,): value for label, value in values.items()})


def _plain(metric: Metric, value: float) -> Family:
    return _labelled(metric, {(): value})


def _histogram(metric: Metric, histogram: Histogram) -> Family:
    family = HistogramMetricFamily(metric.name, metric.meaning)
    family.add_metric((), list(histogram.cumulative()), histogram.sum_s)
    return family
