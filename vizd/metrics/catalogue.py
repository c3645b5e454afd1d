"""Every metric of the daemon itself, as one table of data: names, types, labels, and what they mean.

Names are as Prometheus asks: ``norikv_vizd_`` first, base units, ``_total`` behind what only rises. Beside these there
are those of the process and of Python, which ``prometheus_client`` names.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["METRICS", "Kind", "Metric"]


class Kind(StrEnum):
    """What may be done with the numbers."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the table.

    :ivar name: as it is exposed; of a histogram, without ``_bucket``, ``_sum`` and ``_count``.
    :ivar labels: their names. :ivar meaning: one sentence.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str


def _counter(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(f"norikv_vizd_{name}_total", Kind.COUNTER, labels, meaning)


def _gauge(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(f"norikv_vizd_{name}", Kind.GAUGE, labels, meaning)


def _histogram(name: str, meaning: str) -> Metric:
    return Metric(f"norikv_vizd_{name}", Kind.HISTOGRAM, (), meaning)


BUILD_INFO = _gauge("build_info", "Always 1; the labels say what runs.", "version", "python")
READY = _gauge("ready", "1 while /ready says 200.")

EVENTS = _counter("events", "Events stored in the log.", "type")
EVENTS_DUPLICATE = _counter("events_duplicate", "Events that were sent again, and stored once.")
EVENTS_INVALID = _counter("events_invalid", "Events refused, since a field was not as it must be.")
EVENTS_UNKNOWN = _counter("events_unknown", "Events of kinds that this version does not know; not stored.")
EVENTS_LOST = _counter(
    "events_lost",
    "Events that a node gave up or that never came; beyond 1,000 nodes the rest is `other`.",
    "node",
)
WINDOWS = _counter("windows", "Windows appended to the log.")
PUBLISHERS = _gauge("publishers", "Streams of nodes; `silent`: nothing came for 5 s.", "state")

TICK_LATENESS = _histogram("tick_lateness_seconds", "How late a tick began, behind the one before plus --coalesce-ms.")
TICK_DURATION = _histogram("tick_duration_seconds", "How long a tick took: from the inbox to the log and its folds.")
TICK_FAILURES = _counter("tick_failures", "Ticks that raised; what they held is lost, and their cause is in the log.")
INBOX_EVENTS = _gauge("inbox_events", "Events that wait for the next tick.")
INBOX_LIMIT = _gauge("inbox_limit_events", "With so many waiting, the daemon reads no more from nodes.")

LOG_BYTES = _gauge("log_bytes", "What the log takes in memory, estimated.")
LOG_LIMIT = _gauge("log_limit_bytes", "--buffer-mb.")
LOG_WINDOWS = _gauge("log_windows", "Windows in the log.")
LOG_EVENTS = _gauge("log_events", "Events in the log.")
LOG_AGE = _gauge("log_oldest_age_seconds", "How far back the log reaches.")
LOG_WANTED_AGE = _gauge("log_wanted_age_seconds", "--buffer-minutes.")
LOG_SHORTENED = _gauge("log_shortened", "1 while it is --buffer-mb that bounds the log, not --buffer-minutes.")
LOG_STALLED = _gauge("log_stalled_seconds", "For how long nothing has been stored although windows wait; 0: it is.")
LOG_WAITING = _gauge("log_waiting_windows", "Windows that wait to be stored.")

CLIENTS = _gauge("clients", "Dashboards that are connected.", "encoding")
CLIENTS_LIMIT = _gauge("clients_limit", "--max-clients.")
CLIENT_LAG = _gauge(
    "client_lag_seconds",
    "How long the next window of a client has been in the log, at this rank of all clients: 0.5 is the median,"
    " 1 the slowest.",
    "rank",
)
GAPS = _counter("gaps", "Gaps declared to clients.", "reason")
CLOSES = _counter("client_closes", "Connections of clients that ended, by WebSocket close code.", "code")
SENT_BYTES = _counter("sent_bytes", "Sent to clients, before the framing of WebSocket and TLS.", "encoding")
SENT_FRAMES = _counter("sent_frames", "Messages sent to clients.", "encoding")
SENT_BATCHES = _counter("sent_batches", "Those of them with events.", "encoding")
SENT_EVENTS = _counter("sent_events", "Events in those.", "encoding")

FINDINGS = _gauge("findings_open", "What is wrong in the cluster now; see docs/insight.md.", "rule", "severity")
FINDINGS_OPENED = _counter("findings_opened", "Findings since the start.", "rule", "severity")
RULE_HAS_DATA = _gauge("rule_has_data", "0: of this rule's input nothing ever came, so it finds nothing.", "rule")

REFUSALS = _counter("refusals", "Requests, connections and streams refused, by the code of the error.", "reason")

METRICS = tuple(value for value in vars().values() if isinstance(value, Metric))
"""In the order of this page."""
