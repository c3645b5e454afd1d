"""Folds that were taken up from keyframes, beside those that the keyframes were made of."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tests.state.test_keyframe import everything
from vizd.folds import OF_USE_MS, Folds
from vizd.insight.thresholds import Thresholds
from vizd.log.window import START, Position, Window
from vizd.state.chart import chart

MAX_AGE_MS = 3_000
_STEPS_MS = (None, 5_000, 60_000)


class Stored:
    """A keyframe as a log has it, as soon as it is whole.

    :ivar is_whole: there is nothing left to be made.
    """

    def __init__(self, position: Position, parts: Iterator[tuple[str, bytes]]) -> None:
        self.position = position
        self.parts: dict[str, list[bytes]] = {}
        self.is_whole = False
        self._left = parts

    def make(self, count: int) -> None:
        """The next pieces."""
        for _ in range(count):
            made = next(self._left, None)
            if made is None:
                self.is_whole = True
                return
            self.parts.setdefault(made[0], []).append(made[1])


class Keyframes:
    """Those of a log, in order."""

    def __init__(self) -> None:
        self.all: list[Stored] = []

    def draw(self, position: Position, folds: Folds) -> None:
        """One is begun."""
        self.all.append(Stored(position, folds.parts()))

    def make(self, count: int) -> None:
        """Go on with the oldest that is not whole."""
        for each in self.all:
            if not each.is_whole:
                each.make(count)
                return

    def make_all(self) -> None:
        """Go on until all are whole."""
        while not all(each.is_whole for each in self.all):
            self.make(1_000)

    def restored(self, thresholds: Thresholds | None = None) -> tuple[Folds, Position]:
        """From the newest that is whole; from nothing, where none is. And where that was made."""
        folds = Folds(MAX_AGE_MS, thresholds)
        whole = [each for each in self.all if each.is_whole]
        if not whole:
            return folds, START
        newest = whole[-1]

        def history(part: str) -> Iterator[Iterable[bytes]]:
            oldest_ms = (newest.position.end_ms or 0) - (OF_USE_MS[part] or 0)
            return (each.parts[part] for each in whole if (each.position.end_ms or 0) >= oldest_ms)

        folds.restore(newest.position, newest.parts.__getitem__, history)
        return folds, newest.position


def fold(folds: Folds, window: Window, kept_ms: int) -> None:
    """The next window of a log that keeps so much."""
    folds.fold(window, window.start_ms - kept_ms)


def answers(folds: Folds) -> dict[str, Any]:
    """Everything that they can be asked."""
    coverage, timeline, insight = folds.coverage, folds.timeline, folds.insight
    charts = [b"".join(chart(timeline, timeline.steps(None, None, step_ms))) for step_ms in _STEPS_MS]
    edges = [(coverage.oldest_ms or 0) + moved_ms for moved_ms in (0, 700, 30_000, 10**7)]
    ranges = [(begin, end) for begin in edges for end in edges]
    return {
        "state": everything(folds.projection.view()),
        "nodes": list(coverage.nodes()),
        "covered": [(node, coverage.covered(node, *each)) for node in coverage for each in ranges],
        "charts": charts,
        "findings": insight.findings(),
        "changed": list(insight.changed_since(0)),
        "insight": (insight.changes, insight.no_data, insight.truncated),
        "truncated": (coverage.truncated, timeline.truncated),
        "positions": [(publisher, msgspec.structs.astuple(place)) for publisher, place in folds.positions],
    }
