"""What happened in each step of time: events by type, and of each node its fsyncs, pressure and liveness.

A fold over the log's windows, beside ``Coverage``; how an answer is made of it is ``Chart``'s subject. A window counts
in the second in which it starts.
"""

import re
import struct
from collections import deque
from collections.abc import Iterable, Iterator

from vizd.events.catalogue import TYPES
from vizd.log.window import Window
from vizd.state.coverage import Coverage
from vizd.state.reading import Reading
from vizd.state.series import Series, width_kept
from vizd.state.steps import Steps, steps_of
from vizd.state.subject import LIVENESS, Subject
from vizd.state.tally import FsyncTally
from vizd.state.timeline_keyframe import COUNTS_INDEX, Place, parts, place_and_subjects, take_history

__all__ = ["COUNTS", "LIVENESS", "Subject", "Timeline"]

COUNTS = struct.Struct(f"<{len(TYPES)}Q")
"""A record of how many events there were, in the order of the catalogue."""

_LEAVE = LIVENESS.index("leave")

_PRESSURE = re.compile(rb'"data":\{"node":(\d+),"kind":\{"kind":"WritePressureUpdate","ratio":([-+.\de]+),')
_SWIM = re.compile(rb'"type":"Swim","data":\{"node":(\d+),"kind":"(\w+)"\}')
_LOOKED_INTO = sum(1 << each.index for each in TYPES if each.name in ("Wal", "Lsm", "Swim"))

_LONGEST_S = 10
"""Of a window that says that nothing else happened until its end. A longer one tells of a daemon that stood still."""
_TURN_OF_ALL = 100
"""Windows in which every node is tended once: five seconds of them, at the default pace."""
_SUBJECT_BYTES = 2_000
"""Of a subject without records."""


def _summed(records: Iterable[bytes]) -> bytes:
    return COUNTS.pack(*map(sum, zip(*map(COUNTS.unpack, records), strict=True)))


