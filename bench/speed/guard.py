"""The short version for CI: has something become slower? Some of the ratios, with limits that leave room for noise.

It needs no network, no npm and nothing that tests do not need. A ratio beyond its limit is measured once more, and the
better one counts: a machine that others use can be slow for some seconds, and a daemon that became slower always is.
"""

from collections.abc import Callable, Iterator

from bench.speed import fanout, history, ingest, memory
from bench.speed.checked import check
from bench.speed.table import Row

__all__ = ["guard", "line"]

CLIENTS = 100
CHECKED_S = 4.0
FANOUT_ROUNDS, FANOUT_S = 2, 1.5
EVENT_RATE, EVENT_ROUNDS, EVENT_S = 50_000, 2, 2.0
MEMORY_RATE, MEMORY_MINUTES = 10_000, 4.0
HISTORY_MINUTES, HISTORY_ROUNDS = 0.6, 5


def _fanout() -> list[Row]:
    checked = check(CLIENTS, CHECKED_S)
    with fanout.serving(peers=False) as servers:
        measured = fanout.measure(servers, (CLIENTS,), FANOUT_ROUNDS, FANOUT_S, _silently)
    return fanout.rows(measured, checked)


def _ingest() -> list[Row]:
    return [ingest.cost_row(ingest.events_cost((EVENT_RATE,), EVENT_ROUNDS, EVENT_S, _silently))]


def _memory() -> list[Row]:
    return [memory.row([memory.bytes_per_event(MEMORY_RATE, MEMORY_MINUTES, _silently)])]


def _history() -> list[Row]:
    return history.rows(history.read_times(HISTORY_MINUTES, HISTORY_ROUNDS, _silently))


def _silently(_: str) -> None:
    pass


PARTS: tuple[Callable[[], list[Row]], ...] = (_fanout, _ingest, _memory, _history)


def guard(parts: tuple[Callable[[], list[Row]], ...] = PARTS) -> Iterator[tuple[Row, bool]]:
    """Each guarded row, and whether its limit is kept."""
    for measure in parts:
        found = _guarded(measure())
        broken = [key for key, row in found.items() if not _is_kept(row)]
        if any(not found[key].faults for key in broken):  # A promise that was broken once is broken.
            again = _guarded(measure())
            found.update({key: again[key] for key in broken if key in again and not found[key].faults})
        yield from ((row, _is_kept(row)) for row in found.values())


def _guarded(rows: list[Row]) -> dict[str, Row]:
    return {row.key: row for row in rows if row.target.guard is not None}


def _is_kept(row: Row) -> bool:
    return row.ratio is not None and row.target.is_kept(row.ratio) and not row.faults


def line(row: Row, is_kept: bool) -> str:
    """For people: which ratio, and which limit."""
    target = row.target
    sign = "at least" if target.is_least else "at most"
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
    text = f"{'kept' if is_kept else 'BROKEN'}: {target.what}, by {target.reference}: {ratio}, {sign} {target.guard:g}"
    return f"{text} ({row.measured}, {row.reference})" + "".join(f"\n    {fault}" for fault in row.faults)
