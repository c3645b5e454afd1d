"""The shell around one session: when it is pulled, when it is given up.

The session is pulled while the socket takes frames. When it is full, nothing is pulled and nothing is read from
the client until it has drained. Knows time and turns of the reactor, but of the socket only ``Socket``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from vizd import __version__
from vizd.insight.insight import Insight
from vizd.log.interfaces import ILog
from vizd.log.window import Page
from vizd.state.view import View
from vizd.stream.audience import MAX_BYTES_PER_TURN
from vizd.stream.filter import Filter
from vizd.stream.findings import Findings
from vizd.stream.frames import Frame, Frames
from vizd.stream.history import ReadSlots, Wanted
from vizd.stream.interfaces import ICursor, IEncoder
from vizd.stream.live import MAX_LAG_MS, Live
from vizd.stream.session import Session
from vizd.stream.snapshot import Look, StateWish, WantedView
from vizd.stream.streams import ConflatedStreams
from vizd.stream.thin import Thin
from vizd.stream.traffic import Traffic
from vizd.web.clients import Clients
from vizd.web.instants import Instants
from vizd.web.turns import Turns

__all__ = ["Dashboard", "Socket", "Surroundings", "Wish"]

PING_AFTER_S = 20.0
GIVE_UP_AFTER_S = 60.0
"""Without a word from the client, or with its socket full."""
GOING_AWAY = 1001
INTERNAL_ERROR = 1011
TOO_SLOW = 4008


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every connection needs of the daemon.

    :ivar monotonic: seconds, from anywhere. :ivar wall_ms: milliseconds since the Unix epoch.
    """

    log: ILog
    frames: Frames
    streams: ConflatedStreams
    slots: ReadSlots
    turns: Turns
    instants: Instants
    insight: Insight
    clients: Clients
    reactor: IReactorTime
    monotonic: Callable[[], float]
    wall_ms: Callable[[], int]
    coalesce_ms: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks for when it connects.

    :ivar position: the text that it brings, to go on behind it. :ivar max_lag_ms: see ``stream.live``.
    :ivar state: when it brings no position, and after a gap. :ivar max_kbps: its budget; ``None``: it has none.
    :ivar findings: they come, too.
    """

    encoder: IEncoder
    filter: Filter
    position: str | None = None
    max_lag_ms: int = MAX_LAG_MS
    state: StateWish = StateWish.NEWEST
    max_kbps: int | None = None
    findings: bool = False

    def cursor(self, around: Surroundings) -> ICursor:
        """Its live stream."""
        log, encoder = around.log, self.encoder
        if self.max_kbps is not None:
            return Thin(log, around.streams, encoder, self.filter, self.max_kbps, self.state)
        return Live(log, around.instants.now, around.frames, encoder, self.filter, self.max_lag_ms, self.state)


class Socket(Protocol):
    """A WebSocket, as this module needs it."""

    def send(self, frame: Frame) -> None:
        """One message."""

    def ping(self) -> None:
        """Ask for a sign of life."""

    def read(self, go_on: bool) -> None:
        """Read from the client, or no more for now."""

    def taken_bytes(self) -> int | None:
        """What the client's end has taken so far; ``None`` where that is not known."""

    def close(self, code: int, reason: str) -> None:
        """Say so, and wait for the answer for a bounded time."""

    def abort(self) -> None:
        """Cut the connection."""


