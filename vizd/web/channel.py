"""One connection of HTTP: how long a request may take to arrive, how large it may be, and when it is answered."""

from io import BytesIO
from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.logger import Logger, LogPublisher
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.server import Request

__all__ = ["MAX_PARAMETERS", "REQUESTS_PER_TURN", "REQUEST_TIMEOUT_S", "BoundedRequest", "Channel"]

HEADERS_TIMEOUT_S = 10
"""For the handshake and headers of the first request, and for those of another one from its first byte on."""
REQUEST_TIMEOUT_S = 60
"""For a request with its body to arrive, and for another one to begin."""
MAX_HEADER_BYTES = 128 * 1024
"""Of a request's first line and headers together: a filter by 10,000 nodes fits in the first line."""
MAX_PARAMETERS = 64
"""Of a query; no resource has a dozen. Each costs time to take apart."""
REQUESTS_PER_TURN = 16
"""Of the reactor, for all connections together: at most about 5 ms of small answers."""


class Channel(HTTPChannel):
    """The timeouts count from a request's beginning: a byte now and then does not keep a connection."""

    MAX_LENGTH = totalHeadersSize = MAX_HEADER_BYTES

    # Twisted would say a line for each connection that times out, and there may be thousands.
    _log = Logger(observer=LogPublisher())

    site: Any
    transport: Any
    _is_idle = False
    _is_kept = False

    def connectionMade(self) -> None:
        super().connectionMade()
        self.setTimeout(HEADERS_TIMEOUT_S)
        self._is_kept = self.site.connections.add(self)
        if not self._is_kept:
            self._answer(b"503 Service Unavailable\r\nRetry-After: 5")

    def cut(self) -> None:
        """See ``connections.Connection``."""
        self.transport.abortConnection()

    def let_go(self) -> None:
        """It is no connection of HTTP any more."""
        self.site.connections.remove(self)

    def dataReceived(self, data: bytes) -> None:
        if not self._is_kept:
            return
        if self._is_idle:
            self._is_idle = False
            self.setTimeout(HEADERS_TIMEOUT_S)
        # HTTPChannel's own first resets the timeout.
        super(HTTPChannel, self).dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        # A header that goes on in the next line is out of use, and thousands of such lines are slow to join.
        if line[:1] in (b" ", b"\t"):
            self._respondToBadRequestAndDisconnect()
        else:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Say so before the connection is closed; there is no request yet that could be answered."""
        self.site.refusals["headers"] += 1
        self._answer(b"431 Request Header Fields Too Large")

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.site.refusals["malformed"] += 1
        self._answer(b"400 Bad Request")

    def _answer(self, status: bytes) -> None:
        if self.transport is not None:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.loseConnection()

    def allHeadersReceived(self) -> None:
        self.setTimeout(REQUEST_TIMEOUT_S)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        self.site.connections.answers(self)
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        self._is_idle = True
        self.site.connections.waits(self)
        super().requestDone(request)

    def timeoutConnection(self) -> None:
        if self._is_idle:
            super().timeoutConnection()
        else:
            self.site.refusals["slow"] += 1
            self.cut()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.site.connections.remove(self)
        super().connectionLost(reason)


class BoundedRequest(Request):
    """Taken up when it is its turn. No resource of ours takes a body or a cookie, so whatever comes is not kept.

    :ivar is_overfull: it has too many parameters, which were left out.
    """

    is_overfull = False
    channel: Any

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Let it pass."""

    def parseCookies(self) -> None:
        """Let them pass."""

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """All of it is there."""
        if path.count(b"&") + path.count(b";") >= MAX_PARAMETERS:
            self.is_overfull = True
            path = path.partition(b"?")[0]
        self.channel.site.gate.enter(lambda: self._take_up(command, path, version))

    def _take_up(self, command: bytes, path: bytes, version: bytes) -> None:
        if self.channel is not None:  # It may have gone while it waited.
            super().requestReceived(command, path, version)
