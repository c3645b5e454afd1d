"""Every measurement of ``python -m bench``, by name: what it yields are rows of the table, or curves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.speed import curves, dashboards, fanout, history, ingest, memory, past
from bench.speed.checked import check
from bench.speed.curves import Curve
from bench.speed.table import Row

__all__ = ["MEASUREMENTS", "Extent", "Tell"]

CHECKED_CLIENTS = 500
CHECKED_S = 10.0
EVENT_RATES = (50_000, 100_000)
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured.

    :ivar seconds: of each single measurement. :ivar clients: of the fan-out. :ivar peers: other people's servers, too.
    """

    rounds: int
    seconds: float
    clients: tuple[int, ...]
    peers: bool


def _fanout(extent: Extent, tell: Tell) -> Iterator[Row]:
    checked = check(CHECKED_CLIENTS, CHECKED_S)
    with fanout.serving(peers=extent.peers) as servers:
        measured = fanout.measure(servers, extent.clients, extent.rounds, extent.seconds, tell)
    yield from fanout.rows(measured, checked)


def _ingest(extent: Extent, tell: Tell) -> Iterator[Row]:
    yield ingest.cost_row(ingest.events_cost(EVENT_RATES, extent.rounds, extent.seconds, tell))
    yield ingest.saturated_row(ingest.saturate(extent.rounds, extent.seconds, tell))


def _memory(_: Extent, tell: Tell) -> Iterator[Row]:
    yield memory.row([memory.bytes_per_event(rate, minutes, tell) for rate, minutes in memory.MINUTES.items()])


def _history(extent: Extent, tell: Tell) -> Iterator[Row]:
    yield from history.rows(history.read_times(history.MINUTES, extent.rounds, tell))


def _past(extent: Extent, tell: Tell) -> Iterator[Row]:
    yield from past.rows(past.measure(extent.rounds, tell))


def _dashboards(_: Extent, tell: Tell) -> Iterator[Row]:
    yield dashboards.row(dashboards.measure(tell))


def _curve(measure: Callable[[], list[Curve]]) -> Callable[[Extent, Tell], Iterator[Curve]]:
    def measured(_: Extent, tell: Tell) -> Iterator[Curve]:
        for curve in measure():
            tell(f"  {curve.of}: {curve.unit}: {curve.verdict}")
            yield curve

    return measured


MEASUREMENTS: dict[str, Callable[[Extent, Tell], Iterator[Row | Curve]]] = {
    "fanout": _fanout,
    "ingest": _ingest,
    "memory": _memory,
    "history": _history,
    "past": _past,
    "dashboards": _dashboards,
    **{f"curve-{measure.__name__}": _curve(measure) for measure in curves.CURVES},
}
"""In the order in which they are run."""
