"""A run's numbers for people and for programs."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from bench.measured import MIB, RSS_ALLOWANCE_MIB, RSS_ALLOWANCE_SHARE, Measured, Spread, spread

__all__ = ["as_dict", "as_text"]


def as_dict(run: Measured, broken: list[str]) -> dict[str, Any]:
    """For JSON; times in ms, memory in bytes, CPU in shares of one core."""
    return {
        "options": run.options,
        "cluster": {name: value for name, value in run.cluster.items() if name != "nodes"},
        "readers": [
            {
                "name": each.asked.name,
                "asked": each.asked.described,
                "events": each.events,
                "batches": each.batches,
                "digest": each.digest,
                "late_ms_p99": _p99(each.late_ms),
                "gaps": len(each.gaps),
                "closed": each.closed,
            }
            for each in run.received
        ],
        "stats": {name: value for name, value in run.stats.items() if name != "publishers"},
        "history": None if run.history is None else asdict(run.history),
        "emitted_per_s": round(run.emitted_per_s, 1),
        "memory": {
            "base": run.rss_base_bytes,
            "peak": run.rss_peak_bytes,
            "end": run.rss_end_bytes,
            "bound": run.rss_bound_bytes,
        },
        "cpu": {
            "daemon_us_per_event": round(run.cpu_us_per_event, 2),
            "daemon": round(run.cpu_share("daemon_cpu_s"), 3),
            "daemon_busiest": round(run.busiest_share, 3),
            "cluster": round(run.cpu_share("cluster_cpu_s"), 3),
            "readers": round(run.cpu_share("readers_cpu_s"), 3),
            "others": round(run.others_share, 3),
            "machine_is_full": run.machine_is_full,
        },
        "late_ms": _dict(run.lateness),
        "worst_reader_late_ms": _dict(run.worst_lateness),
        "tick_late_ms": _dict(run.tick_lateness),
        "long_windows": run.long_windows,
        "longest_window_s": run.longest_window_s,
        "overdue_ms": max(each.tick_late_ms for each in run.samples),
        "windows_per_s": round(run.windows_per_s, 2),
        "settled_s": run.settled_s,
        "exit_status": run.exit_status,
        "violations": broken,
    }


def _dict(found: Spread | None) -> dict[str, float] | None:
    return asdict(found) if found else None


def _p99(values: list[float]) -> float:
    found = spread(values)
    return round(found.p99, 1) if found else 0.0


def as_text(run: Measured, broken: list[str]) -> str:
    """For people."""
    cluster, stats, options = run.cluster, run.stats, run.options
    lines = [
        f"{options['seconds']:g} s at {options['rate']:,} events/s, {options['nodes']} nodes, "
        f"{options['shards']} shards, {options['clients']} clients, "
        f"--buffer-mb {options['buffer_mb']}, seed {options['seed']}",
        "",
        f"cluster    {cluster['emitted']:,} emitted ({run.emitted_per_s:,.0f}/s), {cluster['sent']:,} sent, "
        f"{cluster['acked']:,} acked, "
        f"{cluster['dropped']:,} dropped, {cluster['rejected']:,} rejected, {cluster['undelivered']:,} undelivered",
        f"daemon     {stats['total_events_received']:,} received; "
        + ", ".join(f"{stats['ingest'][name]:,} {name}" for name in ("lost", "duplicates", "invalid", "unknown")),
        f"           {run.windows_per_s:.1f} windows/s to whoever got most; all out "
        + ("NOT in time" if run.settled_s is None else f"{run.settled_s:.1f} s after the cluster's end"),
        f"history    {_history(run)}",
        f"memory     {run.rss_base_bytes / MIB:,.0f} MiB with clients and no events, peak "
        f"{run.rss_peak_bytes / MIB:,.0f}, end {run.rss_end_bytes / MIB:,.0f}; log {stats['buffer_bytes'] / MIB:,.0f} "
        f"MiB estimated, {stats['buffer_events']:,} events",
        f"           bound {run.rss_bound_bytes / MIB:,.0f} MiB: the first + buffer-mb + {RSS_ALLOWANCE_SHARE:.0%} of "
        f"it + {RSS_ALLOWANCE_MIB}",
        f"cpu        daemon {run.cpu_share('daemon_cpu_s'):.0%} of a core (busiest {run.busiest_share:.0%}, "
        f"{run.cpu_us_per_event:.1f} us per event), cluster "
        f"{run.cpu_share('cluster_cpu_s'):.0%}, readers {run.cpu_share('readers_cpu_s'):.0%}, everything else on this "
        f"machine {run.others_share:.0%}",
        f"network    {_kb_per_s(run, sum):,.0f} kB/s to all clients, {_kb_per_s(run, max):,.0f} to who got most",
        *(["           the machine was FULL: what is late may have waited for a core"] if run.machine_is_full else []),
        f"late       {run.lateness} ms from window_end to the reference; worst reader {run.worst_lateness}",
        f"ticks      {run.tick_lateness} ms beyond the {run.coalesce_ms} ms of a window; {run.long_windows} windows of "
        f"two ticks or more, the longest at {run.longest_window_s:.0f} s",
        f"inbox      max {max(each.waiting_events for each in run.samples):,} events waiting when asked",
        "",
        f"{'reader':<20}{'events':>12}{'batches':>9}{'late p99':>10}  digest    asked for",
        *(
            f"{each.asked.name:<20}{each.events:>12,}{each.batches:>9,}{_p99(each.late_ms):>10,.1f}  "
            f"{each.digest[:8]}  {each.asked.described}"
            + (f", {len(each.gaps)} gaps" if each.gaps else "")
            + (f", CLOSED {each.closed}" if each.closed else "")
            for each in run.received
        ),
        "",
        *(f"- {each}" for each in broken),
        f"{len(broken)} violations",
    ]
    return "\n".join(lines)


def _kb_per_s(run: Measured, of: Callable[[list[int]], int]) -> float:
    """Of WebSocket payload."""
    return of([client["bytes_sent"] for client in run.stats["clients"]] or [0]) / run.options["seconds"] / 1000


def _history(run: Measured) -> str:
    if run.history is None:
        return "nothing came"
    history = run.history
    return (
        f"{history.events:,} events in {history.pages} pages over the last "
        f"{(history.to_ms - history.from_ms) / 1000:.1f} s, {history.live_events:,} seen live"
    )