class Dashboard:
    """One connected client. What ``clients.Client`` asks for."""

    _log = Logger()

    def __init__(self, around: Surroundings, sock: Socket, peer: str, wish: Wish) -> None:
        """
        :param peer: for people.
        """
        self._around = around
        self._socket = sock
        self._peer = peer
        self._position = wish.position
        findings = Findings(around.insight, around.frames, wish.encoder) if wish.findings else None
        self._session = Session(around.log, around.frames, around.slots, wish.encoder, wish.cursor(around), findings)
        self._is_full = False
        self._is_reading_past = False
        self._is_finishing = False
        self._is_closing = False
        self._next_turn: IDelayedCall | None = None
        self._gone: Deferred[None] = Deferred()
        self._heard_s = self._took_s = self._pinged_s = around.monotonic()
        self._taken_bytes: int | None = None

    def begin(self) -> None:
        """Say ``connected``, and go live."""
        around = self._around
        greeting = {
            "version": __version__,
            "oldest_timestamp_ms": around.log.oldest_event_ms,
            "newest_timestamp_ms": around.log.newest_event_ms,
            "server_time_ms": around.wall_ms(),
            "coalesce_ms": around.coalesce_ms,
        }
        self._session.begin(greeting, self._position, around.monotonic() * 1000)
        around.clients.add(self)
        self._pump()

    # From the socket.

    def received(self, payload: bytes, is_binary: bool) -> None:
        """The client has sent a message."""
        self.heard()
        if not self._is_closing:
            self._leave_audience()
            self._session.receive(payload, is_binary, self._around.wall_ms())
            self._pump()

    def heard(self) -> None:
        """The client has given a sign of life."""
        self._heard_s = self._around.monotonic()

    def filled(self) -> None:
        """The socket takes no more for now."""
        if not self._is_full:
            self._leave_audience()
            self._is_full = True
            self._took_s = self._around.monotonic()
            self._socket.read(go_on=False)

    def drained(self) -> None:
        """The socket takes more again."""
        if self._is_full:
            self._is_full = False
            self._took_s = self._around.monotonic()
            self._socket.read(go_on=True)
            self._pump()

    def closing(self) -> None:
        """A close has been said; nothing may follow."""
        self._is_closing = True
        self._cancel_turn()
        self._leave_audience()

    def gone(self, code: int, reason: str) -> None:
        """The connection has ended."""
        self.closing()
        self._around.clients.remove(self, code)
        self._session.close()
        self._log.info(
            "{peer} has gone after {batches} batches of {encoding}: {code} {reason}",
            peer=self._peer,
            batches=self._session.sent.batches,
            encoding=self.encoding,
            code=code,
            reason=reason,
        )
        self._gone.callback(None)

    # From the session to the socket.

    def _pump(self) -> None:
        """Send what there is and what fits, then see when to come back."""
        if self._is_closing:
            return
        session = self._session
        monotonic_ms = self._around.monotonic() * 1000
        room = MAX_BYTES_PER_TURN
        while room > 0 and not self._is_full:
            frame = session.pull(monotonic_ms)
            if frame is None:
                break
            room -= len(frame.payload)
            self._socket.send(frame)
        if not self._is_full:
            self._plan(session.due(monotonic_ms))

    def _plan(self, due_ms: float | None) -> None:
        """Come back when the session has something, and meanwhile read the past that it wants."""
        self._cancel_turn()
        if due_ms is not None:
            self._next_turn = self._around.reactor.callLater(due_ms / 1000, self._take_turn)
        elif self._session.wants():
            if not self._is_reading_past:
                self._is_reading_past = True
                ensureDeferred(self._read_past()).addErrback(self._past_failed)
        elif self._is_finishing:
            self._close(GOING_AWAY, "the daemon is shutting down")
        elif self._session.join(self._around.clients.audiences, self._socket.send, self):
            self._around.clients.let_sleep(self)

    def _leave_audience(self) -> None:
        """Be sent things by oneself again."""
        self._session.leave()
        self._around.clients.let_wake(self)

    # What ``audience.Guest`` asks for.

    def dismissed(self) -> None:
        """See ``audience.Guest``."""
        self._leave_audience()
        self._plan(0)

    def failed(self, error: Exception) -> None:
        """See ``audience.Guest``."""
        self._log.failure("{peer} could not be sent something, and is cut", Failure(error), peer=self._peer)
        self.abort()

    def _take_turn(self) -> None:
        self._next_turn = None
        self._pump()

    def _cancel_turn(self) -> None:
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None

    async def _read_past(self) -> None:
        """Give the session what it wants, when it is its turn."""
        try:
            await self._around.turns.take()
            wanted = self._session.wants()
            if wanted and not self._session.take_known(wanted):
                self._session.feed(wanted, await self._get(wanted))
        finally:
            self._is_reading_past = False
        self._pump()

    async def _get(self, wanted: Wanted | WantedView | Look) -> Page | View | None:
        match wanted:
            case Wanted():
                return await self._around.log.read(wanted.position, wanted.stop, wanted.wanted, wanted.limits)
            case WantedView():
                try:
                    return await self._around.instants.at(wanted.position)
                except LookupError:
                    return None
            case Look():
                return None

    def _past_failed(self, failure: Any) -> None:
        self._log.failure("the history of {peer} can't be read", failure, peer=self._peer)
        self._close(INTERNAL_ERROR, "the history can't be read")

    # What ``clients.Client`` asks for.

    @property
    def encoding(self) -> str:
        """See ``clients.Client``."""
        return self._session.encoding

    def lag_ms(self) -> int:
        """See ``clients.Client``."""
        return self._session.lag_ms()

    def add_to(self, traffic: Traffic) -> None:
        """See ``clients.Client``."""
        self._session.add_to(traffic)

    def described(self) -> dict[str, Any]:
        """For ``/api/stats``."""
        return {"peer": self._peer, **self._session.described()}

    def wake(self) -> None:
        """The log has grown."""
        self._pump()

    def keep_alive(self, now_s: float) -> None:
        """See ``clients.Client``."""
        if self._is_full:
            taken = self._socket.taken_bytes()
            if taken != self._taken_bytes:
                self._taken_bytes, self._took_s = taken, now_s
            if now_s - self._took_s > GIVE_UP_AFTER_S:
                self._close(TOO_SLOW, f"took nothing for {GIVE_UP_AFTER_S:g} s")
        elif now_s - max(self._heard_s, self._took_s) > GIVE_UP_AFTER_S:
            self._close(TOO_SLOW, f"sent nothing for {GIVE_UP_AFTER_S:g} s, not even a pong")
        elif now_s - self._pinged_s >= PING_AFTER_S and not self._is_closing:
            self._pinged_s = now_s
            self._socket.ping()

    def finish(self) -> Deferred[None]:
        """See ``clients.Client``."""
        self._is_finishing = True
        self._leave_audience()
        self._session.cancel_history()  # At its own pace it could outlast the daemon.
        self._pump()
        return self._gone

    def abort(self) -> None:
        """Cut the connection."""
        self.closing()
        self._socket.abort()

    def _close(self, code: int, reason: str) -> None:
        if not self._is_closing:
            self.closing()
            self._socket.read(go_on=True)  # The answer could not be heard else.
            self._socket.close(code, reason)
