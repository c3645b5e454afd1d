"""The promises, each a sentence, held against what a run measured."""

from collections.abc import Callable, Iterator

from bench.measured import MIB, Measured

__all__ = ["violations"]

MIN_RATE_SHARE = 0.95
"""The cluster skips time in which it got no CPU: a run on a busy machine would prove less than it says."""

_MAX_PER_READER = 6


def violations(measured: Measured) -> list[str]:
    """All that does not hold."""
    return [text for check in _CHECKS for text in check(measured)]


def _cluster_kept_its_rate(run: Measured) -> Iterator[str]:
    asked = run.options["rate"]
    if run.emitted_per_s < MIN_RATE_SHARE * asked:
        yield f"cluster: {run.emitted_per_s:,.0f} events/s: nothing here is said of the {asked:,} that were asked for"


def _cluster_delivered_everything(run: Measured) -> Iterator[str]:
    cluster = run.cluster
    for name in ("sent", "acked"):
        if cluster[name] != cluster["emitted"]:
            yield f"cluster: {cluster['emitted']:,} events emitted, {cluster[name]:,} {name}"
    for name in ("dropped", "rejected", "undelivered"):
        if cluster[name]:
            yield f"cluster: {cluster[name]:,} events {name}"
    for node in cluster["nodes"]:
        if node["streams"] != 1:
            yield f"cluster: {node['node_name']} had {node['streams']} streams: {node['last_error']}"


def _daemon_counted_everything(run: Measured) -> Iterator[str]:
    stats, ingest = run.stats, run.stats["ingest"]
    if stats["total_events_received"] != run.cluster["acked"]:
        yield f"/api/stats: {stats['total_events_received']:,} events received, {run.cluster['acked']:,} acked"
    if ingest["lost"] != run.cluster["dropped"]:
        yield f"/api/stats: {ingest['lost']:,} events lost, {run.cluster['dropped']:,} dropped by the nodes"
    for name in ("duplicates", "invalid", "unknown", "waiting"):
        if ingest[name]:
            yield f"/api/stats: {ingest[name]:,} events {name}"
    if stats.get("tick_failures"):
        yield f"/api/stats: {stats['tick_failures']} ticks failed"
    if not any(each.closed for each in run.received):
        for name, ours in (
            ("total_events_sent", sum(each.events for each in run.received)),
            ("total_batches_sent", sum(each.batches for each in run.received)),
        ):
            if stats.get(name, ours) != ours:
                yield f"/api/stats: {name} is {stats[name]:,}, all readers together have {ours:,}"


def _every_connection_held(run: Measured) -> Iterator[str]:
    for each in run.received:
        if each.closed:
            yield f"{each.asked.name}: closed: {each.closed}"
        for gap in each.gaps[:_MAX_PER_READER]:
            yield f"{each.asked.name}: a gap: {gap}"
    if run.settled_s is None:
        yield "what was acked had not all come out when the waiting time was over"


def _messages_were_sound(run: Measured) -> Iterator[str]:
    for each in run.received:
        for fault in each.faults:
            yield f"{each.asked.name}: {fault}"


def _open_readers_got_what_was_acked(run: Measured) -> Iterator[str]:
    acked = {node["node"]: node["acked"] for node in run.cluster["nodes"] if node["acked"]}
    for each in run.received:
        if not each.asked.is_open or each.closed:
            continue
        declared = sum(gap.get("events") or 0 for gap in each.gaps)
        if each.events + declared != run.cluster["acked"]:
            yield f"{each.asked.name}: {each.events:,} events and {declared:,} in gaps, {run.cluster['acked']:,} acked"
        if not declared and dict(each.by_node) != acked:
            yield f"{each.asked.name}: by node {dict(sorted(each.by_node.items()))}, acked {acked}"


def _filtered_readers_got_what_passes(run: Measured) -> Iterator[str]:
    if not run.reference.is_whole:
        yield f"the readers can't be compared: {run.reference.asked.name} has not everything"
        return
    for each in run.received[1:]:
        expected = run.expected[each.asked.name]
        if not each.is_whole:
            continue  # Said of its connection.
        if each.events != expected.events:
            yield f"{each.asked.name} ({each.asked.described}): {each.events:,} events, {expected.events:,} pass"
        elif each.digest != expected.digest:
            yield f"{each.asked.name} ({each.asked.described}): {each.events:,} events, of other content or order"


def _history_is_what_was_live(run: Measured) -> Iterator[str]:
    history = run.history
    if history is None or not run.reference.is_whole:
        return
    if history.events != history.live_events:
        yield f"/api/history of the last minute: {history.events:,} events, live {history.live_events:,}"
    yield from history.faults[:_MAX_PER_READER]


def _memory_stayed_bounded(run: Measured) -> Iterator[str]:
    if run.rss_peak_bytes > run.rss_bound_bytes:
        yield f"the daemon took {run.rss_peak_bytes / MIB:,.0f} MiB, its bound is {run.rss_bound_bytes / MIB:,.0f} MiB"
    buffer_bytes = max(run.stats["buffer_bytes"], *(each.buffer_bytes for each in run.samples))
    if buffer_bytes > run.options["buffer_mb"] * MIB:
        yield f"buffer_bytes reached {buffer_bytes:,}, beyond --buffer-mb"


def _daemon_ended_well(run: Measured) -> Iterator[str]:
    if run.exit_status != 0:
        yield f"the daemon's exit status is {run.exit_status}"
    for line in run.complaints[:_MAX_PER_READER]:
        yield f"the daemon's log: {line}"


_CHECKS: tuple[Callable[[Measured], Iterator[str]], ...] = (
    _cluster_kept_its_rate,
    _cluster_delivered_everything,
    _daemon_counted_everything,
    _every_connection_held,
    _messages_were_sound,
    _open_readers_got_what_was_acked,
    _filtered_readers_got_what_passes,
    _history_is_what_was_live,
    _memory_stayed_bounded,
    _daemon_ended_well,
)
