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
from collections.abc import Callable
from typing import Any

from vizd.log.interfaces import ILog
from vizd.log.window import Page
from vizd.state.view import View
from vizd.stream.audience import Audiences, Guest, Seat
from vizd.stream.filter import Filter
from vizd.stream.findings import Findings
from vizd.stream.frames import Frame, Frames
from vizd.stream.history import History, ReadSlots, Wanted
from vizd.stream.interfaces import ICursor, IEncoder
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
from vizd.stream.snapshot import Look, StateWish, WantedView
from vizd.stream.traffic import Sent, Traffic

__all__ = ["Session"]


class Session:
    """One client."""

    def __init__(
        self,
        log: ILog,
        frames: Frames,
        slots: ReadSlots,
        encoder: IEncoder,
        live: ICursor,
        findings: Findings | None = None,
    ) -> None:
        """
        :param findings: for a client that wants them.
        """
        self._findings = findings
        self._log = log
        self._frames = frames
        self._slots = slots
        self._encoder = encoder
        self._live = live
        self._history: History | None = None
        self._replies: deque[Frame] = deque()
        self._is_turn_of_history = False
        self._sent = Sent()
        self._seat: Seat | None = None

    def begin(self, greeting: dict[str, Any], position: str | None, monotonic_ms: float) -> None:
        """Say ``connected`` with what ``greeting`` says, and go live.

        :param position: the text that the client brings, to go on behind it.
        """
        begins_at, gap = self._live.begin(position, monotonic_ms)
        if begins_at is not None:
            greeting = {**greeting, "position": begins_at}
        self.say({"type": "connected", **greeting})
        if gap:
            self._replies.append(gap)

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
            case FilterMessage(nodes, types, shards, state):
                try:
                    self._live.limit(Filter.of(types or (), nodes or (), shards or ()), with_state=bool(state))
                except ValueError as why:
                    raise Malformed("invalid", f"filter: {why}") from None
            case PauseMessage():
                self._live.pause()
            case ResumeMessage(catch_up):
                gap = self._live.resume(catch_up=bool(catch_up))
                if gap:
                    self._replies.append(gap)
            case HistoryMessage():
                self._begin_history(message)
            case HistoryCancelMessage():
                self.cancel_history()

    def _begin_history(self, asked: HistoryMessage) -> None:
        self.cancel_history()
        if not self._slots.take():
            raise Malformed("busy", f"history: {self._slots.MAX} histories are being read: try again in a moment")
        self._history = History(
            self._log,
            self._slots,
            self._frames,
            self._live.filter,
            self._encoder,
            int(asked.from_ms),
            int(asked.to_ms),
            asked.speed,
            self._live.wish_on_request if asked.state else StateWish.NONE,
        )

    def cancel_history(self) -> None:
        """End the history, if there is one; its ``history_end`` says so."""
        if self._history:
            self._replies.append(self._history.end(cancelled=True))
            self._history = None

    def close(self) -> None:
        """The client has gone."""
        self.cancel_history()
        self._live.close()
        self._replies.clear()

    def pull(self, monotonic_ms: float) -> Frame | None:
        """The next frame to send: replies first, then findings, the live stream, the past.

        ``None`` where there is none now; see ``due`` and ``wants``.
        """
        frame = self._replies.popleft() if self._replies else None
        if frame is None and self._findings:
            frame = self._findings.pull()
        if frame is None:
            frame = self._live.pull(monotonic_ms)
        if frame is None and self._history:
            frame = self._history.pull(monotonic_ms)
            if self._history.ended:
                self._history = None
        if frame is not None:
            self._sent.count(frame)
        return frame

    def join(self, audiences: Audiences, send: Callable[[Frame], None], guest: Guest) -> bool:
        """Be sent what comes together with its equals, if nothing of its own is to come; whether it is.

        It must ``leave`` before anything else is done with it.
        """
        if self._replies or self._history or self._findings:
            return False
        reader = self._live.reader()
        self._seat = audiences.join(reader, self._sent, send, guest) if reader else None
        return self._seat is not None

    def leave(self) -> None:
        """Be pulled again."""
        if self._seat:
            self._seat.leave()
            self._seat = None

    def due(self, monotonic_ms: float) -> float | None:
        """In how many milliseconds, from 0, ``pull`` has something; ``None``: not before something happens.

        What can happen is a message of the client, an append to the log, or a page that is fed.
        """
        if self._replies or self._live.is_due() or (self._findings and self._findings.is_due()):
            return 0
        return self._history.due(monotonic_ms) if self._history else None

    def wants(self) -> Wanted | WantedView | Look | None:
        """What one of its cursors needs next; in turns, where both need something."""
        live = self._live.wants()
        past = self._history.wants() if self._history else None
        return past if past and (self._is_turn_of_history or not live) else live

    def take_known(self, wanted: Wanted | WantedView | Look) -> bool:
        """Whether it needs nobody to get what it wanted: another client has read the same."""
        if not isinstance(wanted, Wanted) or self._live.wants() != wanted:
            return False
        self._is_turn_of_history = True
        return self._live.take_known()

    def feed(self, wanted: Wanted | WantedView | Look, given: Page | View | None) -> None:
        """Give it what it wanted; what it does not want any more is not taken.

        :param given: a page; a view, or ``None`` where that can't be had any more; ``None`` for a turn.
        """
        cursor: ICursor | History | None = self._live if self._live.wants() == wanted else self._history
        if cursor is None or cursor.wants() != wanted:
            return
        self._is_turn_of_history = cursor is self._live
        match wanted, given:
            case Wanted(), Page():
                cursor.feed(given)
            case WantedView(), View():
                wanted.snapshot.show(given)
            case WantedView(), _:
                gap = cursor.miss_state()
                if gap:
                    self._replies.append(gap)
            case Look(), _:
                wanted.at.look()

    # What others may know of it.

    @property
    def sent(self) -> Sent:
        """So far."""
        if self._seat:
            self._seat.look()
        return self._sent

    @property
    def encoding(self) -> str:
        """The name of its encoding."""
        return self._encoder.name

    def described(self) -> dict[str, Any]:
        """For ``/api/stats``."""
        sent = self.sent
        return {
            "encoding": self._encoder.name,
            "filter": self._live.filter.described(),
            "paused": self._live.held,
            "lag_windows": self._live.lag_windows(),
            "lag_ms": self._live.lag_ms(),
            "gaps": dict(self._live.gaps),
            **self._live.described(),
            "batches_sent": sent.batches,
            "events_sent": sent.events,
            "bytes_sent": sent.size_bytes,
        }

    def lag_ms(self) -> int:
        """See ``ICursor``."""
        if self._seat:
            self._seat.look()
        return self._live.lag_ms()

    def add_to(self, traffic: Traffic) -> None:
        """Add what it was sent."""
        traffic.add(self._encoder.name, self.sent, self._live.gaps)
