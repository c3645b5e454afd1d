"""One encoding of a batch for all readers that are to get the same.

What a group of equal clients reads at the head is made once, by whoever asks first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vizd.insight.finding import Finding
from vizd.log.window import Gap, Position, Window
from vizd.stream.encoding import JSON
from vizd.stream.filter import Filter
from vizd.stream.gaps import gap_fields
from vizd.stream.interfaces import IEncoder
from vizd.stream.position import position_to_text
from vizd.stream.recent import Recent

__all__ = ["MAX_BYTES", "MAX_EVENTS", "Frame", "Frames", "Part", "ReadPage", "batch", "select"]

MAX_EVENTS = 10_000
MAX_BYTES = 1 << 20
"""A message ends at the window that brings it to one of these (wire contract, "Order and completeness")."""

_FRAGMENT_OVERHEAD_BYTES = 33 + 8
"""Of a ``bytes`` object, and of its pointer."""


@dataclass(slots=True, eq=False)
class Frame:
    """One message to a client.

    :ivar events: how many it holds; a batch has at least one.
    :ivar framed: as it goes over the wire, made by whoever sends it first.
    """

    payload: bytes
    is_binary: bool
    events: int = 0
    framed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Part:
    """What a filter lets pass of one window: events as JSON, and how many of each type.

    It does not hold the window itself: parts are kept for a while, and the log's memory is bounded.

    :ivar fragments: events as JSON; where they come from a sealed block they may be one piece, with commas between.
    :ivar size_bytes: of the fragments. :ivar window_bytes: what the whole window takes in memory.
    """

    seq: int
    start_ms: int
    end_ms: int
    window_bytes: int
    fragments: Sequence[bytes]
    counts: Sequence[int]
    size_bytes: int

    @property
    def events(self) -> int:
        """How many."""
        return sum(self.counts)


def select(window: Window, by: Filter) -> Part | None:
    """What ``by`` lets pass of ``window``; ``None`` where that is nothing."""
    if not by.wants_types(window.types):
        return None
    if by.is_open:
        return _part(window, window.chunks, window.counts)
    fragments, counts = window.pick(by.verdicts)
    return _part(window, fragments, counts) if fragments else None


def _part(window: Window, fragments: Sequence[bytes], counts: Sequence[int]) -> Part:
    size_bytes = sum(map(len, fragments))
    return Part(window.seq, window.start_ms, window.end_ms, window.memory_bytes, fragments, counts, size_bytes)


def batch(parts: Sequence[Part], events: Sequence[bytes], encoder: IEncoder, extras: dict[str, Any]) -> Frame:
    """A batch of ``parts``, whose bounds are the hull of their windows.

    :param events: those of ``parts``, in order, as ``encoder`` writes them.
    :param extras: of the message, such as ``{"history": True}``.
    """
    counts = parts[0].counts if len(parts) == 1 else list(map(sum, zip(*(part.counts for part in parts), strict=True)))
    data = encoder.data(parts[0].start_ms, parts[-1].end_ms, events, counts)
    return Frame(encoder.batch(data, extras), encoder.is_binary, sum(counts))


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page of the log as one message.

    :ivar frame: ``None``: there was nothing for this filter. :ivar position: behind it.
    """

    frame: Frame | None
    position: Position


