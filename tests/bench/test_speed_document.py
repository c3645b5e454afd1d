"""The document says what was measured, and what is not measured again stays."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bench.speed.curves import BENDS_BY, Curve
from bench.speed.document import BEGIN, END, measured_text, with_measured
from bench.speed.record import Measured, Record, read, write
from bench.speed.table import TARGETS, Row

CURVE = Curve("keys", "keys in the state", "us an event", [(1_000, 2.0), (10_000, 2.1), (100_000, 5.0)], "no cache")
RECORD: Record = {
    "ingest": Measured("2026-01-02", "a machine", "Python 3.11", 12.0, [Row("event-cpu", "9 us", "3 us", 3.0, "so")]),
    "curves": Measured("2026-01-03", "a machine", "Python 3.11", 30.0, [], [CURVE]),
}


class DocumentTests(SynchronousTestCase):
    """``with_measured`` and ``measured_text``."""

    def test_prose_stays(self) -> None:
        document = with_measured(f"before\n{BEGIN}\nold\n{END}\nafter\n", RECORD)
        self.assertTrue(document.startswith("before\n"))
        self.assertTrue(document.endswith("after\n"))
        self.assertNotIn("old", document)
        self.assertEqual(with_measured(document, RECORD), document)

    def test_a_document_without_a_place_for_it(self) -> None:
        for document in ("", BEGIN, f"{END}\n{BEGIN}"):
            self.assertRaises(ValueError, with_measured, document, RECORD)

    def test_every_target_has_a_line(self) -> None:
        text = measured_text(RECORD)
        for target in TARGETS.values():
            self.assertIn(f"| {target.what} |", text)
        self.assertIn("| 9 us | gRPC handler that drops: 3 us | 3.00 | ≤ 4 | met |", text)
        self.assertIn("not measured", text)

    def test_when_and_where(self) -> None:
        text = measured_text(RECORD)
        self.assertIn("Measured on 2026-01-02: ingest (12 s). a machine. Python 3.11.", text)
        self.assertIn("Measured on 2026-01-03: curves (30 s).", text)

    def test_a_curve_is_told_in_words_and_numbers(self) -> None:
        text = measured_text(RECORD)
        self.assertIn("Bends at 100,000: no cache.", text)
        self.assertIn("performance/keys.svg", text)
        self.assertIn("| 1,000 | 10,000 | 100,000 |", text)

    def test_the_record_comes_back_as_it_was(self) -> None:
        path = Path(self.mktemp()) / "measured.json"
        self.assertEqual(read(path), {})
        write(path, RECORD)
        self.assertEqual(measured_text(read(path)), measured_text(RECORD))


class CurveTests(SynchronousTestCase):
    """Where a curve bends."""

    def test_flat_and_falling(self) -> None:
        for costs in ((1.0, 1.0, 1.0), (3.0, 2.0, 1.0), (1.0, BENDS_BY, 1.0)):
            curve = Curve("c", "of", "unit", list(zip((1.0, 2.0, 3.0), costs, strict=True)))
            self.assertEqual(curve.verdict, "linear or better")

    def test_it_bends_where_it_first_costs_more(self) -> None:
        curve = Curve("c", "of", "unit", [(4.0, 9.0), (1.0, 2.0), (2.0, 1.0), (3.0, 1.0 * BENDS_BY + 0.1)])
        self.assertEqual(curve.bends_at, 3.0)
