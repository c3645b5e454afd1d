"""``/ws/events``: Autobahn, and nothing that could be said without it."""

import re
import socket
from collections import Counter
from typing import Any, cast

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.protocol import PreparedMessage
from autobahn.websocket.types import ConnectionRequest
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper
from twisted.web.server import Request
from zope.interface import implementer

from vizd import __version__
from vizd.access.rates import Rates
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.frames import Frame
from vizd.stream.live import MAX_LAG_MS
from vizd.web.admission import Admission, Refused
from vizd.web.channel import Channel
from vizd.web.dashboard import Dashboard, Surroundings, Wish
from vizd.web.direct import writer
from vizd.web.progress import taken_bytes
from vizd.web.query import Query
from vizd.web.site import Endpoint, header, headers

__all__ = ["EventsEndpoint"]

SUBPROTOCOL = "norikv.viz.v1"
BEARER = "bearer."
"""Begins another subprotocol, which is a token: a page can't set headers of its WebSocket."""
MAX_CLIENT_MESSAGE_BYTES = 64 * 1024
"""A longer one closes with 1009 (wire contract, "Malformed input")."""
MAX_UNSENT_BYTES = 128 * 1024
"""In the kernel's send buffer of one client; more would hide minutes of a thin stream from the lag's bound."""
HANDSHAKE_TIMEOUT_S = 5
"""For opening, and for the answer to a close."""
ABNORMAL = 1006
FRAMES_PER_S = 100.0
FRAMES_AT_ONCE = 1_000
"""Of one client, its pings and pongs and the pieces of its messages among them: a person at a page is far below. A
client beyond it is closed with 1008, since each frame costs about as much as a window that is sent."""
MAX_PIECES = 512
"""Of one message: 64 KiB in pieces of 128 bytes. Empty pieces would never come to 64 KiB."""
POLICY_VIOLATION = 1008

_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")


@implementer(IPushProducer)
class _Wire:
    """The ``dashboard.Socket`` that writes to an Autobahn protocol, and the producer behind its transport."""

    def __init__(self, protocol: "_Protocol") -> None:
        self._protocol = protocol
        self._transport = cast(Any, protocol.transport)
        self._is_reading = True
        self._is_full = False
        # HTTPChannel is still registered from when this was an HTTP connection.
        self._transport.unregisterProducer()
        self._transport.registerProducer(self, True)
        _bound_unsent(self._transport)
        self._write = writer(self._transport)

    def send(self, frame: Frame) -> None:
        """See ``dashboard.Socket``. The bytes are made once for all clients, and go past Autobahn's own accounts."""
        if frame.framed is None:
            message = PreparedMessage(frame.payload, frame.is_binary, applyMask=False, doNotCompress=True)
            frame.framed = message.payloadHybi
        self._write(frame.framed)

    def ping(self) -> None:
        """See ``dashboard.Socket``."""
        self._protocol.sendPing()

    def read(self, go_on: bool) -> None:
        """See ``dashboard.Socket``."""
        if go_on != self._is_reading and not self._protocol.is_deaf:
            self._is_reading = go_on
            if go_on:
                self._transport.resumeProducing()
            else:
                self._transport.pauseProducing()

    def taken_bytes(self) -> int | None:
        """See ``dashboard.Socket``."""
        return taken_bytes(_socket_of(self._transport))

    def close(self, code: int, reason: str) -> None:
        """See ``dashboard.Socket``. Autobahn's ``sendClose`` lets an application say neither 1001 nor 1011."""
        self._protocol.sendCloseFrame(code=code, reasonUtf8=reason.encode(), isReply=False)

    def abort(self) -> None:
        """See ``dashboard.Socket``."""
        self._transport.abortConnection()

    def pauseProducing(self) -> None:
        """The transport holds more than it likes."""
        self._is_full = True
        self.read(go_on=False)
        if self._protocol.dashboard is not None:
            self._protocol.dashboard.filled()

    def resumeProducing(self) -> None:
        """The transport holds nothing any more.

        What the client has said meanwhile is read before more is sent: a socket that is always filled again in the
        turn in which it drained would never be read. The reactor looks at sockets between two turns.
        """
        self._is_full = False
        self.read(go_on=True)
        call_later = self._protocol.factory.reactor.callLater
        call_later(0, call_later, 0, self._drained)

    def _drained(self) -> None:
        if self._protocol.dashboard is not None and not self._is_full:  # Answers to pings may have filled it again.
            self._protocol.dashboard.drained()

    def stopProducing(self) -> None:
        """The connection is lost; ``onClose`` follows."""