class Timeline:
    """Folded over a log from its beginning, or from a keyframe; ``coverage`` first of each window.

    What is kept, and how finely, is said in ``series.TIERS``. Bounded by ``max_nodes`` and ``max_bytes``: nodes that
    publish drive out nodes that are only spoken of, and where there is still no room, a new one is left out. Where
    a node has more than its share of the bytes, the oldest of it goes.

    :ivar coverage: of the same log.
    """

    MAX_NODES = 1_000
    MAX_BYTES = 64 << 20

    def __init__(self, coverage: Coverage, max_nodes: int = MAX_NODES, max_bytes: int = MAX_BYTES) -> None:
        self.coverage = coverage
        self._max_nodes = max_nodes
        self._max_bytes = max_bytes
        self._counts = Series(_summed)
        self._subjects: dict[int, Subject] = {}
        self._by_index: dict[int, Subject] = {}
        self._indexes = 0
        self._tally = FsyncTally(self._index_of)
        self._tended: deque[int] = deque()
        self._second: int | None = None
        self._open_counts = [0] * len(TYPES)
        self._open_pressures: dict[int, float] = {}
        self._oldest_ms: int | None = None
        self._newest_ms = 0
        self._left_out_s: int | None = None
        self._is_crowded = False

    @property
    def truncated(self) -> bool:
        """There were too many nodes, and of some nothing is told."""
        oldest_s = (self._oldest_ms or 0) // 1_000
        return self.coverage.truncated or (self._left_out_s is not None and self._left_out_s >= oldest_s)

    @property
    def memory_bytes(self) -> int:
        """About what it takes."""
        subjects = self._subjects.values()
        return self._counts.memory_bytes + sum(each.readings.memory_bytes + _SUBJECT_BYTES for each in subjects)

    @property
    def counts(self) -> Series:
        """``COUNTS`` records."""
        return self._counts

    @property
    def silent(self) -> range:
        """The seconds behind the newest one with a record of which the newest window says that nothing happened."""
        if self._second is None:
            return range(0)
        return range(self._second + 1, min(-(-self._newest_ms // 1_000), self._second + _LONGEST_S))

    @property
    def subjects(self) -> dict[int, Subject]:
        """By node."""
        return self._subjects

    # Folding.

    def fold(self, window: Window) -> None:
        """The next window of the log, with all its events."""
        second = window.start_ms // 1_000
        if self._second is None:
            self._oldest_ms = window.start_ms
        elif second != self._second:
            silent = self.silent
            self.flush()
            for each in range(silent.start, min(silent.stop, second)):
                self._counts.put(each, COUNTS.pack(*self._open_counts))
        self._second = second
        self._newest_ms = max(self._newest_ms, window.end_ms)
        if window.types:
            self._open_counts = [before + more for before, more in zip(self._open_counts, window.counts, strict=True)]
        if window.types & _LOOKED_INTO:
            for text in self._tally.add(window.facets, window.fragments):
                self._look_into(text, second)
        if self._is_crowded:  # Not before: the tally was being added to.
            self._drive_out_one()
        self._tend(second)

    def trim(self, before_ms: int) -> None:
        """The log has nothing before this any more; cheap to call often."""
        if self._oldest_ms is not None:
            self._oldest_ms = max(self._oldest_ms, before_ms)

    def flush(self) -> None:
        """Put what the newest second has so far where readers look. Cheap if nothing is new."""
        second = self._second
        if second is None:
            return
        self._counts.put(second, COUNTS.pack(*self._open_counts))
        self._open_counts = [0] * len(TYPES)
        pressures, self._open_pressures = self._open_pressures, {}
        tallied = self._tally.take()
        for index in tallied.keys() | pressures.keys():
            bins, longest_ms = tallied.get(index, ({}, 0))
            record = Reading(bins, longest_ms, pressures.get(index)).packed()
            self._by_index[index].readings.put(second, record)

    def _look_into(self, text: bytes, second: int) -> None:
        if found := _SWIM.search(text):
            subject = self._subject(int(found[1]))
            if subject:
                subject.liveness.note(second, LIVENESS.index(found[2].decode().lower()))
        elif found := _PRESSURE.search(text):
            subject, ratio = self._subject(int(found[1])), float(found[2])
            if subject:
                self._open_pressures[subject.index] = max(ratio, self._open_pressures.get(subject.index, ratio))

    # Nodes.

    def _index_of(self, node: int) -> int | None:
        subject = self._subject(node)
        return subject.index if subject else None

    def _subject(self, node: int) -> Subject | None:
        """The node, known from now on if there is room."""
        subject = self._subjects.get(node)
        if subject is None:
            if len(self._subjects) >= self._max_nodes:
                self._left_out_s = self._second
                self._is_crowded |= node in self.coverage
                return None
            self._indexes += 1
            subject = self._subjects[node] = self._by_index[self._indexes] = Subject(node, self._indexes)
        return subject

    def _drive_out_one(self) -> None:
        """A node that publishes found no room; the next time it shall."""
        self._is_crowded = False
        spoken_of = next((each for each in self._subjects.values() if each.node not in self.coverage), None)
        if spoken_of is not None:
            self._forget(spoken_of)

    def _forget(self, subject: Subject) -> None:
        self.flush()
        self._tally.forget()
        del self._subjects[subject.node], self._by_index[subject.index]

    def _tend(self, second: int) -> None:
        """Tend the next few nodes."""
        oldest_s = (self._oldest_ms or 0) // 1_000
        for _ in range(1 + len(self._subjects) // _TURN_OF_ALL):
            if not self._tended:
                self._counts.tend(second, oldest_s)
                self._tended.extend(self._by_index)
                continue
            subject = self._by_index.get(self._tended.popleft())
            if subject is not None:
                subject.readings.tend(second, oldest_s)
                subject.readings.shed(self._max_bytes // len(self._subjects))
                subject.liveness.trim(oldest_s)
                if subject.readings.is_empty:
                    self._forget_if_gone(subject, oldest_s)

    def _forget_if_gone(self, subject: Subject, oldest_s: int) -> None:
        """What Swim says stays until something else is said, except that a node has left."""
        newest = subject.liveness.newest
        if newest is None or (newest[1] == _LEAVE and newest[0] < oldest_s):
            self.flush()  # It may have something in the newest second.
            if subject.readings.is_empty:
                self._forget(subject)

    # Keyframes.

    def keyframe(self) -> dict[str, Iterator[bytes]]:
        """Pieces of all that it knows now, by the name of a part: see ``timeline_keyframe.parts``."""
        self.flush()
        place = Place(
            self._oldest_ms, self._newest_ms, self._second, self._indexes, self._left_out_s, list(self._tended),
            self._counts.outline(),
        )  # fmt: skip
        return parts(place, self._counts, list(self._subjects.values()))

    def restore(self, pieces: Iterable[bytes]) -> None:
        """Know what the keyframe's own part knew; before the first window. What the other parts tell is still missing.

        :raises ValueError: it can't be read; nothing has changed then.
        """
        place, subjects = place_and_subjects(pieces)
        self._oldest_ms, self._newest_ms, self._second = place.oldest_ms, place.newest_ms, place.second
        self._indexes, self._left_out_s = place.indexes, place.left_out_s
        self._tended.extend(place.tended)
        self._counts.restore(place.counts, place.second or 0)
        self._subjects = {each.node: each for each in subjects}
        self._by_index = {each.index: each for each in subjects}

    def restore_history(self, part: str, pieces: Iterable[bytes]) -> None:
        """Take what one keyframe tells of a time that is over; of each part the oldest keyframe first.

        :raises ValueError: it can't be read; of that time there is nothing then.
        """
        readings = {index: each.readings for index, each in self._by_index.items()}
        take_history(part, pieces, {COUNTS_INDEX: self._counts, **readings})

    # Answers.

    def steps(self, from_ms: int | None = None, to_ms: int | None = None, step_ms: int | None = None) -> Steps | None:
        """The steps of that part of a range that the log has; ``None`` before the first window.

        :raises ValueError: there would be too many; see ``steps_of``.
        """
        if self._oldest_ms is None or self._second is None:
            return None
        newest_s = self._second
        to_ms = self._newest_ms if to_ms is None else min(to_ms, self._newest_ms)
        from_ms = self._oldest_ms if from_ms is None else max(from_ms, self._oldest_ms)
        return steps_of(min(from_ms, to_ms), to_ms, step_ms, lambda second: width_kept(newest_s - second))
