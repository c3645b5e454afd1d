"""Tests of ``vizd.events.writers``; what the functions write is tested with ``decode``."""

from twisted.trial.unittest import SynchronousTestCase

from vizd.events.catalogue import KINDS
from vizd.events.facet import Facets
from vizd.events.writers import Invalid, compiled, source
from vizd.wire.vizd_pb2 import CompEvt, VizEvent

BY_NAME = {str(kind): kind for kind in KINDS}


class WritersTests(SynchronousTestCase):
    def test_each_kind_has_one(self) -> None:
        for kind in KINDS:
            self.assertTrue(callable(compiled(kind)(1, Facets())), str(kind))

    def test_it_reads_each_field_once(self) -> None:
        for kind in KINDS:
            text = source(kind)
            for each in kind.fields:
                self.assertEqual(text.count(f" = inside.{each.proto}\n") + text.count(f" = message.{each.proto}\n"), 1)

    def test_nothing_is_appended_for_an_event_that_is_wrong(self) -> None:
        facets: list[object] = []
        event = VizEvent(ts_ms=1, compaction=CompEvt(node=1, level=256, start={}))
        write = compiled(BY_NAME["Compaction.Start"])(7, Facets())
        with self.assertRaises(Invalid) as caught:
            write(event, event.compaction, 5, facets)  # type: ignore[arg-type]
        self.assertEqual(caught.exception.args, ("compaction.level", "256 does not fit in 8 bits: 0 to 255"))
        self.assertEqual(facets, [])