def _socket_of(transport: Any) -> socket.socket:
    """The one under TLS, where there is TLS."""
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    return cast(socket.socket, transport.getHandle())


def _bound_unsent(transport: Any) -> None:
    """Let the kernel take no more than ``MAX_UNSENT_BYTES`` that it can't send yet."""
    handle = _socket_of(transport)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)
    else:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_UNSENT_BYTES)


class _Protocol(WebSocketServerProtocol):
    """Autobahn's side of one connection. It holds the dashboard; that knows the rest."""

    _log = Logger()

    def __init__(self, around: Surroundings, wish: Wish, refusals: Counter[str]) -> None:
        """
        :param refusals: by reason, where a client that sends too much is counted.
        """
        super().__init__()
        self.dashboard: Dashboard | None = None
        self._refusals = refusals
        self._frames = Rates(FRAMES_PER_S, FRAMES_AT_ONCE, around.monotonic)
        self._pieces = 0
        self.is_deaf = False
        self._make_dashboard = lambda wire: Dashboard(around, wire, str(self.peer), wish)

    def onConnect(self, request: ConnectionRequest) -> str | None:
        """Accept; the endpoint has checked everything before."""
        return SUBPROTOCOL if SUBPROTOCOL in request.protocols else None

    def onOpen(self) -> None:
        """Begin."""
        try:
            self.dashboard = self._make_dashboard(_Wire(self))
            self.dashboard.begin()
        except Exception:  # Autobahn would swallow it.
            self._log.failure("the connection of {peer} could not be opened", peer=self.peer)
            self.dropConnection(abort=True)

    def dataReceived(self, data: bytes) -> None:
        """Hand it to Autobahn, which takes each frame apart at once."""
        if not self.is_deaf:
            super().dataReceived(data)

    def processData(self) -> bool:
        """Take the next piece apart: Autobahn's loop over what has come in."""
        return not self.is_deaf and super().processData()

    def onFrameBegin(self) -> None:
        """Count it."""
        is_control = self.current_frame.opcode > 7
        self._pieces += not is_control
        if not self._frames.allows(""):
            self._grow_deaf(f"over {FRAMES_PER_S:g} frames a second")
        elif self._pieces > MAX_PIECES and not is_control:
            self._grow_deaf(f"over {MAX_PIECES} frames in a message")
        else:
            super().onFrameBegin()

    def onMessageEnd(self) -> None:
        """Begin to count anew."""
        self._pieces = 0
        super().onMessageEnd()

    def _grow_deaf(self, reason: str) -> None:
        """Close, and hear no more: not even the answer, so it is Autobahn's timeout of it that ends the connection."""
        self.is_deaf = True
        self._refusals["frames"] += 1
        self.data = b""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=POLICY_VIOLATION, reasonUtf8=reason.encode(), isReply=False)
        cast(Any, self.transport).pauseProducing()

    def _closeConnection(self, abort: bool = False) -> None:
        """TLS says no farewell while a producer is registered."""
        cast(Any, self.transport).unregisterProducer()
        super()._closeConnection(abort)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Pass it on."""
        if self.dashboard is not None:
            self.dashboard.received(payload, isBinary)

    def onPing(self, payload: bytes) -> None:
        """Answer, and pass it on."""
        super().onPing(payload)
        if self.dashboard is not None:
            self.dashboard.heard()

    def onPong(self, payload: bytes) -> None:
        """Pass it on."""
        if self.dashboard is not None:
            self.dashboard.heard()

    def sendCloseFrame(self, *arguments: Any, **named: Any) -> None:
        """Whoever wants it: the peer, Autobahn, or us. Behind it nothing may be sent."""
        super().sendCloseFrame(*arguments, **named)
        if self.dashboard is not None:
            self.dashboard.closing()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Pass it on, with the code of whoever closed first; but not what a client says, which would be logged."""
        if self.dashboard is not None:
            ours = self.closedByMe and self.localCloseCode
            why = self.localCloseReason if ours else None if wasClean else reason
            self.dashboard.gone(ours or code or ABNORMAL, why or "")


