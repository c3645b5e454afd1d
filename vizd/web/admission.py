"""Who may come in over HTTP: the rules for the Host and Origin headers, and for tokens.

A page of another site can make a browser send requests here; the Origin that the browser adds tells. Through
DNS rebinding it can even make them look like requests of its own origin; then the Host header tells. Neither
is a replacement for a token. Knows no HTTP but the texts of its headers.
"""

import ipaddress
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from vizd.access.failures import Failures
from vizd.access.rates import Rates, party
from vizd.access.tokens import TokenFile

__all__ = ["Admission", "Refused", "is_loopback", "parse_host", "parse_origin"]

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
REQUESTS_PER_S = 100.0
REQUESTS_AT_ONCE = 1_000
"""Of one address. A page asks for 60 files at once and then for one thing a second, so this is ten people behind one
address who open it at the same moment."""
LOOPBACK_FACTOR = 10
"""So much more for this machine's own: a proxy in front has everybody behind it."""
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]*[\w-]\.?))(?::([0-9]{0,5}))?", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_WILDCARDS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 -- compared, not bound


class Refused(Exception):
    """Ends a request before anything is done for it.

    :ivar status: of HTTP. :ivar code: for programs, and for counting. :ivar text: for people.
    :ivar retry_after_s: where trying again makes sense.
    """

    def __init__(self, status: int, code: str, text: str, retry_after_s: int | None = None) -> None:
        super().__init__(status, code, text)
        self.status = status
        self.code = code
        self.text = text
        self.retry_after_s = retry_after_s


def is_loopback(host_header: str | None) -> bool:
    """Whether it names this machine for itself."""
    try:
        return parse_host(host_header or "") in LOOPBACK_NAMES
    except ValueError:
        return False


def parse_host(text: str) -> str:
    """The name or address in a Host header or option, without port and brackets, in lower case.

    :raises ValueError: there is none.
    """
    return _host_and_port(text)[0]


def parse_origin(text: str) -> tuple[str, str, int]:
    """Scheme, host and port of an Origin.

    :raises ValueError: it is not ``http(s)://host[:port]``.
    """
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _DEFAULT_PORTS:
        raise ValueError(f"{text[:80]!r} is no origin: use http(s)://host[:port]")
    host, port = _host_and_port(rest)
    return scheme, host, port or _DEFAULT_PORTS[scheme]


def _host_and_port(text: str) -> tuple[str, int | None]:
    if not text.isascii():
        raise ValueError(f"{text[:80]!r} is not as browsers send it: use its ASCII form, xn--...")
    found = _HOST.fullmatch(text)
    port = int(found[3]) if found and found[3] else None
    if not found or (port or 0) > 65535:
        raise ValueError(f"{text[:80]!r} is no host: use a name or an address")
    return (found[1] or found[2]).lower().rstrip("."), port


@dataclass(slots=True)
class Admission:
    """The rules in force, and how often each has refused.

    :ivar interfaces: the addresses that are listened on. :ivar hosts: more names that are allowed, in lower case.
    :ivar origins: the only foreign ones that are allowed; ``None``: those of this machine, on any port.
    :ivar tokens: whoever views must bring one of these; ``None``: nobody must. :ivar refusals: by code.
    """

    interfaces: Sequence[str] = ()
    hosts: frozenset[str] = frozenset()
    origins: frozenset[tuple[str, str, int]] | None = None
    tokens: TokenFile | None = None
    refusals: Counter[str] = field(default_factory=Counter)
    failures: Failures = field(default_factory=lambda: Failures(time.monotonic))
    rates: Rates = field(default_factory=lambda: Rates(REQUESTS_PER_S, REQUESTS_AT_ONCE, time.monotonic))
    loopback_rates: Rates = field(
        default_factory=lambda: Rates(
            REQUESTS_PER_S * LOOPBACK_FACTOR, REQUESTS_AT_ONCE * LOOPBACK_FACTOR, time.monotonic
        )
    )

    def check_host(self, header: str | None, local_address: str) -> None:
        """
        :param header: of the request. :param local_address: where it arrived, for those who listen on all.
        :raises Refused: 403.
        """
        try:
            host = parse_host(header or "")
        except ValueError:
            host = None
        if host is not None and (host in LOOPBACK_NAMES or host in self.hosts or self._is_own(host, local_address)):
            return
        raise Refused(
            403,
            "host",
            f"Host {(header or '')[:80]!r} is not allowed here: use localhost or the daemon's own address,"
            " or add the name to --allowed-hosts",
        )

    def _is_own(self, host: str, local_address: str) -> bool:
        if host in self.interfaces:
            return True
        # An address can't be rebound, a name could.
        return bool(_WILDCARDS.intersection(self.interfaces)) and _address(host) == _address(local_address) is not None

    def check_rate(self, peer: str) -> None:
        """
        :param peer: the address that a request comes from.
        :raises Refused: 429.
        """
        whom = party(peer)
        rates = self.loopback_rates if whom in LOOPBACK_NAMES else self.rates
        if not rates.allows(whom):
            raise Refused(429, "rate", "too many requests come from here: wait between them", rates.wait_s())

    def check_token(self, headers: Sequence[str], peer: str) -> None:
        """
        :param headers: each ``Authorization`` of the request. :param peer: the address that it comes from.
        :raises Refused: 401, or 429 for whoever brings wrong ones all the time.
        """
        if self.tokens is None or (len(headers) == 1 and self.tokens.allows(headers[0])):
            return
        if headers and not self.failures.allows(peer):
            raise Refused(429, "wrong_tokens", "too many wrong tokens came from here", self.failures.wait_s())
        what = (
            "a token is needed"
            if not headers
            else "this token is not known here"
            if len(headers) == 1
            else "two tokens"
        )
        raise Refused(401, "UNAUTHENTICATED", f"{what}: send one in the header Authorization: Bearer TOKEN")

    def check_origin(self, origin: str | None, host_header: str | None) -> None:
        """
        :param origin: of the request; ``None``: it is not from a page of another site.
        :raises Refused: 403.
        """
        if origin is None:
            return
        try:
            scheme, host, port = parse_origin(origin)
        except ValueError:
            pass  # "null", as files and sandboxed frames send it.
        else:
            if self._is_same(scheme, host, port, host_header or ""):
                return
            if self.origins is None:
                if host in LOOPBACK_NAMES:
                    return
            elif (scheme, host, port) in self.origins:
                return
        raise Refused(
            403, "origin", f"Origin {origin[:80]!r} is not allowed here: add it to --allowed-origins if it should be"
        )

    @staticmethod
    def _is_same(scheme: str, host: str, port: int, host_header: str) -> bool:
        # A proxy may speak TLS for us, so the scheme is taken from the origin's side.
        try:
            return parse_origin(f"{scheme}://{host_header}") == (scheme, host, port)
        except ValueError:
            return False


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
