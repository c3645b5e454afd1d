"""The forms that an answer of ``/api/history`` can have: one JSON value, JSON by the line, MessagePack.

Each says the same: the batches, what was trimmed while they were read, and at last the totals.
"""

from collections.abc import Sequence
from typing import Any

from zope.interface import implementer

from vizd.log.window import Gap
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.frames import Part
from vizd.stream.gaps import gap_fields
from vizd.web.interfaces import IFormat

__all__ = ["FORMATS", "format_for"]


@implementer(IFormat)
class _Json:
    content_type = b"application/json"

    def __init__(self) -> None:
        self._separator = b""
        self._gaps: list[dict[str, Any]] = []

    def begin(self) -> bytes:
        """See ``IFormat``."""
        return b'{"batches":['

    def batch(self, part: Part) -> Sequence[bytes]:
        """See ``IFormat``."""
        separator, self._separator = self._separator, b","
        return separator, *JSON.pieces(part.start_ms, part.end_ms, part.fragments, part.counts)

    def gap(self, gap: Gap) -> bytes:
        """See ``IFormat``; they stand together behind the batches."""
        self._gaps.append(gap_fields(gap))
        return b""

    def end(self, totals: dict[str, Any]) -> bytes:
        """See ``IFormat``."""
        return b"]," + JSON.message({"gaps": self._gaps, **totals})[1:]


@implementer(IFormat)
class _Ndjson:
    content_type = b"application/x-ndjson"

    def begin(self) -> bytes:
        """See ``IFormat``."""
        return b""

    def batch(self, part: Part) -> Sequence[bytes]:
        """See ``IFormat``."""
        return *JSON.pieces(part.start_ms, part.end_ms, part.fragments, part.counts), b"\n"

    def gap(self, gap: Gap) -> bytes:
        """See ``IFormat``."""
        return JSON.message({"gap": gap_fields(gap)}) + b"\n"

    def end(self, totals: dict[str, Any]) -> bytes:
        """See ``IFormat``."""
        return JSON.message(totals) + b"\n"


@implementer(IFormat)
class _MessagePack:
    """The maps of the lines of NDJSON, one behind the other."""

    content_type = b"application/msgpack"

    def begin(self) -> bytes:
        """See ``IFormat``."""
        return b""

    def batch(self, part: Part) -> Sequence[bytes]:
        """See ``IFormat``."""
        return (MESSAGEPACK.data(part.start_ms, part.end_ms, MESSAGEPACK.events(part.fragments), part.counts),)

    def gap(self, gap: Gap) -> bytes:
        """See ``IFormat``."""
        return MESSAGEPACK.message({"gap": gap_fields(gap)})

    def end(self, totals: dict[str, Any]) -> bytes:
        """See ``IFormat``."""
        return MESSAGEPACK.message(totals)


FORMATS: dict[bytes, type[_Json | _Ndjson | _MessagePack]] = {
    each.content_type: each for each in (_Json, _Ndjson, _MessagePack)
}
"""By media type."""


def format_for(accept: Sequence[bytes]) -> IFormat:
    """A new answer in the form that is asked for.

    :param accept: the values of the ``Accept`` headers. The known type with the greatest weight counts, JSON where
        there is none.
    """
    best, best_weight = _Json, 0.0
    for entry in b",".join(accept).split(b","):
        media_type, *parameters = (part.strip().lower() for part in entry.split(b";"))
        weight = next((_weight(each) for each in parameters if each.startswith(b"q=")), 1.0)
        if media_type in FORMATS and weight > best_weight:
            best, best_weight = FORMATS[media_type], weight  # type: ignore[assignment]
    made: IFormat = best()
    return made


def _weight(parameter: bytes) -> float:
    try:
        return float(parameter[2:])
    except ValueError:
        return 0.0
