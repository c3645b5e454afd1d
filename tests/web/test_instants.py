"""Tests of ``vizd.web.instants``: the state at any place is what a fold from the log's beginning gives there."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.log.disk.directories import opened_here
from tests.log.test_memory import seal_early
from tests.state.streams import Chronicle, Step, steps
from tests.state.test_keyframe import everything
from tests.stream.conversation import now
from tests.stream.made import Made, draft, fsyncs, made
from tests.web.wire import step
from vizd.folds import Folds
from vizd.log.memory import MemoryLog
from vizd.log.segment import Segment
from vizd.log.window import START, Draft, Page, Position, Window
from vizd.state import keyframe as keyframe_module
from vizd.state.projection import Projection
from vizd.state.view import View
from vizd.web.instants import Instants
from vizd.web.turns import Turns

HOUR_MS = 3_600_000


class Corrupt(SynchronousTestCase):
    """A log of which a part can't be read."""

    def test_behind_what_can_not_be_read_the_state_says_that_something_is_missing(self) -> None:
        seal_early(self.patch)
        directory, folds = Path(self.mktemp()), Folds(HOUR_MS)
        log = opened_here(directory, Clock(), HOUR_MS, 1 << 30)
        folds.follow(log)
        for number in range(40):
            log.append(draft(1_000 + 50 * number, [*fsyncs(2), made("Swim.Alive", node=number % 3)]))
        self.addCleanup(lambda: now(log.close()))
        damaged, other = log._heads[2], log._heads[1].behind
        with closing(sqlite3.connect(directory / "log.sqlite3")) as connection:
            connection.execute("UPDATE blocks SET whole = x'00' WHERE seq = ?", (damaged.before.seq + 1,))
            connection.commit()
        clock = Clock()
        instants = Instants(log, folds.projection, folds.empty_projection, Turns(clock))
        views: list[View] = []
        for position in (other, log.tail):
            ensureDeferred(instants.at(position)).addCallback(views.append)
            clock.pump([0] * 100)
        self.assertEqual([(each.position, each.truncated) for each in views], [(other, False), (log.tail, True)])


class Recorded(MemoryLog):
    """A log with its folds, that remembers all that was ever appended, and can be slow to be read.

    :ivar windows: all of them, trimmed or not. :ivar reads: so often was it read.
    :ivar wait: a read takes until this fires; ``None``: no time.
    """

    def __init__(self, max_age_ms: int = HOUR_MS, max_bytes: int = 1 << 30) -> None:
        self.folds = Folds(max_age_ms)
        super().__init__("test", max_age_ms, max_bytes, b"an epoch", self.folds.keyframe)
        self.folds.follow(self)
        self.windows: list[Window] = []
        self.listen(self.windows.append)
        self.reads = 0
        self.wait: Deferred[None] | None = None

    def add(self, events: Sequence[Made] = (), length_ms: int = 50) -> Position:
        """A window as soon as the last one has ended; the place behind it."""
        self.append(draft(self.head.end_ms or 1_000, events, length_ms))
        return self.head

    def add_windows(self, windows: Sequence[Window]) -> None:
        """The same once more."""
        for each in windows:
            length_ms = each.end_ms - each.start_ms
            self.append(Draft(each.start_ms, length_ms, each.facets, each.fragments, each.marks))

    async def read(self, *arguments: Any) -> Page:
        self.reads += 1
        if self.wait is not None:
            await self.wait
        return await super().read(*arguments)

    def folded(self, position: Position) -> View:
        """The state behind ``position``: every window from the first on, one after the other."""
        projection = self.folds.empty_projection()
        for window in self.windows[: position.seq]:
            projection.fold(window)
        return projection.view()

    def places(self) -> list[Position]:
        """All that it still has."""
        return [self.oldest, *(window.position for window in self.windows[self.oldest.seq :])]

    def borders(self) -> list[Position]:
        """Those with a keyframe."""
        keyframes = [now(self.keyframe(place)).position for place in self.places()]
        return [place for place in self.places() if place in keyframes]


