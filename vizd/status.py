"""What the daemon says of itself: ``/health``, ``/ready`` and ``/api/stats``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vizd import __version__
from vizd.ingest.inbox import Inbox
from vizd.ingest.registry import Registry
from vizd.ingest.service import Ingest
from vizd.log.interfaces import ILog
from vizd.log.stall import stalling
from vizd.ticker import Ticker
from vizd.web.admission import Admission
from vizd.web.clients import Clients

__all__ = ["Status"]

MAX_LATE_S = 5.0
"""Beyond it the daemon is sick (wire contract, section 3)."""


@dataclass(slots=True)
class Status:
    """Reads what others count.

    :ivar is_http_listening: set by whoever opens and closes that port. :ivar started_s: by ``monotonic``.
    """

    log: ILog
    clients: Clients
    ticker: Ticker
    ingest: Ingest
    inbox: Inbox
    registry: Registry
    admission: Admission
    monotonic: Callable[[], float]
    started_s: float
    is_http_listening: bool = False
    is_draining: bool = False

    def health(self) -> tuple[int, dict[str, Any]]:
        """An HTTP status and its body."""
        late_s = self.ticker.late_s
        if late_s > MAX_LATE_S:
            reasons = [f"the coalescer's tick is {late_s:.1f} s late"]
            return 503, {"status": "unhealthy", "version": __version__, "reasons": reasons}
        stalled = self._stalled()
        if stalled:
            return 200, {"status": "degraded", "version": __version__, "reasons": stalled}
        return 200, {"status": "ok", "version": __version__}

    def _stalled(self) -> list[str]:
        """Why nothing is stored, if that is so."""
        stall = stalling(self.log).stall
        return [f"nothing has been stored for {stall.for_s:.0f} s: {stall.reason}"] if stall else []

    def ready(self) -> tuple[int, dict[str, Any]]:
        """An HTTP status and its body."""
        reasons = []
        if self.is_draining:
            reasons.append("shutting down")
        if not self.is_http_listening:
            reasons.append("the HTTP port is not open")
        if not self.ingest.is_listening:
            reasons.append("the gRPC port is not open")
        reasons += self._stalled()
        if reasons:
            return 503, {"status": "not ready", "reasons": reasons}
        return 200, {"status": "ready"}

    def stats(self) -> dict[str, Any]:
        """The body of ``/api/stats``."""
        log, totals = self.log, self.registry.totals
        traffic = self.clients.traffic()
        # Another thread changes these, so they are copied in one step.
        streams = list(self.registry.streams.values())
        return {
            "version": __version__,
            "uptime_ms": int((self.monotonic() - self.started_s) * 1000),
            "total_events_received": log.head.total_events,
            "total_batches_sent": traffic.batches,
            "total_events_sent": traffic.events,
            "buffer_size": log.head.seq - log.oldest.seq,
            "buffer_events": log.head.total_events - log.oldest.total_events,
            "buffer_bytes": log.memory_bytes,
            "retention_ms": log.retention_ms,
            "retention_bound": "bytes" if log.is_shortened else "minutes",
            "oldest_event_ms": log.oldest_event_ms,
            "newest_event_ms": log.newest_event_ms,
            "connected_clients": len(self.clients),
            "clients": self.clients.described(),
            "connected_publishers": sum(not stream.silent for stream in streams),
            "grpc": {"interfaces": list(self.ingest.hosts), "port": self.ingest.port},
            "ingest": {
                "duplicates": totals.duplicates,
                "invalid": totals.invalid,
                "unknown": totals.unknown,
                "lost": totals.lost,
                "waiting": self.inbox.events,
            },
            "publishers": [
                {
                    "node": stream.known.publisher.node,
                    "name": stream.known.publisher.name,
                    "connected": not stream.silent,
                    "stored_through": stream.known.stored_through,
                    "received": stream.known.received,
                    "duplicates": stream.known.duplicates,
                    "invalid": stream.known.invalid,
                    "unknown": stream.known.unknown,
                    "lost": stream.known.lost,
                    "skew_ms": stream.known.skew_ms,
                }
                for stream in streams
            ],
            "tick_late_ms": max(0, int(self.ticker.late_s * 1000)),
            "tick_failures": self.ticker.failures,
            "closes": {str(code): count for code, count in sorted(self.clients.closes.items())},
            "refusals": dict(sorted(self.admission.refusals.items())),
        }
