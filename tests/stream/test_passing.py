"""Tests of ``vizd.stream.passing``."""

import json
from typing import Any

from tests.stream.test_conflated import StreamCase, heats, swims
from vizd.log.window import Page, Position
from vizd.stream import passing as passing_module
from vizd.stream.encoding import JSON
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame
from vizd.stream.passing import Passing

OPEN = Filter.of()


def said(frame: Frame | None) -> tuple[list[int], int, int]:
    """The ``ts`` of what it holds, how many it counts, and where it begins."""
    assert frame is not None
    batch: dict[str, Any] = json.loads(frame.payload)
    data = batch["data"]
    return [each["ts"] for each in data["events"]], batch["of"], data["window_start"]


class PassingTests(StreamCase):
    """Through windows that the log has."""

    def setUp(self) -> None:
        super().setUp()
        self.begin = self.log.head
        self.passing = Passing(self.source, JSON)

    def give(self, left: Position, windows: int) -> None:
        """So many behind ``left``."""
        found, position = [], left
        for _ in range(windows):
            window = self.log.after(position)
            assert window is not None
            found.append(window)
            position = window.position
        self.passing.give(Page(None, found, position))

    def test_transitions_are_sent_and_all_else_is_counted(self) -> None:
        self.window(*swims(2), *heats(range(5)))
        self.window(*swims(1, 2), *heats(range(4)))
        self.give(self.begin, 2)
        self.assertEqual(self.passing.to, self.log.head)
        position, frame = self.passing.go(self.begin, OPEN, self.log.head)
        self.assertEqual((position, said(frame)), (self.log.head, ([1, 2, 3], 12, 1_000_000)))
        self.assertEqual((self.passing.to, self.passing.since), (None, None))

    def test_what_is_only_counted_is_told_with_the_next_transition(self) -> None:
        self.window(*heats(range(5)))
        self.window(*heats(range(4)))
        self.window(*swims(1))
        self.window()
        self.give(self.begin, 2)
        position, frame = self.passing.go(self.begin, OPEN, self.log.head)
        self.assertEqual((frame, self.passing.since), (None, self.begin))
        self.give(position, 1)
        position, frame = self.passing.go(position, OPEN, self.log.head)
        self.assertEqual(said(frame), ([1], 10, 1_000_000))
        self.assertIsNone(self.passing.since)

    def test_or_at_the_head(self) -> None:
        self.window(*heats(range(5)))
        self.give(self.begin, 1)
        _, frame = self.passing.go(self.begin, OPEN, self.log.head)
        self.assertEqual(said(frame), ([], 5, 1_000_000))

    def test_where_nothing_passes_nothing_is_said(self) -> None:
        self.window(*heats(range(5)))
        self.give(self.begin, 1)
        position, frame = self.passing.go(self.begin, Filter.of(["raft"]), self.log.head)
        self.assertEqual((position, frame, self.passing.since), (self.log.head, None, None))

    def test_a_message_ends_at_the_window_that_fills_it_and_the_rest_stays_at_hand(self) -> None:
        for name, bound in (("MAX_EVENTS", 4), ("MAX_BYTES", 200)):
            self.patch(passing_module, name, bound)
            begin = self.log.head
            for turn in range(3):
                self.window(*swims(3, 3 * turn))
            self.give(begin, 3)
            position, frames = begin, []
            while self.passing.to:
                position, frame = self.passing.go(position, OPEN, self.log.head)
                frames += [said(frame)[0]] if frame else []
            right = [[1, 2, 3, 4, 5, 6], [7, 8, 9]] if name == "MAX_EVENTS" else [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
            self.assertEqual((position, frames), (self.log.head, right))
            self.patch(passing_module, name, 10**6)

    def test_what_was_put_back_can_be_given_again_and_is_counted_once(self) -> None:
        self.window(*heats(range(5)))
        self.window(*swims(1))
        self.give(self.begin, 1)
        position, _ = self.passing.go(self.begin, OPEN, self.log.head)
        self.give(position, 1)
        self.passing.put_back()
        self.assertIsNone(self.passing.to)
        self.give(position, 1)
        _, frame = self.passing.go(position, OPEN, self.log.head)
        self.assertEqual(said(frame)[:2], ([1], 6))

    def test_who_begins_anew_has_counted_nothing(self) -> None:
        self.window(*heats(range(5)))
        self.window(*swims(1))
        self.give(self.begin, 1)
        position, _ = self.passing.go(self.begin, OPEN, self.log.head)
        self.passing.forget()
        self.assertIsNone(self.passing.since)
        self.give(position, 1)
        _, frame = self.passing.go(position, OPEN, self.log.head)
        self.assertEqual(said(frame), ([1], 1, 1_000_050))

    def test_without_windows_it_goes_nowhere(self) -> None:
        with self.assertRaisesRegex(ValueError, "no windows at hand"):
            self.passing.go(self.begin, OPEN, self.log.head)
