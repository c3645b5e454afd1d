"""What one reader received: counts, digests of every event in order, and what was wrong with a message.

Bytes in, numbers out: no socket and no clock. Parsing is as lazy as the proof allows, since the readers share
the machine with the daemon: JSON events are hashed as the bytes they came in.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

from bench.filters import SUMMARY_NAMES, Asked, Event, Facet, facet_of, passes

__all__ = ["Expected", "Received", "Reference", "Tally", "WindowSeen", "digest_of_lines"]

MAX_FAULTS_KEPT = 5


class _JsonData(msgspec.Struct):
    window_start: int
    window_end: int
    events: list[msgspec.Raw]
    summary: dict[str, int]


class _PackedData(msgspec.Struct):
    window_start: int
    window_end: int
    events: list[dict[str, Any]]
    summary: dict[str, int]


class _JsonMessage(msgspec.Struct):
    type: str
    data: _JsonData | None = None
    snapshot: bool = False
    history: bool = False
    provisional: bool = False


class _PackedMessage(msgspec.Struct):
    type: str
    data: _PackedData | None = None
    snapshot: bool = False
    history: bool = False
    provisional: bool = False


class _TypeOnly(msgspec.Struct):
    type: str


class _Typed(msgspec.Struct):
    event: _TypeOnly


_JSON = msgspec.json.Decoder(_JsonMessage)
_PACKED = msgspec.msgpack.Decoder(_PackedMessage)
_TYPES = msgspec.json.Decoder(list[_Typed])
_EVENTS = msgspec.json.Decoder(list[Event])
_canonical = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class WindowSeen:
    """One batch of the reference; ``digest`` is that of its events' JSON."""

    start_ms: int
    end_ms: int
    events: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Expected:
    """What a reader's filter lets pass of what the reference received; ``digest`` as in ``Received``."""

    events: int
    digest: str


@dataclass(slots=True)
class Received:
    """What a reader has to say in the end.

    :ivar digest: of all events in order: of their bytes for JSON, of their values for MessagePack.
    :ivar by_node: events by publishing node; empty for a filtered reader.
    :ivar gaps: as they were declared. :ivar closed: code and reason, if the daemon ended the connection.
    :ivar late_ms: receipt minus ``window_end``, by batch. :ivar starts_ms: ``window_start``, by batch.
    :ivar lengths_ms: of the batches' windows.
    """

    asked: Asked
    batches: int = 0
    events: int = 0
    digest: str = ""
    by_node: Counter[int] = field(default_factory=Counter)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    closed: str | None = None
    faults: list[str] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    starts_ms: list[int] = field(default_factory=list)
    lengths_ms: list[int] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Nothing was withheld; what is missing was lost."""
        return not self.closed and not self.gaps


def digest_of_lines(lines: Sequence[Any]) -> bytes:
    """Of one batch's events."""
    return blake2b(b"\n".join(lines), digest_size=8).digest()


