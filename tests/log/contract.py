"""What every kind of log promises. A kind's own test file mixes this in and says how to make one."""

from collections.abc import Callable, Iterable
from typing import Any

from zope.interface.verify import verifyObject

from tests.log.drafts import draft, mark
from tests.log.machine import ALIVE, FSYNC, HEAT, Wanted
from vizd.events.catalogue import KINDS
from vizd.log.interfaces import ILog
from vizd.log.window import START, Gap, PageLimits, Position, Window

SIZES = (PageLimits(), PageLimits(windows=1), PageLimits(windows=3), PageLimits(scanned=1), PageLimits(memory_bytes=1))
"""Ways to cut the same reading into pages."""


everything = Wanted(empty=True)
"""A reader without a filter, who wants empty windows too."""
nothing = Wanted(nodes=frozenset([99]))
with_events = Wanted()


class LogContract:
    """Mixed into a ``twisted.trial.unittest.TestCase``.

    :cvar TRIMS_LATE_BY: how many windows more than the bound of age asks for a kind may keep, where it lets go
        of many at once.
    """

    TRIMS_LATE_BY = 0

    async def make(
        self,
        *,
        max_age_ms: int = 3_600_000,
        max_bytes: int = 1 << 30,
        keyframe: Callable[[], Iterable[bytes]] = tuple,
    ) -> ILog:
        """An empty log, closed by the test's end."""
        raise NotImplementedError

    async def settle(self, log: ILog) -> None:
        """Return when every append is durable. At once, where an append is."""

    async def append(self, log: ILog, *drafts: object) -> None:
        for each in drafts:
            log.append(each)
        await self.settle(log)

    async def read_all(
        self,
        log: ILog,
        position: Position = START,
        stop: Position | None = None,
        wanted: Callable[[Any], bool] = everything,
        limits: PageLimits = SIZES[0],
    ) -> tuple[list[Gap], list[Window]]:
        """Page after page, until the reader stands at ``stop``: the head as it is now, if nothing else is said."""
        stop = stop or log.head
        gaps, windows = [], []
        while position.seq < stop.seq:
            page = await log.read(position, stop, wanted, limits)
            self.assertGreater(page.position.seq, position.seq, "a page must lead on")
            gaps += [page.gap] if page.gap else []
            windows += page.windows
            position = page.position
        return gaps, windows

    async def follow(self, log: ILog, position: Position = START) -> list[Window]:
        """As a live reader does: by the page up to the tail, then one window after the other."""
        windows: list[Window] = []
        while position.seq < log.tail.seq:
            page = await log.read(position, log.tail, everything)
            windows += page.windows
            position = page.position
        while (window := log.after(position)) is not None:
            windows.append(window)
            position = window.position
        return windows

    async def test_it_provides_what_the_interface_says(self) -> None:
        verifyObject(ILog, await self.make())

    async def test_an_empty_log_has_nothing_and_stands_at_the_start(self) -> None:
        log = await self.make()
        self.assertEqual((log.head, log.tail, log.oldest), (START, START, START))
        self.assertIsNone(log.oldest_start_ms)
        self.assertEqual(len(log.epoch), 8)
        self.assertIsNone(log.after(START))
        self.assertEqual(log.before_ms(0), START)
        self.assertEqual((log.oldest_event_ms, log.newest_event_ms), (None, None))
        page = await log.read(START, Position(10, 0, None), everything)
        self.assertEqual((page.gap, list(page.windows), page.position), (None, [], START))

    async def test_windows_come_in_the_order_of_their_appends_each_once(self) -> None:
        log = await self.make()
        await self.append(log, *[draft(100 * number, number % 3) for number in range(20)])
        for windows in (await self.follow(log), (await self.read_all(log))[1]):
            self.assertEqual([window.seq for window in windows], list(range(1, 21)))
            self.assertEqual(
                [list(window.fragments) for window in windows],
                [list(draft(100 * number, number % 3).fragments) for number in range(20)],
            )

    async def test_a_window_keeps_what_its_draft_held(self) -> None:
        log = await self.make()
        marks = [mark(2, 2), mark(3, 1)]
        given = draft(1_000, 3, 40, kind=5, marks=marks)
        await self.append(log, given)
        [window] = await self.follow(log)
        self.assertEqual((window.start_ms, window.end_ms), (1_000, 1_040))
        self.assertEqual(list(window.fragments), list(given.fragments))
        said = [(facet.kind, facet.nodes, facet.shard) for facet in window.facets]
        self.assertEqual(said, [(facet.kind, facet.nodes, facet.shard) for facet in given.facets])
        self.assertEqual(list(window.marks), marks)

    async def test_starts_increase_strictly_and_ends_lie_behind_them_whatever_the_clock_does(self) -> None:
        log = await self.make()
        clock = [5_000, 5_050, 5_050, 5_049, 1_000, 0, 5_051, 5_100, 5_100, 90_000, 5_200]
        await self.append(log, *[draft(opened_ms, length_ms=0) for opened_ms in clock])
        windows = await self.follow(log)
        starts = [window.start_ms for window in windows]
        self.assertEqual(starts[:8], [5_000, 5_050, 5_051, 5_052, 5_053, 5_054, 5_055, 5_100])
        self.assertEqual(sorted(set(starts)), starts)
        self.assertTrue(all(window.end_ms > window.start_ms for window in windows))

    async def test_a_reader_at_the_head_waits_there_and_goes_on_when_there_is_more(self) -> None:
        log = await self.make()
        await self.append(log, draft(0), draft(50))
        head = log.head
        self.assertIsNone(log.after(head))
        await self.append(log, draft(100, 4))
        window = log.after(head)
        self.assertEqual((window.seq, len(window.fragments)), (3, 4))
        self.assertEqual(window.position, log.head)

    async def test_a_position_tells_how_many_events_and_windows_lie_in_front_of_it(self) -> None:
        log = await self.make()
        await self.append(log, draft(0, 3), draft(50, 0), draft(100, 4))
        positions = [window.position for window in await self.follow(log)]
        self.assertEqual(positions, [Position(1, 3, 50), Position(2, 3, 100), Position(3, 7, 150)])
        self.assertEqual(log.head, positions[-1])

    async def test_listeners_are_told_of_each_append_in_order_when_it_can_be_read(self) -> None:
        log = await self.make()
        heard: list[tuple[str, int, int]] = []
        for name in "ab":
            log.listen(lambda window, name=name: heard.append((name, window.seq, log.head.seq)))
        await self.append(log, draft(0), draft(50, 0), draft(100))
        for name in "ab":
            self.assertEqual([each[1:] for each in heard if each[0] == name], [(1, 1), (2, 2), (3, 3)])

    async def test_a_listener_is_told_of_what_comes_after_it_only(self) -> None:
        log = await self.make()
        await self.append(log, draft(0))
        heard: list[int] = []
        log.listen(lambda window: heard.append(window.seq))
        await self.append(log, draft(50))
        self.assertEqual(heard, [2])

    async def test_how_a_reading_is_cut_into_pages_does_not_change_what_is_read(self) -> None:
        log = await self.make()
        kinds = [KINDS.index(kind) for kind in (FSYNC, FSYNC, FSYNC, ALIVE, HEAT)]
        drafts = [draft(50 * number, number % 4, kind=kinds[number * number % 5]) for number in range(300)]
        await self.append(log, *drafts)
        for wanted in (everything, with_events, nothing, Wanted(types=1 << ALIVE.type.index)):
            matching = [wanted.of(each.facets, each.fragments) for each in drafts]
            expected = [(seq, found) for seq, found in enumerate(matching, 1) if found or wanted.empty]
            for limits in SIZES:
                gaps, windows = await self.read_all(log, wanted=wanted, limits=limits)
                got = [(window.seq, wanted.of(window.facets, window.fragments)) for window in windows]
                self.assertEqual(gaps, [])
                self.assertEqual([each for each in got if each[1] or wanted.empty], expected)

    async def test_a_page_ends_at_the_window_that_brings_it_to_a_bound(self) -> None:
        log = await self.make()
        await self.append(log, *[draft(50 * number, number % 2) for number in range(30)])
        by_count = await log.read(START, log.head, with_events, PageLimits(windows=3))
        self.assertEqual(([window.seq for window in by_count.windows], by_count.position.seq), ([2, 4, 6], 6))
        by_scan = await log.read(START, log.head, with_events, PageLimits(scanned=3))
        self.assertEqual(([window.seq for window in by_scan.windows], by_scan.position.seq), ([2], 3))
        by_bytes = await log.read(START, log.head, everything, PageLimits(memory_bytes=1))
        self.assertEqual([window.seq for window in by_bytes.windows], [1])

    async def test_reading_stops_where_it_was_told_to(self) -> None:
        log = await self.make()
        await self.append(log, *[draft(50 * number) for number in range(10)])
        windows = await self.follow(log)
        behind_3, behind_7 = windows[2].position, windows[6].position
        gaps, windows = await self.read_all(log, behind_3, behind_7)
        self.assertEqual((gaps, [window.seq for window in windows]), ([], [4, 5, 6, 7]))
        page = await log.read(behind_3, behind_3, everything)
        self.assertEqual((list(page.windows), page.position), ([], behind_3))

    async def test_windows_are_trimmed_by_age_and_only_from_the_old_end(self) -> None:
        log = await self.make(max_age_ms=10_000)
        for number in range(1_000):
            await self.append(log, draft(100 * number, 3, length_ms=100))
            kept = log.head.seq - log.oldest.seq
            self.assertGreaterEqual(kept, min(log.head.seq, 101), "what ended 10,000 ms before the newest is kept")
            self.assertLessEqual(kept, 101 + self.TRIMS_LATE_BY)
        left = [window.seq for window in await self.follow(log, log.oldest)]
        self.assertEqual(left, list(range(log.oldest.seq + 1, 1_001)))

    async def test_windows_are_trimmed_by_bytes_and_only_from_the_old_end(self) -> None:
        log = await self.make(max_bytes=50_000)
        for number in range(600):
            await self.append(log, draft(50 * number, 20))
            self.assertLessEqual(log.memory_bytes, 50_000)
        kept = await self.follow(log, log.oldest)
        self.assertEqual([window.seq for window in kept], list(range(log.oldest.seq + 1, 601)))
        self.assertGreater(len(kept), 5)

    async def test_the_newest_window_stays_whatever_it_takes(self) -> None:
        log = await self.make(max_bytes=10)
        await self.append(log, draft(0, 20), draft(50, 20))
        self.assertEqual([window.seq for window in await self.follow(log, log.oldest)], [2])

    async def test_after_tells_that_a_window_is_not_among_the_newest(self) -> None:
        log = await self.make(max_age_ms=1_000)
        await self.append(log, *[draft(1_000 * number) for number in range(300)])
        with self.assertRaises(LookupError) as raised:
            log.after(START)
        self.assertIn(str(log.tail.seq + 1), str(raised.exception))
        self.assertEqual(log.after(log.tail).seq, log.tail.seq + 1)

    async def test_a_reader_behind_the_trimmed_end_is_told_what_it_misses_and_gets_the_rest(self) -> None:
        log = await self.make(max_age_ms=1_000)
        await self.append(log, *[draft(1_000 * number, number) for number in range(5)])
        reader = log.head
        await self.append(log, *[draft(1_000 * number, number) for number in range(5, 300)])
        [oldest, *_] = await self.follow(log, log.oldest)
        self.assertEqual(log.oldest_start_ms, oldest.start_ms)
        for limits in SIZES:
            gaps, windows = await self.read_all(log, reader, limits=limits)
            missing = range(6, oldest.seq)
            events = sum(seq - 1 for seq in missing)
            self.assertEqual(gaps, [Gap(reader.end_ms, oldest.start_ms, len(missing), events, "trimmed")])
            self.assertEqual([window.seq for window in windows], list(range(oldest.seq, 301)))

    async def test_a_range_that_was_trimmed_away_is_a_gap_that_ends_where_the_range_does(self) -> None:
        log = await self.make(max_age_ms=1_000)
        await self.append(log, *[draft(1_000 * number, number) for number in range(5)])
        reader = log.head
        await self.append(log, *[draft(1_000 * number, number) for number in range(5, 8)])
        stop = log.head
        await self.append(log, *[draft(1_000 * number, number) for number in range(8, 300)])
        for limits in SIZES:
            gaps, windows = await self.read_all(log, reader, stop, limits=limits)
            self.assertEqual((gaps, windows), ([Gap(reader.end_ms, stop.end_ms, 3, 5 + 6 + 7, "trimmed")], []))

    async def test_a_reader_from_the_very_beginning_has_no_time_in_front_of_its_gap(self) -> None:
        log = await self.make(max_age_ms=1_000)
        await self.append(log, *[draft(1_000 * number) for number in range(300)])
        [gap], _windows = await self.read_all(log)
        self.assertEqual((gap.from_ms, gap.windows, gap.events), (None, log.oldest.seq, log.oldest.total_events))

    async def test_a_time_leads_to_the_first_window_that_does_not_start_before_it(self) -> None:
        log = await self.make(max_age_ms=1_500)
        clock = [100, 200, 200, 190, 500, 2_000, 1_000, 2_100]
        await self.append(log, *[draft(20 * turn + at_ms) for turn in range(40) for at_ms in clock])
        kept = await self.follow(log, log.oldest)
        for at_ms in range(kept[0].start_ms - 3, kept[-1].start_ms + 3):
            expected = next((window.seq for window in kept if window.start_ms >= at_ms), None)
            position = log.before_ms(at_ms)
            self.assertEqual(position.seq, (expected or log.head.seq + 1) - 1, f"at {at_ms}")

    async def test_a_time_in_front_of_everything_leads_to_the_oldest_window(self) -> None:
        log = await self.make(max_age_ms=1_000)
        await self.append(log, *[draft(1_000 * number) for number in range(300)])
        self.assertGreater(log.oldest.seq, 0)
        self.assertEqual(log.before_ms(0), log.oldest)
        self.assertEqual(log.before_ms(2**63), log.head)

    async def test_an_instant_is_the_longest_beginning_of_the_log_whose_windows_had_all_ended(self) -> None:
        log = await self.make(max_age_ms=3_000)
        clock = [(0, 50), (50, 2_000), (100, 10), (200, 700), (1_000, 50), (2_500, 50), (2_550, 0)]
        steps = [(5_000 * turn + at_ms, length_ms) for turn in range(40) for at_ms, length_ms in clock]
        await self.append(log, *[draft(at_ms, 1, length_ms) for at_ms, length_ms in steps])
        kept = await self.follow(log, log.oldest)
        trimmed_ms = max([at_ms + length_ms for at_ms, length_ms in steps[: log.oldest.seq]], default=0)
        for at_ms in range(kept[0].start_ms - 30, log.head.end_ms + 30, 10):
            if at_ms < trimmed_ms:
                with self.assertRaises(LookupError):
                    log.ended_by(at_ms)
                continue
            behind = next((window.seq - 1 for window in kept if window.end_ms > at_ms), log.head.seq)
            self.assertEqual(log.ended_by(at_ms).seq, behind, f"at {at_ms}")
        self.assertEqual(log.ended_by(2**63), log.head)
        with self.assertRaises(LookupError):
            log.ended_by(0)

    async def test_of_an_empty_log_every_instant_is_its_beginning(self) -> None:
        log = await self.make()
        self.assertEqual(log.ended_by(10**12), START)
        keyframe = await log.keyframe(START)
        self.assertEqual((keyframe.position, list(keyframe.pieces())), (START, []))

    async def test_a_keyframe_is_the_state_of_the_folds_in_front_of_a_segment(self) -> None:
        folded: list[int] = []
        log = await self.make(max_age_ms=300_000, keyframe=lambda: [b"%d" % each for each in list(folded)])
        log.listen(lambda window: folded.append(window.seq))
        for number in range(1_000):
            await self.append(log, draft(1_000 * number, 2))
            if number % 97 == 0:
                await self.check_keyframes(log)
        await self.check_keyframes(log)
        self.assertGreater(log.oldest.seq, 600)

    async def check_keyframes(self, log: ILog) -> None:
        """From the oldest window on each place has one, that knows all in front of it and is not long ago."""
        for window in await self.follow(log, log.oldest):
            keyframe = await log.keyframe(window.position)
            self.assertLessEqual(keyframe.position.seq, window.seq)
            self.assertLess(window.seq - keyframe.position.seq, 150)
            self.assertGreaterEqual(keyframe.position.seq, log.oldest.seq)
            known = [int(piece) for piece in keyframe.pieces()]
            self.assertEqual(known, list(range(1, keyframe.position.seq + 1)))
        self.assertEqual((await log.keyframe(log.oldest)).position, log.oldest)
        if log.oldest.seq:
            with self.assertRaises(LookupError):
                await log.keyframe(START)

    async def test_the_times_of_events_are_those_of_windows_that_have_any(self) -> None:
        log = await self.make(max_age_ms=1_000)
        await self.append(log, draft(0, 0), draft(100, 2), draft(200, 0), draft(300, 1), draft(400, 0))
        self.assertEqual((log.oldest_event_ms, log.newest_event_ms), (100, 350))
        await self.append(log, draft(1_200, 0))
        self.assertEqual((log.oldest_event_ms, log.newest_event_ms), (300, 350))
        await self.append(log, draft(2_000, 0))
        self.assertEqual((log.oldest_event_ms, log.newest_event_ms), (None, None))
        await self.append(log, draft(2_100, 1))
        self.assertEqual((log.oldest_event_ms, log.newest_event_ms), (2_100, 2_150))

    async def test_a_clock_that_jumps_ahead_makes_everything_old_and_nothing_wrong(self) -> None:
        log = await self.make(max_age_ms=1_000)
        await self.append(log, *[draft(10 * number) for number in range(500)])
        await self.append(log, *[draft(10**9 + number) for number in range(800)])
        self.assertGreaterEqual(log.oldest.seq, 500)
        kept = await self.follow(log, log.oldest)
        self.assertEqual([window.seq for window in kept], list(range(501, 1_301)))

    async def test_a_clock_that_is_set_back_an_hour_trims_nothing_and_keeps_the_order(self) -> None:
        log = await self.make(max_age_ms=60_000)
        hour_ms = 3_600_000
        await self.append(log, *[draft(hour_ms + 50 * number) for number in range(200)])
        await self.append(log, *[draft(50 * number) for number in range(200)])
        windows = await self.follow(log)
        self.assertEqual([window.seq for window in windows], list(range(1, 401)))
        starts = [window.start_ms for window in windows]
        self.assertEqual(starts[199:], list(range(starts[199], starts[199] + 201)))
