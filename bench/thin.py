"""One client on a thin line: what it was sent, and whether that keeps the law of budgets.

The law: sent or counted, every transition sent, and within the budget. Events of the log are known by their number,
since a position says how many there are up to it.
"""

import asyncio
import base64
import json
import struct
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgpack
import websockets

from bench.filters import SUMMARY_NAMES, Asked

__all__ = ["Heard", "Known", "Line", "violations"]

SPAN_S = 2.0
_KEYLESS = (
    *("Wal.SegmentRoll", "Wal.SegmentGc", "Compaction.GuardRebalance", "Raft.VoteReq", "Raft.VoteGranted"),
    *("Lsm.FlushTriggered", "Lsm.L0AdmissionStart", "Lsm.L0AdmissionComplete"),
)
_TRANSITIONS = ("Raft.LeaderElected", "Raft.StepDown", "Wal.CorruptionTruncated")
_POSITION = struct.Struct(">8sQQQ")


def name_of(event: dict[str, Any]) -> str:
    """Such as ``Raft.StepDown``."""
    kind = event["event"]["data"].get("kind", "")
    return f"{event['event']['type']}.{kind['kind'] if isinstance(kind, dict) else kind}"


def is_transition(name: str) -> bool:
    """By the classes of the contract."""
    return name in _TRANSITIONS or name.startswith(("Swim.", "Shard."))


def key_of(event: dict[str, Any]) -> tuple[Any, ...] | None:
    """What "the newest one" of a phase or gauge is counted by; ``None`` for transitions and logs."""
    name = name_of(event)
    if name in _KEYLESS or is_transition(name):
        return None
    data = event["event"]["data"]
    kind = data["kind"] if isinstance(data.get("kind"), dict) else {}
    life = {"Scheduled": "c", "Start": "c", "Progress": "c", "Finish": "c", "FlushStart": "f", "FlushComplete": "f"}
    who = (data["name"], event["node"]) if name == "Cache." else (data.get("node"), _level(data, kind))
    return life.get(name.partition(".")[2], name), who, event.get("shard"), data.get("slot"), kind.get("slot_id")


def _level(data: dict[str, Any], kind: dict[str, Any]) -> int | None:
    level: int | None = data.get("level", kind.get("level"))
    return level


def events_before(position: str) -> int:
    """Of the log, in front of a position."""
    return int(_POSITION.unpack(base64.urlsafe_b64decode(position)[: _POSITION.size])[2])


@dataclass(slots=True)
class Heard:
    """One message.

    :ivar size_bytes: of its payload. :ivar place: events of the log up to its position; ``None``: it has none.
    :ivar has_transitions: it is exempt from the budget.
    """

    at_s: float
    kind: str
    size_bytes: int
    place: int | None
    sent: int
    of: int
    counts: Sequence[int]
    transitions: Sequence[str]
    has_transitions: bool
    late_ms: float | None = None