class _Admitted:
    """A factory of the one connection whose request was admitted, as ``WebSocketResource`` wants it."""

    def __init__(self, factory: WebSocketServerFactory, protocol: _Protocol) -> None:
        self._factory = factory
        self._protocol = protocol

    def buildProtocol(self, _: object) -> _Protocol:
        """Hand it over."""
        self._protocol.factory = self._factory
        return self._protocol


def _check_upgrade(request: Request) -> None:
    """Refuse what Autobahn would refuse with a body of its own."""

    def says(name: str, word: str) -> bool:
        return word in (each.strip().lower() for each in (header(request, name) or "").split(","))

    if request.method != b"GET" or not says("upgrade", "websocket") or not says("connection", "upgrade"):
        raise Refused(400, "upgrade", "this is a WebSocket: connect with ws://, not http://")
    if not says("sec-websocket-version", "13"):
        request.setHeader(b"Sec-WebSocket-Version", b"13")
        raise Refused(400, "upgrade", "Sec-WebSocket-Version is missing or wrong: use 13")
    if not _KEY.fullmatch((header(request, "sec-websocket-key") or "").strip()):
        raise Refused(400, "upgrade", "Sec-WebSocket-Key is missing or wrong: use 16 random bytes in base64")


class EventsEndpoint(Endpoint):
    """Checks all that can be wrong with a request while it is still HTTP, then hands it to Autobahn."""

    def __init__(self, admission: Admission, around: Surroundings) -> None:
        super().__init__(admission)
        self._around = around
        self._factory = WebSocketServerFactory(server=f"norikv-vizd/{__version__}", reactor=around.reactor)
        self._factory.setProtocolOptions(
            maxFramePayloadSize=MAX_CLIENT_MESSAGE_BYTES,
            maxMessagePayloadSize=MAX_CLIENT_MESSAGE_BYTES,
            failByDrop=False,  # A peer that breaks the protocol is told which rule it broke.
            openHandshakeTimeout=HANDSHAKE_TIMEOUT_S,
            closeHandshakeTimeout=HANDSHAKE_TIMEOUT_S,
        )

    def tokens(self, request: Request) -> list[str]:
        """See ``Endpoint``."""
        protocols = [each.strip() for line in headers(request, "sec-websocket-protocol") for each in line.split(",")]
        brought = [f"Bearer {each.removeprefix(BEARER)}" for each in protocols if each.startswith(BEARER)]
        return super().tokens(request) or brought

    def get(self, request: Request) -> int:
        """See ``Endpoint``."""
        query = Query(request.args or {})
        max_lag_ms = query.duration_ms("max_lag_ms")
        wish = Wish(
            encoder=JSON if query.flag("json") else MESSAGEPACK,
            filter=query.filter(),
            position=query.text("position"),
            max_lag_ms=MAX_LAG_MS if max_lag_ms is None else max_lag_ms,
            state=query.state(),
            max_kbps=query.kbps("max_kbps"),
            findings=query.flag("findings"),
        )
        _check_upgrade(request)
        self._around.clients.check_room()
        protocol = _Protocol(self._around, wish, self._admission.refusals)
        cast(Channel, request.channel).let_go()
        return WebSocketResource(_Admitted(self._factory, protocol)).render(request)
