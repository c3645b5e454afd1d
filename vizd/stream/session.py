"""What one client is sent, and when: a state machine without a socket.

    receive(message) ─▶ ┌─────────┐ ─▶ pull() -> frame, or nothing now
                        │ Session │
    the log's head   ─▶ └─────────┘ ◀─ wants() / feed(page): the past, page by page

A session is a cursor over the log. It has no queue: what its client does not take stays in the log, and
``pull`` is asked only when there is room for a frame. Replies to the client's own messages are the exception;
whoever holds the session stops reading from the client while its socket is full, which bounds them.

The conversation: ``connected``, then batches; meanwhile the client may send ``filter``, ``pause``, ``resume``,
``history``, ``history_cancel`` and ``ping``. What is wrong is answered by ``error`` and changes nothing.
"""

from collections import deque
from typing import Any

from vizd.log.interfaces import ILog
from vizd.log.window import Gap, Page, Window
from vizd.stream.filter import Filter
from vizd.stream.frames import Frame, Frames, Part
from vizd.stream.history import History, ReadSlots, Wanted, gap_fields
from vizd.stream.interfaces import IEncoder
from vizd.stream.messages import (
    ClientMessage,
    FilterMessage,
    HistoryCancelMessage,
    HistoryMessage,
    Malformed,
    PauseMessage,
    PingMessage,
    ResumeMessage,
    parse,
)

__all__ = ["Session"]

MAX_MERGED_EVENTS = 10_000
MAX_MERGED_BYTES = 1 << 20
"""A message ends at the window that brings it to one of these (wire contract, "Order and completeness")."""
MAX_SCANNED_PER_PULL = 2_000
"""Windows looked at in one ``pull``, wanted or not: well under a millisecond of skipping."""


class Session:
    """One client.

    :ivar filter: the one in force.
    :ivar overrun: the log has trimmed what it was to be sent next. Nothing more can be pulled.
    :ivar batches_sent: live ones and those of histories. :ivar events_sent: in them.
    """

    def __init__(self, log: ILog, frames: Frames, slots: ReadSlots, encoder: IEncoder, by: Filter) -> None:
        self._log = log
        self._frames = frames
        self._slots = slots
        self._encoder = encoder
        self._position = log.head
        self._held = False
        self._catching_up = False
        self._history: History | None = None
        self._replies: deque[Frame] = deque()
        self.filter = by
        self.overrun = False
        self.batches_sent = 0
        self.events_sent = 0

    @property
    def encoding(self) -> str:
        """The name of its encoding."""
        return self._encoder.name

    def say(self, fields: dict[str, Any]) -> None:
        """Send a message that is no batch."""
        self._replies.append(Frame(self._encoder.message(fields), self._encoder.is_binary))

    def refuse(self, code: str, text: str) -> None:
        """Send an ``error``."""
        self.say({"type": "error", "message": text, "code": code})

    def receive(self, payload: bytes, is_binary: bool, wall_ms: int) -> None:
        """Take a message of the client.

        :param wall_ms: milliseconds since the Unix epoch, for a pong.
        """
        try:
            self._obey(parse(payload, is_binary), wall_ms)
        except Malformed as why:
            self.refuse(why.code, str(why))

    def _obey(self, message: ClientMessage, wall_ms: int) -> None:
        match message:
            case PingMessage():
                self.say({"type": "pong", "timestamp_ms": wall_ms})
            case FilterMessage(nodes, types, shards):
                try:
                    self.filter = Filter.of(types or (), nodes or (), shards or ())
                except ValueError as why:
                    raise Malformed("invalid", f"filter: {why}") from None
            case PauseMessage():
                self._held = True
            case ResumeMessage(catch_up):
                self._resume(catch_up=bool(catch_up))
            case HistoryMessage(from_ms, to_ms, speed):
                self._begin_history(int(from_ms), int(to_ms), speed)
            case HistoryCancelMessage():
                self.cancel_history()

    def _resume(self, *, catch_up: bool) -> None:
        if not self._held:
            return
        self._held = False
        entered = self._log.head
        if catch_up:
            self._catching_up = True
            entered = max(self._position, self._log.oldest, key=lambda position: position.seq)
        following = self._log.after(entered)
        to_ms = following.start_ms if following else entered.end_ms  # The next one is yet to come.
        gap = Gap.between(self._position, entered, to_ms, "paused")
        self._position = entered
        if gap and gap.events:
            self.say({"type": "gap", **gap_fields(gap)})

    def _begin_history(self, from_ms: int, to_ms: int, speed: float | None) -> None:
        self.cancel_history()
        if not self._slots.take():
            raise Malformed("busy", f"history: {self._slots.MAX} histories are being read: try again in a moment")
        self._history = History(self._log, self._slots, self.filter, self._encoder, from_ms, to_ms, speed)

    def cancel_history(self) -> None:
        """End the history, if there is one; its ``history_end`` says so."""
        if self._history:
            self._replies.append(self._history.end(cancelled=True))
            self._history = None

    def close(self) -> None:
        """The client has gone."""
        self.cancel_history()
        self._replies.clear()

    def pull(self, monotonic_ms: float) -> Frame | None:
        """The next frame to send: replies first, then live batches, then the past.

        ``None`` where there is none now; see ``due``.
        """
        if self._replies:
            return self._replies.popleft()
        frame = self._pull_live()
        if frame is None and self._history:
            frame = self._history.pull(monotonic_ms)
            if self._history.ended:
                self._history = None
        if frame and frame.events:
            self.batches_sent += 1
            self.events_sent += frame.events
        return frame

    def _pull_live(self) -> Frame | None:
        """What has come since the last time, as one batch within its bounds."""
        if self._held or self.overrun:
            return None
        parts: list[Part] = []
        events = size_bytes = 0
        for _ in range(MAX_SCANNED_PER_PULL):
            window = self._next()
            if window is None:
                break
            self._position = window.position
            part = self._frames.part(window, self.filter)
            if part is None:
                continue
            parts.append(part)
            events += part.events
            size_bytes += part.size_bytes
            if events >= MAX_MERGED_EVENTS or size_bytes >= MAX_MERGED_BYTES:
                break
        return self._frames.live(parts, self.filter, self._encoder) if parts else None

    def _next(self) -> Window | None:
        try:
            window = self._log.after(self._position)
        except LookupError:
            self.overrun = True
            return None
        if window is None:
            self._catching_up = False
        return window

    def due(self, monotonic_ms: float) -> float | None:
        """In how many milliseconds, from 0, ``pull`` has something; ``None``: not before something happens.

        What can happen is a message of the client, an append to the log, or a page that is fed.
        """
        live = not self._held and not self.overrun and self._position.seq < self._log.head.seq
        if self._replies or live:
            return 0
        return self._history.due(monotonic_ms) if self._history else None

    def lag_ms(self) -> int:
        """How long the oldest window that it was not given has been in the log, by the log's own time.

        0 at the head, and while the client itself has chosen to be behind it.
        """
        if self._held or self._catching_up:
            return 0
        window = self._next()
        if window is None:
            return 0
        return max(0, (self._log.head.end_ms or 0) - window.start_ms)

    def wants(self) -> Wanted | None:
        """The page of the past that it needs next."""
        return self._history.wants() if self._history else None

    def feed(self, page: Page) -> None:
        """Give it the page that it wanted."""
        if self._history:
            self._history.feed(page)
