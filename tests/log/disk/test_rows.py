"""Tests of ``vizd.log.disk.rows``."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.log.drafts import mark
from tests.log.machine import EVENTS
from vizd.events.facet import Facets
from vizd.log.block import Block, FacetTable
from vizd.log.disk.rows import Damaged, Row, block_of, head_of, open_seal, row_of, seal, window_of
from vizd.log.window import Draft, Position, Window

BEFORE = Position(41, 1_000, 7_000)
DRAFTS = st.lists(EVENTS, min_size=1, max_size=8)


def block(drafts: list[list]) -> Block:
    """Of windows with these events."""
    windows: list[Window] = []
    position = BEFORE
    for number, facets in enumerate(drafts):
        fragments = [b'{"ts":%d,"is":%d}' % (number, place) for place in range(len(facets))]
        given_ = Draft(8_000 + 50 * number, 50, facets, fragments, [mark(number + 1, len(facets))])
        windows.append(
            Window(position.seq + 1, given_.opened_ms, f"origin {number % 2}", given_, position.total_events)
        )
        position = windows[-1].position
    return Block(BEFORE, windows, FacetTable(), 9_999)


def again(row: Row, column: str = "whole") -> Block:
    """From what is written."""
    head = head_of(row.seq, row.head, {})
    return block_of(head, row.rest, row.whole if column == "whole" else row.rare, column, Facets())


class RowTests(SynchronousTestCase):
    @given(DRAFTS)
    def test_a_block_that_was_written_says_what_it_said(self, drafts: list) -> None:
        before = block(drafts)
        row = row_of(before)
        after = again(row)
        self.assertEqual(row.seq, 42)
        for name in (
            "before",
            "behind",
            "latest_before_ms",
            "latest_ms",
            "origins",
            "starts",
            "ends",
            "counts_by_type",
        ):
            self.assertEqual(getattr(before, name), getattr(after, name), name)
        for summary in ("everything", "common"):
            for name in ("types", "nodes", "shards"):
                self.assertEqual(getattr(getattr(before, summary), name), getattr(getattr(after, summary), name))
        self.assertEqual(before.marks(), after.marks())
        self.assertEqual(row.rare is None, before.everything.types == before.common.types)
        for packed, found in ((before.all, after.all), (before.rare, again(row, "rare").all if row.rare else None)):
            if packed is not None and found is not None:
                for index in range(len(drafts)):
                    self.assertEqual(packed.unpack().text_of(index), found.unpack().text_of(index))
                    self.assertEqual(packed.unpack().facets_of(index), found.unpack().facets_of(index))

    @given(EVENTS)
    def test_a_window_is_again_what_it_was(self, facets: list) -> None:
        written = block([facets])
        window = window_of(again(row_of(written)))
        self.assertEqual((window.position, window.start_ms), (written.behind, 8_000))
        self.assertEqual([str(each.kind) for each in window.facets], [str(each.kind) for each in facets])
        self.assertEqual(len(window.fragments), len(facets))
        self.assertEqual(list(window.marks), written.marks()[0])

    def test_heads_of_equal_summaries_share_them(self) -> None:
        shared: dict = {}
        rows = [row_of(block([[]])), row_of(block([[]]))]
        heads = [head_of(row.seq, row.head, shared) for row in rows]
        self.assertIs(heads[0].everything, heads[1].everything)


class SealTests(SynchronousTestCase):
    @given(st.binary(max_size=100), st.data())
    def test_any_change_is_found(self, body: bytes, data: st.DataObject) -> None:
        sealed = bytearray(seal(body, 7, "whole"))
        self.assertEqual(open_seal(bytes(sealed), 7, "whole", bytes), body)
        sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
        with self.assertRaises(Damaged) as raised:
            open_seal(bytes(sealed), 7, "whole", bytes)
        self.assertIn("row 7, whole", str(raised.exception))

    def test_what_is_of_another_row_or_column_or_no_bytes_at_all_is_damaged(self) -> None:
        sealed = seal(b"something", 7, "whole")
        for wrong in (
            (sealed, 8, "whole"),
            (sealed, 7, "rare"),
            (None, 7, "whole"),
            (b"", 7, "whole"),
            (3, 7, "whole"),
        ):
            with self.assertRaises(Damaged):
                open_seal(*wrong, bytes)
