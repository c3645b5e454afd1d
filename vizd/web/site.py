"""HTTP as all our resources speak it: who may come in, methods, errors in JSON, CORS, bounds on requests."""

import json
from io import BytesIO
from typing import Any, ClassVar

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.http import HTTPChannel
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import EncodingResourceWrapper, IResource, Resource
from twisted.web.server import NOT_DONE_YET, GzipEncoderFactory, Request, Site

from vizd.web.admission import Admission, Refused

__all__ = ["Endpoint", "Root", "gzipped", "header", "headers", "make_site", "peer_address", "send_json"]

REQUEST_TIMEOUT_S = 60
"""For a whole request to arrive, and for the next one on a connection to begin and arrive."""


MAX_HEADER_BYTES = 128 * 1024
"""Of a request's first line and headers together: a filter by 10,000 nodes fits in the first line."""


class _Channel(HTTPChannel):
    """The timeout counts from a request's beginning: a byte now and then does not keep a connection."""

    MAX_LENGTH = totalHeadersSize = MAX_HEADER_BYTES

    def lineLengthExceeded(self, line: bytes) -> None:
        """Say so before the connection is closed; there is no request yet that could be answered."""
        if self.transport is not None:
            self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n")
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        # HTTPChannel's own first resets the timeout.
        super(HTTPChannel, self).dataReceived(data)


class _Request(Request):
    """No resource of ours takes a body, so whatever comes is not kept."""

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Let it pass."""


def send_json(request: Request, status: int, value: Any) -> bytes:
    """Make ``value`` the answer; returns the body."""
    request.setResponseCode(status)
    request.setHeader(b"Content-Type", b"application/json")
    body = json.dumps(value, ensure_ascii=False).encode()
    request.setHeader(b"Content-Length", b"%d" % len(body))
    return b"" if request.method == b"HEAD" else body


def header(request: Request, name: str) -> str | None:
    """A header of ``request``, whatever bytes it has; twisted's own raises where they are not UTF-8."""
    values = headers(request, name)
    return values[-1] if values else None


def headers(request: Request, name: str) -> list[str]:
    """The same, where it matters how often it is there."""
    return [value.decode("latin-1") for value in request.requestHeaders.getRawHeaders(name.encode(), [])]


def peer_address(request: Request) -> str:
    """The IP address that ``request`` comes from."""
    return str(getattr(request.getClientAddress(), "host", ""))


class Endpoint(Resource):
    """A resource that answers GET, HEAD and OPTIONS.

    :cvar is_guarded: whether the Host and Origin headers are checked.
    :cvar asks_for_token: whether a token must be brought, where the daemon has tokens.
    """

    is_guarded: ClassVar[bool] = True
    asks_for_token: ClassVar[bool] = True
    _log = Logger()

    def __init__(self, admission: Admission) -> None:
        super().__init__()
        self._admission = admission

    def get(self, request: Request) -> bytes | int:
        """Answer a GET or HEAD: a body, or ``NOT_DONE_YET``.

        :raises Refused: with this. :raises ValueError: a parameter is wrong, the text says which and how.
        """
        raise NotImplementedError

    def tokens(self, request: Request) -> list[str]:
        """What the request brings, each as the value of an Authorization header."""
        return headers(request, "authorization")

    def render(self, request: Request) -> bytes | int:
        """Answer any request."""
        request.setHeader(b"Cache-Control", b"no-store")
        request.setHeader(b"X-Content-Type-Options", b"nosniff")
        try:
            if self.is_guarded:
                self._check(request)
            if request.method == b"OPTIONS":  # A browser's question, which brings no token.
                return self._preflight(request)
            if self.asks_for_token:
                self._admission.check_token(self.tokens(request), peer_address(request))
            if request.method not in (b"GET", b"HEAD"):
                request.setHeader(b"Allow", b"GET, HEAD, OPTIONS")
                raise Refused(405, "method", f"{request.method[:20].decode('latin-1')} is not for this: use GET")
            return self.get(request)
        except Refused as why:
            return self._refuse(request, why)
        except ValueError as why:
            return self._refuse(request, Refused(400, "parameter", str(why)))
        except Exception:
            # Without the query: somebody may have put a token there.
            self._log.failure("{method} {path} failed", method=request.method, path=request.path)
            return self._refuse(request, Refused(500, "internal", "this is the daemon's fault: its log says more"))

    def _check(self, request: Request) -> None:
        host, origin = header(request, "host"), header(request, "origin")
        self._admission.check_host(host, getattr(request.getHost(), "host", ""))
        self._admission.check_origin(origin, host)
        request.setHeader(b"Vary", b"Origin")
        if origin is not None:
            request.setHeader(b"Access-Control-Allow-Origin", origin.encode("latin-1"))

    def _preflight(self, request: Request) -> int:
        request.setResponseCode(204)
        request.setHeader(b"Allow", b"GET, HEAD, OPTIONS")
        request.setHeader(b"Access-Control-Allow-Methods", b"GET, HEAD, OPTIONS")
        request.setHeader(b"Access-Control-Allow-Headers", b"authorization, accept")
        request.setHeader(b"Access-Control-Max-Age", b"600")
        request.finish()  # A body, even an empty one, would get a Content-Length, which a 204 must not have.
        return NOT_DONE_YET

    def _refuse(self, request: Request, why: Refused) -> bytes:
        self._admission.refusals[why.code] += 1
        if why.status == 401:
            request.setHeader(b"WWW-Authenticate", b"Bearer")
        if why.status == 429:
            request.setHeader(b"Connection", b"close")
            request.channel.persistent = False
        if why.retry_after_s is not None:
            request.setHeader(b"Retry-After", b"%d" % why.retry_after_s)
        return send_json(request, why.status, {"error": {"code": why.code, "message": why.text}})


class _Nothing(Endpoint):
    def get(self, request: Request) -> bytes:
        path = request.path[:80].decode("latin-1")
        raise Refused(
            404,
            "not_found",
            f"there is no {path}: see /, /health, /ready, /api/stats, /api/history, /api/state, /api/timeline,"
            " /api/coverage, /api/insight, /ws/events",
        )


class _Gzip(GzipEncoderFactory):
    compressLevel = 1  # A page of a history is packed in one turn of the reactor.


def gzipped(resource: Resource) -> IResource:
    """``resource``, with its answers compressed for whoever asks for that."""
    wrapped: IResource = EncodingResourceWrapper(resource, [_Gzip()])
    return wrapped


class Root(Resource):
    """Endpoints by their whole path."""

    def __init__(self, admission: Admission) -> None:
        super().__init__()
        self._nothing = _Nothing(admission)
        self._endpoints: dict[bytes, IResource] = {}

    def add(self, path: str, endpoint: IResource) -> None:
        """Serve ``endpoint`` at ``path``, and at no other."""
        self._endpoints[path.encode()] = endpoint

    def getChildWithDefault(self, path: bytes, request: Request) -> IResource:
        """Whatever is at the whole path of the request."""
        request.postpath = []
        return self._endpoints.get(request.path, self._nothing)


class _Site(Site):
    def log(self, request: HTTPRequest) -> None:
        """No line per request: probes and pollers would drown the rest. Refusals are counted."""


def make_site(root: Root, reactor: IReactorTime) -> Site:
    """The factory of HTTP connections."""
    site = _Site(root, requestFactory=_Request, timeout=REQUEST_TIMEOUT_S, reactor=reactor)
    site.protocol = _Channel  # type: ignore[assignment]
    site.displayTracebacks = False
    return site
