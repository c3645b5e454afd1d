"""Where a daemon is and what is shown at its door, for all who look at it over HTTP and WebSocket."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from vizd.client.trouble import DaemonError

__all__ = ["Address", "Token"]

Token = str | Callable[[], str]
"""Itself, or where it is read anew for each connection: a file's content may change."""

_SCHEMES = {"http": "ws", "https": "wss"}


@dataclass(frozen=True, slots=True)
class Address:
    """A daemon, as a client names it.

    :ivar url: such as ``http://127.0.0.1:9090``, without anything behind the port.
    :ivar token: never shown, not in an error either.
    :ivar ca: in PEM: who must have signed the daemon's certificate; ``None``: the machine's own list.
    """

    url: str
    token: Token | None = field(default=None, repr=False)
    ca: Path | None = None

    def __post_init__(self) -> None:
        """
        :raises ValueError: the URL is none of a daemon, or ``ca`` can't be read.
        """
        parts = urlsplit(self.url)
        try:
            port_is_right = parts.port is None or parts.port > 0
        except ValueError:
            port_is_right = False
        if parts.scheme not in _SCHEMES or not parts.hostname or not port_is_right:
            raise ValueError(f"{self._hidden(self.url)!r}: http://HOST:PORT or https://HOST:PORT is needed")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(f"{self._hidden(self.url)!r}: only http(s)://HOST:PORT; a token does not go into a URL")
        object.__setattr__(self, "url", urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", "")))
        self.tls()

    @staticmethod
    def _hidden(url: str) -> str:
        return url.rpartition("@")[2].partition("?")[0]

    @property
    def websocket_url(self) -> str:
        """Where dashboards connect."""
        scheme, rest = self.url.split(":", 1)
        return f"{_SCHEMES[scheme]}:{rest}/ws/events"

    def headers(self) -> dict[str, str]:
        """What a request brings to be let in.

        :raises DaemonError: the token can't be read any more.
        """
        try:
            token = self.token() if callable(self.token) else self.token
        except ValueError as error:
            raise DaemonError(str(error)) from None
        return {"Authorization": f"Bearer {token}"} if token else {}

    def tls(self) -> ssl.SSLContext | None:
        """For ``https``; ``None`` in the clear."""
        if not self.url.startswith("https:"):
            return None
        try:
            return ssl.create_default_context(cafile=self.ca)
        except OSError as error:  # SSLError is one.
            raise ValueError(f"{str(self.ca)!r} is no file of certificates in PEM: {error.strerror or error}") from None
