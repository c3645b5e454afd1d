"""What a run says in the end, for people and for programs."""

from dataclasses import asdict
from typing import Any

from bench.law.check import Row
from bench.law.run import MIB, Ran
from bench.measured import spread

__all__ = ["as_dict", "as_text"]

MAX_LISTED = 60


def _late(row: Row) -> tuple[float, float] | None:
    found = spread(row.late_ms)
    return (round(found.p50, 1), round(found.p99, 1)) if found else None


def as_dict(ran: Ran) -> dict[str, Any]:
    """For JSON: memory in bytes, CPU in shares of one core, times in ms."""
    return {
        "options": asdict(ran.options),
        "clients": [
            {
                **{name: getattr(row, name) for name in _COLUMNS},
                "gaps": dict(row.gaps),
                "late_ms_p50_p99": _late(row),
            }
            for row in ran.checked.rows
        ],
        "publishers": {"expected": ran.expected, "acked": ran.acked, "stored": ran.checked.stored, "kills": ran.kills},
        "daemon_kills": ran.daemon_kills,
        "stalled_looks": ran.stalled_looks,
        "log": {name: ran.stats.get(name) for name in ("buffer_events", "buffer_bytes")},
        "ingest": ran.stats.get("ingest"),
        "rss": dict(zip(("first", "median", "last"), ran.rss_minutes, strict=True)) | {"peak": ran.rss_peak_bytes},
        "daemon_cpu": round(ran.cpu_share, 3),
        "check_s": round(ran.check_s, 1),
        "violations": ran.violations,
    }


_COLUMNS = (
    "kind",
    "clients",
    "messages",
    "events",
    "past_events",
    "missing",
    "reconnects",
    "filters",
    "histories",
    "shown",
)


def _fault(ran: Ran) -> list[str]:
    if ran.options.fault is None:
        return []
    return [
        f"fault       {ran.options.fault}: the daemon was killed {ran.daemon_kills} times, and seen to store nothing "
        f"{ran.stalled_looks} times; {sum(row.shown for row in ran.checked.rows):,} batches were shown meanwhile"
    ]


def as_text(ran: Ran) -> str:
    """For people."""
    options, acked = ran.options, sum(ran.acked.values())
    stored = sum(ran.checked.stored.values())
    first, median, last = (each / MIB for each in ran.rss_minutes)
    trimmed = f"{options.retention_s:g} s kept" if options.retention_s else f"--buffer-mb {options.buffer_mb}"
    lines = [
        f"{options.seconds:g} s at {options.rate:,} events/s, {options.nodes} nodes, {options.clients} clients, "
        f"{trimmed}, seed {options.seed}",
        f"publishers  {ran.expected:,} events to publish, {acked:,} acked, {stored:,} in the log; killed {ran.kills} "
        f"times, {ran.stats.get('ingest', {}).get('duplicates', 0):,} duplicates refused",
        *_fault(ran),
        f"daemon      {first:,.0f} MiB in the first minute, {median:,.0f} in the median, {last:,.0f} in the last, "
        f"peak {ran.rss_peak_bytes / MIB:,.0f} of {ran.rss_bound_bytes / MIB:,.0f}; {ran.cpu_share:.0%} of a core",
        f"log         {ran.stats.get('buffer_events', 0):,} events left, in "
        f"{ran.stats.get('buffer_bytes', 0) / MIB:.1f} MiB",
        f"check       {ran.check_s:.1f} s",
        "",
        f"{'kind':<20}{'clients':>8}{'messages':>10}{'events':>13}{'of the past':>13}{'reconn.':>8}{'filters':>8}"
        f"{'late p50':>10}{'p99 ms':>8}  gaps (events)",
    ]
    for row in ran.checked.rows:
        late = _late(row)
        gaps = ", ".join(f"{count} {reason}" for reason, count in sorted(row.gaps.items()))
        lines.append(
            f"{row.kind:<20}{row.clients:>8}{row.messages:>10,}{row.events:>13,}{row.past_events:>13,}"
            f"{row.reconnects:>8,}{row.filters:>8,}"
            + (f"{late[0]:>10,.1f}{late[1]:>8,.1f}" if late else f"{'':>18}")
            + (f"  {gaps} ({row.missing:,})" if gaps else "")
        )
    broken = ran.violations
    lines += ["", *(f"- {text}" for text in broken[:MAX_LISTED])]
    if len(broken) > MAX_LISTED:
        lines.append(f"- and {len(broken) - MAX_LISTED} more")
    return "\n".join([*lines, f"{len(broken)} violations"])