@dataclass
class Line:
    """One client.

    :ivar kbps: its budget. :ivar stalls_s: it reads nothing for so long, now and then. :ivar begins: events of the log
        when it came. :ivar newest: of each key of a phase or gauge, as text.
    """

    name: str
    asked: Asked
    kbps: int
    stalls_s: float = 0.0
    heard: list[Heard] = field(default_factory=list)
    begins: int | None = None
    newest: dict[Any, str] = field(default_factory=dict)

    async def listen(self, port: int, stop: asyncio.Event, quiet_s: float) -> None:
        """Until nothing has come for ``quiet_s`` after ``stop``."""
        query = self.asked.query.replace("state=false", f"max_kbps={self.kbps}")
        url = f"ws://127.0.0.1:{port}/ws/events?{query}"
        async with websockets.connect(url, max_size=None, compression=None, max_queue=1) as client:
            stalled_s = moved_s = time.monotonic()
            while not stop.is_set() or time.monotonic() - moved_s < quiet_s:
                if self.stalls_s and not stop.is_set() and time.monotonic() - stalled_s > 3 * self.stalls_s:
                    await asyncio.sleep(self.stalls_s)  # It is what it is there for.
                    stalled_s = time.monotonic()
                try:
                    self._take(await asyncio.wait_for(client.recv(), 0.5))
                except TimeoutError:
                    continue
                if self.heard[-1].kind != "position":  # That comes again and again where nothing else does.
                    moved_s = time.monotonic()

    def _take(self, payload: str | bytes) -> None:
        message = json.loads(payload) if isinstance(payload, str) else msgpack.unpackb(payload)
        kind = message["type"] + ("*" if message.get("snapshot") else "")
        events = message["data"]["events"] if "data" in message else []
        transitions = [json.dumps(each) for each in events if is_transition(name_of(each))]
        place = events_before(message["position"]) if "position" in message else None
        summary = message["data"]["summary"] if "data" in message else {}
        late_ms = time.time() * 1000 - message["data"]["window_end"] if transitions and kind == "batch" else None
        size_bytes = len(payload.encode()) if isinstance(payload, str) else len(payload)
        self.heard.append(
            Heard(
                time.monotonic(),
                kind,
                size_bytes,
                place,
                message.get("sent", 0),
                message.get("of", 0),
                [summary.get(name, 0) for name in SUMMARY_NAMES.values()],
                transitions,
                bool(transitions),
                late_ms,
            )
        )
        if self.begins is None and place is not None:
            self.begins = place
        for event in events:
            key = key_of(event)
            if key is not None:
                self.newest[key] = json.dumps(event)

    @property
    def most_kbit(self) -> float:
        """Of what is not exempt, over any two seconds."""
        most = total = 0
        span: deque[Heard] = deque()
        for each in self.heard:
            if each.has_transitions:
                continue
            span.append(each)
            total += each.size_bytes
            while each.at_s - span[0].at_s > SPAN_S:
                total -= span.popleft().size_bytes
            most = max(most, total)
        return most * 8 / 1000


@dataclass
class Known:
    """What the log holds of what a filter lets pass.

    :ivar passed: by number of events of the log, how many of them have passed up to there. :ivar transitions: number
        and text of each. :ivar newest: of each key of a phase or gauge.
    """

    passed: Sequence[int]
    transitions: Sequence[tuple[int, str]]
    newest: dict[Any, str]


def violations(line: Line, known: Known) -> Iterator[str]:
    """Where it breaks the law."""
    if line.most_kbit > line.kbps * SPAN_S and not line.stalls_s:  # What waited for it comes at once.
        yield f"{line.most_kbit:,.0f} kbit in two seconds, of {line.kbps * SPAN_S:,.0f}"
    place = line.begins or 0
    of = sent = 0
    transitions = iter([text for number, text in known.transitions if number >= place])
    for each in line.heard:
        if each.kind == "gap":
            yield "a gap"
        if each.kind != "batch":
            continue
        of += each.of
        sent += each.sent
        if each.of != sum(each.counts):
            yield f"of {each.of}, and its summary counts {sum(each.counts)}"
        for text in each.transitions:
            right = next(transitions, None)
            if text != right:
                yield f"the transition {text[:120]} came where {str(right)[:120]} had to come"
                return
        place = max(place, each.place or 0)
    missing = sum(1 for number, _ in known.transitions if (line.begins or 0) <= number < place)
    came = sum(len(each.transitions) for each in line.heard if each.kind == "batch")
    if came != missing:
        yield f"{came} of {missing} transitions came"
    happened = known.passed[place] - known.passed[line.begins or 0]
    if of != happened:
        yield f"{of:,} events counted, and {happened:,} have happened"
    stale = sum(line.newest.get(key) != text for key, text in known.newest.items())
    if stale:
        yield f"{stale} of {len(known.newest)} phases and gauges did not end at their newest"