def busy(number: int) -> list[Made]:
    """Something of each class, for the window with this number."""
    return [
        made("Swim.Suspect" if number % 3 else "Swim.Alive", node=number % 5, ts=number + 1),
        made("Raft.LeaderElected", shard=number % 4, term=number // 4 + 1, node=number % 5),
        made("Compaction.Progress", node=1, level=number % 7, pct=number % 100),
        made("Cache", name=f"c{number % 11}", hit_ratio=0.5, ts=number + 1),
        *(made("SlotHeat", node=2, level=1, slot=(number * 5 + each) % 64, ts=number + 1) for each in range(3)),
    ]


class Case(SynchronousTestCase):
    """A log whose segments are short, and the instants of it."""

    def setUp(self) -> None:
        seal_early(self.patch)
        self.patch(Segment, "MAX_AGE_MS", 300)
        self.patch(keyframe_module, "PIECE_ROWS", 8)
        self.clock = Clock()
        self.watch(Recorded())

    def watch(self, log: Recorded) -> None:
        self.log = log
        self.turns = Turns(self.clock)
        self.instants = Instants(log, log.folds.projection, log.folds.empty_projection, self.turns)

    def fill(self, windows: int = 60) -> None:
        for number in range(windows):
            self.log.add(busy(number))

    def ask(self, position: Position) -> "Deferred[View]":
        return ensureDeferred(self.instants.at(position))

    def at(self, position: Position) -> View:
        asked = self.ask(position)
        self.clock.advance(0)
        view: View = self.successResultOf(asked)
        return view

    def lookup_error(self, position: Position) -> None:
        asked = self.ask(position)
        self.clock.advance(0)
        self.failureResultOf(asked, LookupError)

    def check(self, position: Position) -> None:
        self.assertEqual(everything(self.at(position)), everything(self.log.folded(position)), position)


class AnyPlace(Case):
    """Whatever has happened, and wherever one looks."""

    def test_at_every_place_of_a_log_of_several_segments(self) -> None:
        self.fill()
        self.assertGreater(len(self.log.borders()), 5)
        for place in self.log.places():
            self.check(place)

    def test_at_every_place_that_trimming_has_left(self) -> None:
        for max_age_ms, max_bytes in ((1_500, 1 << 30), (HOUR_MS, 120_000)):
            self.watch(Recorded(max_age_ms, max_bytes))
            self.fill(110)
            self.assertGreater(self.log.oldest.seq, 30)
            self.assertGreater(len(self.log.borders()), 2)
            for place in self.log.places():
                self.check(place)

    @settings(deadline=None, max_examples=30)
    @given(steps(max_size=25))
    def test_of_any_log(self, given_steps: list[Step]) -> None:
        self.watch(Recorded(4_000))
        self.log.add_windows(list(Chronicle().windows(given_steps)))
        places = self.log.places()
        if self.log.oldest.seq:  # A jump of the clock may leave no keyframe in front of the oldest.
            while places[0] != self.log.head and not self.has_keyframe(places[0]):
                self.lookup_error(places.pop(0))
        for place in places:
            self.check(place)

    def has_keyframe(self, place: Position) -> bool:
        try:
            return bool(now(self.log.keyframe(place)).position)
        except LookupError:
            return False

    def test_of_an_empty_log_it_is_nothing(self) -> None:
        self.check(START)

    def test_what_is_appended_later_changes_nothing(self) -> None:
        self.fill(30)
        place = self.log.places()[17]
        view, before = self.at(place), self.log.folded(place)
        head, at_head = self.at(self.log.head), self.log.folded(self.log.head)
        self.fill(30)
        self.assertEqual(everything(view), everything(before))
        self.assertEqual(everything(head), everything(at_head))


class AtTheHead(Case):
    def test_it_is_there_at_once(self) -> None:
        self.fill(5)
        view = self.successResultOf(self.ask(self.log.head))
        self.assertEqual(everything(view), everything(self.log.folded(self.log.head)))
        self.assertIs(view, self.instants.now())
        self.assertEqual((self.log.reads, self.clock.getDelayedCalls()), (0, []))

    def test_whoever_asks_for_it_does_not_wait_for_those_who_ask_for_the_past(self) -> None:
        self.fill()
        past = self.ask(self.log.places()[10])
        self.assertEqual(self.successResultOf(self.ask(self.log.head)).position, self.log.head)
        self.assertNoResult(past)
        self.clock.advance(0)
        self.successResultOf(past)


class Trimmed(Case):
    def setUp(self) -> None:
        super().setUp()
        self.watch(Recorded(1_500))

    def test_a_place_in_front_of_the_oldest_is_a_lookup_error(self) -> None:
        self.fill(150)
        for seq in (0, self.log.oldest.seq - 1):
            self.lookup_error(Position(seq, 0, None))
        self.check(self.log.oldest)
        self.assertEqual(self.instants.waiting, 0)

    def test_one_that_is_trimmed_while_it_is_made_is_a_lookup_error(self) -> None:
        self.fill(150)
        place = self.log.windows[self.log.oldest.seq + 3].position
        asked = self.ask(place)
        step(self.clock)
        while self.log.oldest.seq <= place.seq:
            self.log.add(length_ms=1_000)
        self.clock.advance(0)
        self.failureResultOf(asked, LookupError)
        self.check(self.log.oldest)

    def test_the_beginning_of_a_log_that_is_trimmed_while_it_is_read_too(self) -> None:
        self.fill(20)
        place = self.log.places()[2]
        asked = self.ask(place)
        while self.log.oldest.seq <= place.seq:
            self.log.add(length_ms=1_000)
        self.clock.advance(0)
        self.failureResultOf(asked, LookupError)


class OneAtATime(Case):
    """Each takes the memory of a whole state."""

    def setUp(self) -> None:
        super().setUp()
        self.fill()
        self.here, self.there, self.elsewhere = (self.log.places()[at] for at in (11, 33, 45))

    def test_the_next_one_begins_when_the_one_before_is_made(self) -> None:
        self.log.wait = Deferred()
        first, second = self.ask(self.here), self.ask(self.there)
        self.clock.advance(0)
        self.assertEqual((self.log.reads, self.instants.waiting), (1, 2))
        waited, self.log.wait = self.log.wait, None
        waited.callback(None)
        self.clock.advance(0)
        self.assertEqual(self.successResultOf(first).position, self.here)
        self.assertEqual(self.successResultOf(second).position, self.there)
        self.assertEqual(self.instants.waiting, 0)

    def test_the_same_place_is_made_once_for_all_who_ask_for_it(self) -> None:
        self.at(self.here)
        once = self.log.reads
        asked = [self.ask(self.there) for _ in range(20)]
        self.clock.advance(0)
        views = {id(self.successResultOf(each)) for each in asked}
        self.assertEqual(len(views), 1)
        self.at(self.there)
        self.assertLess(self.log.reads, 3 * once)

    def test_one_that_is_there_is_not_waited_for(self) -> None:
        view = self.at(self.here)
        self.ask(self.there)
        self.assertIs(self.successResultOf(self.ask(self.here)), view)
        self.clock.advance(0)

    def test_no_more_than_a_few_are_kept(self) -> None:
        views = [self.at(place) for place in (self.here, self.there, self.elsewhere)]
        reads = self.log.reads
        self.assertEqual([self.at(self.there), self.at(self.elsewhere)], views[1:])
        self.assertEqual(self.log.reads, reads)
        self.check(self.here)
        self.assertGreater(self.log.reads, reads)

    def test_wherever_one_is_cancelled_the_others_get_theirs(self) -> None:
        for turns in range(8):
            self.watch(self.log)
            asked = [self.ask(place) for place in (self.here, self.there, self.elsewhere)]
            for _ in range(turns):
                step(self.clock)
            for each in asked[:2]:
                each.cancel()
                self.failureResultOf(each, CancelledError)
            self.clock.advance(0)
            self.assertEqual(self.successResultOf(asked[2]).position, self.elsewhere)
            self.assertEqual((self.instants.waiting, self.clock.getDelayedCalls()), (0, []))
            self.check(self.here)

    def test_one_whose_read_fails_leaves_nothing_locked(self) -> None:
        self.log.wait = Deferred()
        first, second = self.ask(self.here), self.ask(self.there)
        self.clock.advance(0)
        waited, self.log.wait = self.log.wait, None
        waited.errback(OSError("the disk is gone"))
        self.clock.advance(0)
        self.failureResultOf(first, OSError)
        self.assertEqual(self.successResultOf(second).position, self.there)
        self.assertEqual(self.instants.waiting, 0)


class Taken(Projection):
    """One that tells how much was put into it."""

    done = 0

    def fold(self, window: Window) -> None:
        type(self).done += 1
        super().fold(window)

    def put_older(self, part: Any) -> bool:
        type(self).done += len(part.facets)
        return super().put_older(part)


class InTurns(Case):
    """Nobody is held up by it for long."""

    def test_each_piece_of_the_keyframe_and_each_page_takes_a_turn_of_its_own(self) -> None:
        self.log.add([made("SlotHeat", node=1, slot=slot) for slot in range(200)])
        self.fill(120)
        place = self.log.places()[-1 - 4]
        keyframe = now(self.log.keyframe(place))
        windows_behind = place.seq - keyframe.position.seq
        pieces = list(keyframe.pieces())
        self.assertGreater(len(pieces), 30)
        self.instants = Instants(self.log, self.log.folds.projection, lambda: Taken(HOUR_MS), self.turns)
        asked, most, taken = self.ask(place), 0, 0
        while not asked.called:
            done, reads = Taken.done, self.log.reads
            step(self.clock)
            taken += 1
            most = max(most, Taken.done - done)
            self.assertLessEqual(self.log.reads - reads, 1)
        self.successResultOf(asked)
        self.assertGreater(windows_behind, 0)
        self.assertGreaterEqual(taken, len(pieces), "all but the end, and a page")
        self.assertLessEqual(most, max(keyframe_module.PIECE_ROWS, windows_behind))

    def test_a_long_way_from_the_keyframe_is_read_page_by_page(self) -> None:
        self.patch(Segment, "MAX_AGE_MS", HOUR_MS)
        self.patch(Segment, "WORTH", 10**9)
        self.watch(Recorded())
        self.fill(500)
        self.instants = Instants(self.log, self.log.folds.projection, lambda: Taken(HOUR_MS), self.turns)
        asked = self.ask(self.log.places()[-2])
        while not asked.called:
            done = Taken.done
            step(self.clock)
            self.assertLessEqual(Taken.done - done, 100)
        self.assertGreater(self.log.reads, 4)

    def test_of_large_windows_a_turn_folds_a_few(self) -> None:
        self.patch(Segment, "MAX_AGE_MS", HOUR_MS)
        self.patch(Segment, "WORTH", 10**9)
        self.watch(Recorded())
        for number in range(60):
            self.log.add(fsyncs(200, first=1_000 * number))
        self.instants = Instants(self.log, self.log.folds.projection, lambda: Taken(HOUR_MS), self.turns)
        asked = self.ask(self.log.places()[-2])
        while not asked.called:
            done = Taken.done
            step(self.clock)
            self.assertLessEqual(200 * (Taken.done - done), 800)

    def test_others_have_their_turns_in_between(self) -> None:
        self.fill()
        asked = self.ask(self.log.places()[40])
        others = [self.turns.take() for _ in range(3)]
        for _ in range(4):
            step(self.clock)
        self.assertEqual([each.called for each in others], [True] * 3)
        self.assertFalse(asked.called)
        self.clock.advance(0)
        self.successResultOf(asked)
