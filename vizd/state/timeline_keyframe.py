"""A timeline as bytes, and back.

An hour of many nodes is much, and what is over does not change. So a keyframe of the timeline has several parts:
``timeline`` says which nodes there are and how far each has come; each part of ``HISTORY`` has the records of one
width that the keyframe before it did not have. To restore one takes the newest ``timeline``, and of each part of the
history all that are still of use.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec

from vizd.state.changes import Changes
from vizd.state.pieces import Codec, slices
from vizd.state.series import TIERS, Columns, Outline, Series
from vizd.state.subject import Subject

__all__ = ["COUNTS_INDEX", "HISTORY", "PART", "Place", "parts", "place_and_subjects", "take_history"]

VERSION = 1
PART = "timeline"
HISTORY = {f"{PART}/{width_s}": keep_s * 1_000 for width_s, keep_s in TIERS}
"""By part, for how many milliseconds after it was made it is of use."""
COUNTS_INDEX = 0
"""Of the counts, among the indexes of subjects."""

_TIER = {part: tier for tier, part in enumerate(HISTORY)}
_SUBJECTS = 64
_SERIES = 8
"""In a piece: made in about 0.2 ms."""


class Place(msgspec.Struct, array_like=True, tag="place"):
    """See ``Timeline``."""

    oldest_ms: int | None
    newest_ms: int
    second: int | None
    indexes: int
    left_out_s: int | None
    tended: list[int]
    counts: Outline


class _Row(msgspec.Struct, array_like=True):
    """One subject, without its records."""

    node: int
    index: int
    liveness: tuple[bytes, bytes]
    outline: Outline


class _Subjects(msgspec.Struct, array_like=True, tag="subjects"):
    """In the order in which they came."""

    rows: list[_Row]


class _Records(msgspec.Struct, array_like=True, tag="records"):
    """By the index of the subject."""

    rows: list[tuple[int, Columns]]


_codec: Codec[Place | _Subjects] = Codec(VERSION, Place | _Subjects)
_history: Codec[_Records] = Codec(VERSION, _Records)


class _Told:
    """A series, as far as a keyframe tells of it."""

    __slots__ = ("index", "newest", "outline", "second", "series")

    def __init__(self, index: int, series: Series, outline: Outline, second: int) -> None:
        self.index = index
        self.series = series
        self.outline = outline
        self.second = second
        self.newest = series.newest(second)

    def to_s(self, tier: int) -> int:
        return self.outline.through_s[tier] if tier else self.second

    def columns(self, tier: int) -> Columns:
        starts, sizes, records = self.series.untold(tier, self.to_s(tier))
        if tier or self.newest is None:
            return starts, sizes, records
        size = len(self.newest)
        return starts + self.second.to_bytes(8, "little"), sizes + size.to_bytes(4, "little"), records + self.newest


def parts(place: Place, counts: Series, subjects: Sequence[Subject]) -> dict[str, Iterator[bytes]]:
    """By name, pieces of what is known now.

    They may be made while the timeline is folded on, within a minute or two: later a second may have been trimmed that
    they are to tell of, and then it is missing. What the pieces of a part have told the next keyframe does not.
    """
    rows = [_Row(each.node, each.index, each.liveness.columns(), each.readings.outline()) for each in subjects]
    made = {PART: _codec.pieces(chain([place], map(_Subjects, slices(rows, _SUBJECTS))))}
    told: list[_Told] = []
    if place.second is not None:
        told.append(_Told(COUNTS_INDEX, counts, place.counts, place.second))
        for each, row in zip(subjects, rows, strict=True):
            told.append(_Told(each.index, each.readings, row.outline, place.second))
    return made | {part: _history.pieces(_records(told, tier)) for part, tier in _TIER.items()}


def _records(told: Sequence[_Told], tier: int) -> Iterator[_Records]:
    for part in slices(told, _SERIES):
        rows = [(each.index, each.columns(tier)) for each in part]
        rows = [(index, columns) for index, columns in rows if columns[0]]
        if rows:
            yield _Records(rows)
    for each in told:
        each.series.tell(tier, each.to_s(tier))


def place_and_subjects(pieces: Iterable[bytes]) -> tuple[Place, list[Subject]]:
    """What the part ``timeline`` says; the subjects are still without records.

    :raises ValueError: it can't be read.
    """
    place, contents = _codec.begun_by(Place, pieces)
    subjects = []
    for content in contents:
        for row in content.rows if isinstance(content, _Subjects) else ():
            subject = Subject(row.node, row.index)
            subject.liveness = Changes.of(*row.liveness)
            subject.readings.restore(row.outline, place.second or 0)
            subjects.append(subject)
    return place, subjects


def take_history(part: str, pieces: Iterable[bytes], series: Mapping[int, Series]) -> None:
    """Give each series what one keyframe tells of it.

    :param part: one of ``HISTORY``. :param series: by the index of the subject; of others nothing is taken.
    :raises ValueError: it can't be read; nothing has changed then.
    """
    for content in list(_history.contents(pieces)):
        for index, columns in content.rows:
            if index in series:
                series[index].take(_TIER[part], columns)
