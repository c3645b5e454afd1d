"""One client: what it asks, what it takes, and the transcript of both.

How it behaves is ``kinds``'s; here is only what a behaviour is made of.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlencode

import msgspec

from bench.filters import Asked
from bench.law.events import Forms
from bench.law.received import record_of
from bench.law.transcript import Note, Transcript
from bench.law.wire import READ_BYTES, Closed, Wire

__all__ = ["Client", "Plan"]

FINISH_TIMEOUT_S = 100.0
STILL_COMES_S = 5.0
TRY_AGAIN_S = 0.1
SLICE_S = 0.2
"""A wait is no longer without a look at whether the run has ended."""
SLOW_READS_PER_S = 20
_NOTHING = ""
"""What a ping is behind that was sent alone."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one client is to be.

    :ivar kind: of ``kinds.KINDS``. :ivar others: filters that it may change to.
    :ivar max_lag_ms: as it says it; ``None``: it does not. :ivar receive_bytes: see ``Wire``.
    :ivar survives: the daemon may be killed: then it comes back with its position, until there is a daemon again.
    :ivar bytes_per_s: that a slow one reads. :ivar retention_s: of the daemon, about: what is longer is too late.
    """

    name: str
    kind: str
    asked: Asked
    seed: int
    others: tuple[Asked, ...] = ()
    max_lag_ms: int | None = None
    receive_bytes: int | None = None
    bytes_per_s: int = 0
    retention_s: float = 60.0
    seconds: float = 60.0
    takes_always: bool = False
    survives: bool = False


def _now_us() -> int:
    return time.time_ns() // 1000


def _axes(asked: Asked) -> dict[str, Any]:
    axes = {"types": asked.types, "nodes": asked.nodes, "shards": asked.shards}
    return {axis: list(values) for axis, values in axes.items() if values}


class Client:
    """See the module.

    :ivar runs: the run has not ended. :ivar position: the last one that it was given, with a message that it took.
    :ivar starts_ms: ``window_start`` of batches that it took, oldest first.
    :ivar is_history_open: one was asked for, and has not ended. :ivar wire: the connection, if there is one.
    """

    def __init__(self, plan: Plan, url: str, transcript: Transcript, forms: Forms, finishing: asyncio.Event) -> None:
        self.plan = plan
        self.random = Random(plan.seed)
        self.position: str | None = None
        self.asked = plan.asked
        self.starts_ms: list[int] = []
        self.wire: Wire | None = None
        self._url = url
        self._transcript = transcript
        self._forms = forms
        self._finishing = finishing
        self._pings: list[str] = []
        self._pongs: dict[str, int] = {}
        self._positions = 0
        self._is_held = False
        self.is_history_open = False
        self._connections = 0
        self._is_lost = False

    @property
    def runs(self) -> bool:
        """See the class."""
        return not self._finishing.is_set()

    def note(self, word: str, fields: dict[str, Any] | None = None) -> None:
        """Into the transcript, now."""
        self._transcript.note(_now_us(), word, fields or {})

    # Coming and going.

    async def connect(self, position: str | None = None, *, is_stranger: bool = False) -> None:
        """Open a connection, under the filter that was last in force.

        :param position: to go on behind; with ``is_stranger`` one that is not of this log.
        """
        by_query = not self.plan.asked.by_message
        query: dict[str, Any] = {"state": "false", "json": str(self.asked.is_json).lower()}
        if by_query or position is not None:
            query |= {axis: ",".join(map(str, values)) for axis, values in _axes(self.asked).items()}
        if position is not None:
            query["position"] = position
        if self.plan.max_lag_ms is not None:
            query["max_lag_ms"] = self.plan.max_lag_ms
        self._pings, self._is_held, self.is_history_open = [], False, False
        self.note("connect", {
            "position": position, "is_stranger": is_stranger, "max_lag_ms": self.plan.max_lag_ms,
            "filter": _axes(self.asked) if by_query or position is not None else {},
            "is_json": self.asked.is_json, "takes_always": self.plan.takes_always,
        })  # fmt: skip
        wire = Wire(f"{self._url}?{urlencode(query, safe=',')}", self.plan.receive_bytes)
        self._connections += 1
        try:
            await wire.open()
        except (Closed, OSError) as why:
            wire.cut()
            self._was_closed(why)
            return
        self.wire = wire
        if not by_query and position is None:
            await self.change_filter(self.asked)

    def leave(self) -> None:
        """Cut the connection: what was not taken is not received."""
        if self.wire is not None:
            self.wire.cut()
            self.wire = None
            self.note("left")

    async def _come_back(self) -> None:
        """To a daemon that was killed, as soon as there is one again."""
        while self._is_lost:
            self._is_lost = False
            await asyncio.sleep(TRY_AGAIN_S)
            await self.connect(self.position)

    def _was_closed(self, why: Exception) -> None:
        self._is_lost = self.plan.survives
        self.note("left" if self._is_lost else "closed", {"why": str(why)})
        if self.wire is not None:
            self.wire.cut()
            self.wire = None

    # Saying.

    def say(self, *messages: dict[str, Any]) -> None:
        """Send these together; a ``ping`` among them is behind the message in front of it."""
        if self.wire is None:
            return
        payloads = []
        before = _NOTHING
        for message in messages:
            word = str(message["type"])
            if word == "ping":
                self._pings.append(before)
            else:
                before = word
                self.note(word, {key: value for key, value in message.items() if key != "type"})
            encode = msgspec.json.encode if self.asked.is_json else msgspec.msgpack.encode
            payloads.append((encode(message), self.asked.is_json))
        try:
            self.wire.send(*payloads)
        except Closed as why:
            self._was_closed(why)

    async def change_filter(self, asked: Asked) -> None:
        """Say another filter, and take until it is in force."""
        self.asked = asked
        await self._say_and_wait({"type": "filter", **_axes(asked)})

    async def pause(self) -> None:
        """Hold the live cursor, and take until it is held."""
        await self._say_and_wait({"type": "pause"})
        self._is_held = True

    async def resume(self, *, catch_up: bool) -> None:
        """Let it go."""
        self._is_held = False
        await self._say_and_wait({"type": "resume", "catch_up": True} if catch_up else {"type": "resume"})

    async def _say_and_wait(self, message: dict[str, Any]) -> None:
        word = str(message["type"])
        before, connection = self._pongs.get(word, 0), self._connections
        self.say(message, {"type": "ping"})
        await self.take(
            FINISH_TIMEOUT_S,
            until=lambda: self._pongs.get(word, 0) > before or self._connections != connection,
            to_the_end=True,
        )

    # Taking.

    async def idle(self, seconds: float) -> None:
        """Read nothing for so long, or until the run ends."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._finishing.wait(), seconds)

    async def take(
        self, seconds: float, until: Any = lambda: False, *, to_the_end: bool = False, max_bytes: int = READ_BYTES
    ) -> None:
        """Take all that comes, for so long, or until the run ends, the connection does or ``until`` is true.

        :param to_the_end: go on when the run ends.
        """
        give_up_s = time.monotonic() + seconds
        await self._come_back()
        while self.wire is not None and not until() and (to_the_end or self.runs):
            left_s = give_up_s - time.monotonic()
            if left_s <= 0:
                return
            if not await self.wire.readable(min(left_s, SLICE_S)):
                continue
            try:
                messages = self.wire.take(max_bytes)
            except Closed as why:
                self._was_closed(why)
                await self._come_back()
                continue
            for payload, is_text in messages:
                self._took(payload, is_text)

    async def take_slowly(self, seconds: float) -> None:
        """Take ``bytes_per_s`` for so long."""
        give_up_s = time.monotonic() + seconds
        while self.wire is not None and self.runs and time.monotonic() < give_up_s:
            reads = iter([True, False])
            piece = max(1, self.plan.bytes_per_s // SLOW_READS_PER_S)
            await self.take(SLICE_S, until=lambda reads=reads: not next(reads, False), max_bytes=piece)
            await self.idle(1 / SLOW_READS_PER_S)

    def _took(self, payload: bytes, is_text: bool) -> None:
        record = record_of(payload, is_text, self.asked.is_json, _now_us(), self._forms)
        if isinstance(record, Note):
            self._told(record)
            self._transcript.note(record.at_us, record.word, record.fields)
            return
        self._transcript.batch(record)
        if not record.is_history:
            self.position = record.position or self.position
            self.starts_ms.append(record.start_ms)

    def _told(self, note: Note) -> None:
        match note.word:
            case "pong":
                behind = self._pings.pop(0) if self._pings else _NOTHING
                self._pongs[behind] = self._pongs.get(behind, 0) + 1
                note.fields["behind"] = behind
            case "connected" | "gap" | "position":
                self.position = note.fields.get("position") or self.position
                self._positions += note.word == "position"
            case "history_end":
                self.is_history_open = False
            case "error":
                self.is_history_open = self.is_history_open and note.fields.get("code") != "busy"

    async def _is_served(self) -> bool:
        """Something comes still."""
        before = self.position
        await self.take(STILL_COMES_S, until=lambda: self.position != before, to_the_end=True)
        return self.position != before

    # The end of the run.

    async def finish(self) -> None:
        """Take everything that is left.

        A ``position`` behind the pong of a ping says that the reader was at the log's end for 5 s.
        """
        give_up_s = time.monotonic() + FINISH_TIMEOUT_S
        await self._come_back()
        if self.wire is None:
            await self.connect(self.position)
        if self._is_held:
            await self.resume(catch_up=self.random.random() < 0.5)
        if self.is_history_open:
            self.say({"type": "history_cancel"})
            await self.take(FINISH_TIMEOUT_S, until=lambda: not self.is_history_open, to_the_end=True)
        pongs = self._pongs.get(_NOTHING, 0)
        self.say({"type": "ping"})
        await self.take(FINISH_TIMEOUT_S, until=lambda: self._pongs.get(_NOTHING, 0) > pongs, to_the_end=True)
        before = self._positions
        left_s = give_up_s - time.monotonic()
        await self.take(left_s, until=lambda: self._positions > before, to_the_end=True)
        if self._positions > before and self.wire is not None:
            self.note("finished")
        elif self.plan.receive_bytes is not None and await self._is_served():
            self.note("left")  # A receive buffer of a few kB is a thin line; it may be far behind, and misses nothing.
        else:
            self.note("unfinished")
        if self.wire is not None:
            self.wire.close()
            self.wire = None
