"""``docs/performance.md``: the table, notes on its rows, and the curves, between two marks. Around them is prose."""

from collections.abc import Iterator, Sequence

from bench.speed.curves import Curve
from bench.speed.record import Measured, Record
from bench.speed.table import TARGETS, Row

__all__ = ["BEGIN", "END", "measured_text", "with_measured"]

BEGIN = "<!-- measured: what follows is written by python -m bench -->"
END = "<!-- end of what was measured -->"


def with_measured(document: str, record: Record) -> str:
    """The document with another part between the marks.

    :raises ValueError: the marks are not there.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no part to replace: {BEGIN!r} and {END!r} must stand in it, in this order")
    return f"{before}{BEGIN}\n\n{measured_text(record)}\n{END}{after}"


def measured_text(record: Record) -> str:
    """Markdown."""
    parts = ["\n".join(_table(record)), "\n".join(_circumstances(record))]
    parts += ["\n".join(_curve(curve)) for measured in record.values() for curve in measured.curves]
    return "\n\n".join(parts) + "\n"


def _table(record: Record) -> Iterator[str]:
    rows = {row.key: row for measured in record.values() for row in measured.rows}
    yield "| what | measured | reference | ratio | target | |"
    yield "|---|---|---|---|---|---|"
    for key, target in TARGETS.items():
        row = rows.get(key)
        if row is None:
            yield f"| {target.what} | | {target.reference} | | {target.words} | not measured |"
            continue
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        yield (
            f"| {target.what} | {row.measured} | {target.reference}: {row.reference} | {ratio} | {target.words}"
            f" | {_verdict(row)} |"
        )
    notes = [f"- {TARGETS[key].what} / {TARGETS[key].reference}: {_note(rows[key])}" for key in TARGETS if key in rows]
    said = [note for note in notes if not note.endswith(": ")]
    if said:
        yield ""
        yield from said


def _verdict(row: Row) -> str:
    return row.verdict if row.is_met else f"**{row.verdict}**"


def _note(row: Row) -> str:
    return "; ".join(filter(None, (row.note, *row.faults)))


def _circumstances(record: Record) -> Iterator[str]:
    """Those of one day, machine and versions together."""
    together: dict[tuple[str, str, str], list[str]] = {}
    for name, measured in record.items():
        together.setdefault((measured.when, measured.machine, measured.versions), []).append(_named(name, measured))
    for (when, machine, versions), names in together.items():
        yield f"Measured on {when}: {', '.join(names)}. {machine}. {versions}."


def _named(name: str, measured: Measured) -> str:
    return f"{name} ({measured.seconds:.0f} s)"


def _curve(curve: Curve) -> Sequence[str]:
    return (
        f"### {curve.of}: {curve.unit}",
        "",
        f"{curve.verdict[0].upper()}{curve.verdict[1:]}.",
        "",
        f"![{curve.unit}, by {curve.of}](performance/{curve.name}.svg)",
        "",
        f"| {curve.of} | " + " | ".join(f"{size:,.0f}" for size, _ in curve.points) + " |",
        "|---|" + "---|" * len(curve.points),
        f"| {curve.unit} | " + " | ".join(f"{cost:,.3g}" for _, cost in curve.points) + " |",
    )