class Frames:
    """Makes batches, and keeps the newest for the next reader who asks for the same.

    :cvar MAX_KEPT: parts, and batches; 200 different filters in both encodings fit for two ticks.
    :cvar MAX_KEPT_BYTES: of each. :cvar MAX_PAST_BYTES: of pages behind the head, of snapshots, of findings.
    :cvar MAX_WINDOWS: whose events are kept as MessagePack.
    """

    MAX_KEPT = 1_024
    MAX_KEPT_BYTES = 16 << 20
    MAX_PAST_BYTES = 4 << 20
    MAX_WINDOWS = 8

    def __init__(self, epoch: bytes) -> None:
        """
        :param epoch: of the log whose windows these are.
        """
        self._epoch = epoch
        self._parts = Recent[tuple[Filter, int], Part | None](self.MAX_KEPT, self.MAX_KEPT_BYTES)
        self._batches = Recent[tuple[Any, ...], Frame](self.MAX_KEPT, self.MAX_KEPT_BYTES)
        self._pages = Recent[tuple[Filter, str, int], ReadPage](self.MAX_KEPT, self.MAX_PAST_BYTES)
        self._states = Recent[tuple[Any, ...], Frame](self.MAX_KEPT, self.MAX_PAST_BYTES)
        self._findings = Recent[tuple[int, str], Frame](self.MAX_KEPT, self.MAX_PAST_BYTES)
        self._encoded = Recent[int, dict[bytes, bytes]](self.MAX_WINDOWS, self.MAX_KEPT_BYTES)

    def part(self, window: Window, by: Filter) -> Part | None:
        """``select``, remembered."""
        key = (by, window.seq)
        if key in self._parts:
            return self._parts[key]
        part = select(window, by)
        size_bytes = part.size_bytes + _FRAGMENT_OVERHEAD_BYTES * len(part.fragments) if part else 0
        return self._parts.keep(key, part, size_bytes)

    def live(self, parts: Sequence[Part], by: Filter, encoder: IEncoder, position: Position) -> Frame:
        """One batch of ``parts``, remembered.

        :param parts: all that ``by`` lets pass from the window of the first of them through ``position``.
        """
        key = (by, encoder.name, parts[0].seq, position.seq)
        return self._batch(key, parts, encoder, {"position": self.position_text(position)})

    def provisional(self, parts: Sequence[Part], by: Filter, encoder: IEncoder, through_seq: int) -> Frame:
        """The same of windows that are not in the log yet.

        :param through_seq: that of the last of them.
        """
        key = (by, encoder.name, parts[0].seq, through_seq, "provisional")
        return self._batch(key, parts, encoder, {"provisional": True})

    def _batch(self, key: tuple[Any, ...], parts: Sequence[Part], encoder: IEncoder, extras: dict[str, Any]) -> Frame:
        if key in self._batches:
            return self._batches[key]
        events = [event for part in parts for event in self._events(part, encoder)]
        frame = batch(parts, events, encoder, extras)
        return self._batches.keep(key, frame, len(frame.payload))

    def page(
        self, windows: Sequence[Window], left: Position, by: Filter, encoder: IEncoder, behind: Position
    ) -> ReadPage:
        """What ``by`` lets pass of a page of the log, remembered.

        :param left: where the page begins. :param behind: where it ends.
        """
        parts = [part for window in windows if (part := select(window, by))]
        frame = None
        if parts:
            events = [event for part in parts for event in encoder.events(part.fragments)]
            frame = batch(parts, events, encoder, {"position": self.position_text(behind)})
        page = ReadPage(frame, behind)
        return self._pages.keep((by, encoder.name, left.seq), page, len(frame.payload) if frame else 0)

    def page_from(self, left: Position, by: Filter, encoder: IEncoder) -> ReadPage | None:
        """The page that begins there, if somebody has read it lately."""
        return self._pages.get((by, encoder.name, left.seq))

    def state(
        self,
        key: tuple[Any, ...],
        as_of_ms: int,
        fragments: Sequence[bytes],
        counts: Sequence[int],
        encoder: IEncoder,
        extras: dict[str, Any],
    ) -> Frame:
        """A batch of a snapshot, remembered.

        :param key: which snapshot, for whom, and which of its batches: what is equal has an equal one.
        """
        if key in self._states:
            return self._states[key]
        data = encoder.data(as_of_ms, as_of_ms, encoder.events(fragments), counts)
        frame = Frame(encoder.batch(data, extras), encoder.is_binary, sum(counts))
        return self._states.keep(key, frame, len(frame.payload))

    def finding(self, finding: Finding, encoder: IEncoder) -> Frame:
        """A ``finding`` message, remembered."""
        key = finding.change, encoder.name
        if key in self._findings:
            return self._findings[key]
        fields = {"type": "finding", **finding.fields(self.position_text)}
        frame = Frame(encoder.message(fields), encoder.is_binary)
        return self._findings.keep(key, frame, len(frame.payload))

    def gap(self, gap: Gap, position: Position, encoder: IEncoder) -> Frame:
        """A ``gap`` message of a live stream, which goes on at ``position``."""
        fields = {"type": "gap", **gap_fields(gap), "position": self.position_text(position)}
        return Frame(encoder.message(fields), encoder.is_binary)

    def position(self, position: Position, encoder: IEncoder) -> Frame:
        """A ``position`` message."""
        fields = {"type": "position", "position": self.position_text(position)}
        return Frame(encoder.message(fields), encoder.is_binary)

    def position_text(self, position: Position) -> str:
        """See ``stream.position``."""
        return position_to_text(self._epoch, position)

    def _events(self, part: Part, encoder: IEncoder) -> Sequence[bytes]:
        """Each event of ``part`` is encoded once, whatever the filters of its readers."""
        if encoder is JSON:
            return part.fragments
        encoded = self._encoded.get(part.seq)
        if encoded is None:
            encoded = self._encoded.keep(part.seq, {}, part.window_bytes)
        missing = [fragment for fragment in part.fragments if fragment not in encoded]
        encoded.update(zip(missing, encoder.events(missing), strict=True))
        return [encoded[fragment] for fragment in part.fragments]