class Tally:
    """Of one reader.

    :ivar received: up to now; complete after ``end``. :ivar pongs: received.
    """

    def __init__(self, asked: Asked) -> None:
        self.received = Received(asked)
        self.pongs = 0
        self._is_json = asked.is_json
        self._counts_nodes = asked.is_open
        self._hash = blake2b(digest_size=16)
        self._last_start_ms = 0
        self._is_connected = False
        self._faults = 0

    def take(self, payload: bytes, is_text: bool, now_ms: float) -> None:
        """A message as it came; ``now_ms`` when, milliseconds since the Unix epoch."""
        if is_text != self._is_json:
            self.fault(f"a {'text' if is_text else 'binary'} frame")
            return
        message: Any = (_JSON if is_text else _PACKED).decode(payload)
        if not self._is_connected and message.type != "connected":
            self.fault(f"{message.type!r} before 'connected'")
        match message.type:
            case "connected":
                self._is_connected = True
            case "batch":
                if message.snapshot or message.history or message.provisional or message.data is None:
                    self.fault(f"a batch that nobody asked for: {payload[:80]!r}")
                else:
                    self._batch(message.data, now_ms)
            case "pong":
                self.pongs += 1
            case "gap":
                self.received.gaps.append(self._decoded(payload))
            case "position":
                pass
            case _:
                self.fault(f"unexpected: {self._decoded(payload)}")

    def _decoded(self, payload: bytes) -> Any:
        return msgspec.json.decode(payload) if self._is_json else msgspec.msgpack.decode(payload)

    def _batch(self, data: Any, now_ms: float) -> None:
        received = self.received
        if not data.events:
            self.fault(f"a batch without events at {data.window_start}")
        if data.window_start <= self._last_start_ms:
            self.fault(f"window_start {data.window_start} after {self._last_start_ms}")
        if data.window_end <= data.window_start:
            self.fault(f"window_end {data.window_end} is not after window_start {data.window_start}")
        self._last_start_ms = data.window_start
        received.batches += 1
        received.events += len(data.events)
        received.late_ms.append(now_ms - data.window_end)
        received.starts_ms.append(data.window_start)
        received.lengths_ms.append(data.window_end - data.window_start)
        types = self._events_of_json(data) if self._is_json else self._events_of_values(data.events)
        counted = {SUMMARY_NAMES.get(name, name): count for name, count in types.items()}
        if data.summary != dict.fromkeys(SUMMARY_NAMES.values(), 0) | counted:
            self.fault(f"summary {data.summary} at {data.window_start}, counted {counted}")

    def _events_of_json(self, data: Any) -> Counter[str]:
        """Hash them; returns how many there are of each type."""
        events = data.events
        self._hash.update(b"\n".join(events) + b"\n" if events else b"")
        return Counter(each.event.type for each in _TYPES.decode(_array(events)))

    def _events_of_values(self, events: list[dict[str, Any]]) -> Counter[str]:
        self._hash.update(_canonical.encode_lines(events))
        if self._counts_nodes:
            self.received.by_node.update(each["node"] for each in events)
        return Counter(each["event"]["type"] for each in events)

    def fault(self, text: str) -> None:
        """Keep the first few and count all."""
        self._faults += 1
        if self._faults <= MAX_FAULTS_KEPT:
            self.received.faults.append(text)

    def end(self) -> Received:
        """Nothing more comes."""
        if self._faults > MAX_FAULTS_KEPT:
            self.received.faults.append(f"and {self._faults - MAX_FAULTS_KEPT} more")
        self.received.digest = self._hash.hexdigest()
        return self.received


class Reference(Tally):
    """The reader of everything, in JSON: it also says what the others are to get, and what a history is to say."""

    def __init__(self, asked: Asked, others: Sequence[Asked]) -> None:
        super().__init__(asked)
        self._others = others
        self._to_whom: dict[Facet, list[int]] = {}
        self._counts = [0] * len(others)
        self._hashes = [blake2b(digest_size=16) for _ in others]
        self.windows: list[WindowSeen] = []

    def _events_of_json(self, data: Any) -> Counter[str]:
        raw = data.events
        array = _array(raw)
        events = _EVENTS.decode(array)
        picked: list[list[int]] = [[] for _ in self._others]
        for at, event in enumerate(events):
            facet = facet_of(event)
            to_whom = self._to_whom.get(facet)
            if to_whom is None:
                to_whom = [index for index, asked in enumerate(self._others) if passes(facet, asked)]
                self._to_whom[facet] = to_whom
            for index in to_whom:
                picked[index].append(at)
        values = [_canonical.encode(each) for each in msgspec.json.decode(array)]
        for index, asked in enumerate(self._others):
            if picked[index]:
                lines: Sequence[Any] = raw if asked.is_json else values
                self._counts[index] += len(picked[index])
                self._hashes[index].update(b"\n".join([lines[at] for at in picked[index]]) + b"\n")
        self._hash.update(b"\n".join(raw) + b"\n" if raw else b"")
        self.received.by_node.update(event.node for event in events)
        self.windows.append(WindowSeen(data.window_start, data.window_end, len(raw), digest_of_lines(raw)))
        return Counter(event.event.type for event in events)

    @property
    def expected(self) -> dict[str, Expected]:
        """By the name of the reader."""
        return {
            asked.name: Expected(count, each.hexdigest())
            for asked, count, each in zip(self._others, self._counts, self._hashes, strict=True)
        }


def _array(events: Sequence[Any]) -> bytes:
    return b"[" + b",".join(events) + b"]"
