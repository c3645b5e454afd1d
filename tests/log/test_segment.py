"""Tests of ``vizd.log.segment``, and of what a log of segments keeps plain."""

from twisted.trial.unittest import SynchronousTestCase

from tests.log.drafts import draft
from vizd.log.block import Block
from vizd.log.chronicle import PLAIN_SHARE, PLAIN_WINDOWS
from vizd.log.keyframe import Keyframe
from vizd.log.memory import MemoryLog
from vizd.log.segment import Segment
from vizd.log.window import START, Window

MAX_BYTES = 16 << 20
"""The smallest that a daemon can be told."""


def block(segment: Segment, events: int = 1_000, kinds: int = 1) -> Block:
    """One window of so many kinds."""
    drafts = [draft(0, events, kind=kind) for kind in range(kinds)]
    whole = draft(0, 0)
    facets = [facet for each in drafts for facet in each.facets]
    fragments = [text for each in drafts for text in each.fragments]
    window = Window(1, 0, "here", type(whole)(0, 50, facets, fragments, ()), 0)
    return Block(START, [window], segment.table)


class SegmentTests(SynchronousTestCase):
    """What it takes, and when the next one should begin."""

    def test_its_blocks_are_in_order_and_share_its_table(self) -> None:
        segment = Segment()
        blocks = [block(segment, kinds=kinds) for kinds in (1, 3, 2)]
        for each in blocks:
            segment.add(each)
        self.assertEqual(segment.blocks, blocks)
        self.assertEqual(len(segment.table.facets), 3)

    def test_it_takes_what_its_blocks_its_table_and_its_keyframe_take(self) -> None:
        keyframe = Keyframe(START, [b"x" * 1_000, b"y" * 1_000])
        segment = Segment(keyframe)
        self.assertEqual((segment.memory_bytes, segment.own_bytes), (0, 0))
        first = block(segment, kinds=3)
        segment.add(first)
        self.assertEqual(segment.own_bytes, segment.table.memory_bytes)
        self.assertGreater(segment.own_bytes, 3 * 100)
        keyframe.make(2)
        self.assertEqual(segment.own_bytes, segment.table.memory_bytes + keyframe.memory_bytes)
        self.assertEqual(segment.memory_bytes, first.memory_bytes + segment.own_bytes)

    def test_an_empty_one_is_not_full(self) -> None:
        self.assertFalse(Segment().is_full(1))

    def test_it_is_full_at_the_bound_of_a_segment(self) -> None:
        segment = Segment(Keyframe(START, []))
        segment.WORTH = 10**9
        segment.add(block(segment))
        self.assertTrue(segment.is_full(segment.memory_bytes))
        self.assertFalse(segment.is_full(segment.memory_bytes + 1))

    def test_it_is_full_when_its_blocks_are_worth_what_it_takes_by_itself(self) -> None:
        keyframe = Keyframe(START, [bytes(range(256)) * 40])
        keyframe.make(1)
        segment = Segment(keyframe)
        while not segment.is_full(1 << 40):
            before_bytes = segment.memory_bytes - segment.own_bytes
            segment.add(block(segment))
        blocks_bytes = segment.memory_bytes - segment.own_bytes
        self.assertLess(before_bytes, Segment.WORTH * segment.own_bytes)
        self.assertGreaterEqual(blocks_bytes, Segment.WORTH * segment.own_bytes)


class PlainPart(SynchronousTestCase):
    """The newest windows of a log are plain, and take their share of its bound at most."""

    def plain(self, log: MemoryLog) -> list[Window]:
        windows, position = [], log.tail
        while (window := log.after(position)) is not None:
            windows.append(window)
            position = window.position
        return windows

    def test_however_large_windows_are(self) -> None:
        for events in (200, 2_000, 10_000):
            log = MemoryLog("here", 3_600_000, MAX_BYTES)
            for number in range(120):
                log.append(draft(50 * number, events))
                windows = self.plain(log)
                taken_bytes = sum(window.memory_bytes for window in windows)
                self.assertLessEqual(taken_bytes, MAX_BYTES // PLAIN_SHARE + windows[-1].memory_bytes)
                self.assertLessEqual(log.memory_bytes, MAX_BYTES)

    def test_where_there_is_room_as_many_as_live_readers_need_are_plain(self) -> None:
        log = MemoryLog("here", 3_600_000, MAX_BYTES)
        for number in range(200):
            log.append(draft(50 * number, 200))
        self.assertGreaterEqual(len(self.plain(log)), PLAIN_WINDOWS)

    def test_under_a_small_bound_the_newest_is_plain_all_the_same(self) -> None:
        log = MemoryLog("here", 3_600_000, 1 << 20)
        for number in range(60):
            log.append(draft(50 * number, 10_000))
            self.assertGreaterEqual(len(self.plain(log)), 1)
        self.assertLess(len(self.plain(log)), PLAIN_WINDOWS)
