"""HTTP as all our resources speak it: who may come in, methods, errors in JSON, CORS, headers that protect.

What a connection may do is in ``channel``.
"""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import EncodingResourceWrapper, IResource, Resource
from twisted.web.server import NOT_DONE_YET, GzipEncoderFactory, Request, Site

from vizd.web.admission import Admission, Refused, is_loopback
from vizd.web.channel import MAX_PARAMETERS, REQUEST_TIMEOUT_S, REQUESTS_PER_TURN, BoundedRequest, Channel
from vizd.web.connections import SPARE, Connections
from vizd.web.gate import Gate

__all__ = ["Endpoint", "Root", "gzipped", "header", "headers", "make_site", "peer_address", "send_json"]

_HEADERS = {
    b"Server": b"norikv-vizd",  # Not which Twisted.
    b"Cache-Control": b"no-store",
    b"X-Content-Type-Options": b"nosniff",
    b"X-Frame-Options": b"DENY",
    b"Referrer-Policy": b"no-referrer",
    # An answer of the API is no page; the page has its own.
    b"Content-Security-Policy": b"default-src 'none'; frame-ancestors 'none'",
    # No other site may embed an answer. Whoever asks by CORS from an allowed origin is not hindered by it.
    b"Cross-Origin-Resource-Policy": b"same-origin",
    b"Cross-Origin-Opener-Policy": b"same-origin",
}
_HSTS = b"max-age=86400"
"""A day: it counts for all ports of a host, and another one there may have no TLS."""


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
    :cvar methods: that ``get`` answers; ``None``: all.
    """

    is_guarded: ClassVar[bool] = True
    asks_for_token: ClassVar[bool] = True
    methods: ClassVar[frozenset[bytes] | None] = frozenset([b"GET", b"HEAD"])
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
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        try:
            if self.is_guarded:
                self._check(request)
            if request.method == b"OPTIONS":  # A browser's question, which brings no token.
                return self._preflight(request)
            if self.asks_for_token:
                self._admission.check_token(self.tokens(request), peer_address(request))
            if self.methods is not None and request.method not in self.methods:
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
        if request.isSecure() and not is_loopback(host):
            request.setHeader(b"Strict-Transport-Security", _HSTS)
        self._admission.check_rate(peer_address(request))
        if getattr(request, "is_overfull", False):
            raise Refused(400, "parameter", f"over {MAX_PARAMETERS} parameters: use fewer")
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
    methods = None

    def get(self, request: Request) -> bytes:
        path = request.path[:80].decode("latin-1")
        raise Refused(
            404,
            "not_found",
            f"there is no {path}: see /, /health, /ready, /api/stats, /api/history, /api/state, /api/timeline,"
            " /api/coverage, /api/insight, /api/openapi.json, /api/asyncapi.json, /metrics, /ws/events",
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
    """:ivar connections: those of HTTP that are open. :ivar gate: of requests."""

    noisy = False  # That it starts and stops is said by those who start and stop it.
    connections: Connections
    gate: Gate
    refusals: Counter[str]

    def log(self, request: HTTPRequest) -> None:
        """No line per request: probes and pollers would drown the rest. Refusals are counted."""

    def acceptableProtocols(self) -> list[bytes]:
        """What TLS may agree on; Twisted's own also says HTTP/2 where a package for it happens to be installed."""
        return [b"http/1.1"]


def make_site(
    root: Root, reactor: IReactorTime, refusals: Counter[str] | None = None, room: Callable[[], int] = lambda: SPARE
) -> Site:
    """The factory of HTTP connections.

    :param refusals: by reason, where those are counted that no resource hears of.
    :param room: for how many connections that are no dashboard's.
    """
    site = _Site(root, requestFactory=BoundedRequest, timeout=REQUEST_TIMEOUT_S, reactor=reactor)
    site.protocol = Channel  # type: ignore[assignment]
    site.displayTracebacks = False
    site.refusals = Counter() if refusals is None else refusals
    site.connections = Connections(room, site.refusals)
    site.gate = Gate(REQUESTS_PER_TURN, reactor)
    return site
