"""HTTP in memory: the real site, its channel and a transport that is a string."""

import json
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from vizd.web.site import Root, make_site

LOCAL = IPv4Address("TCP", "127.0.0.1", 9090)


def step(clock: Clock) -> None:
    """One turn of the reactor: what is due now, and not what that plans for the next turn."""
    for call in [each for each in clock.getDelayedCalls() if each.getTime() <= clock.seconds()]:
        if call.active():
            clock.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)


class Transport(StringTransport):
    """Tells the protocol when it is closed."""

    is_gone = False
    aborted = False
    protocol: Any = None

    def loseConnection(self) -> None:
        super().loseConnection()
        self.gone()

    def abortConnection(self) -> None:
        self.aborted = True
        self.gone()

    def gone(self) -> None:
        """The connection is lost."""
        if not self.is_gone:
            self.is_gone = True
            self.protocol.connectionLost(Failure(ConnectionDone()))


class Answer:
    """One response."""

    def __init__(self, raw: bytes, to_head: bool = False) -> None:
        """``rest`` is what came behind it; a body that breaks off is as long as it got, and not ``is_whole``."""
        head, _, rest = raw.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(status.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.is_whole = True
        if to_head or self.status == 204:
            self.body, self.rest = b"", rest
        elif self.headers.get("transfer-encoding") == "chunked":
            self.body, self.rest = self._dechunked(rest)
        else:
            length = int(self.headers["content-length"])
            self.body, self.rest = rest[:length], rest[length:]
            self.is_whole = len(self.body) == length

    def _dechunked(self, raw: bytes) -> tuple[bytes, bytes]:
        body = b""
        while raw:
            size, _, raw = raw.partition(b"\r\n")
            count = int(size, 16)
            if count == 0:
                return body, raw[2:]
            body, raw = body + raw[:count], raw[count + 2 :]
        self.is_whole = False
        return body, b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """One connection to a site."""

    def __init__(self, root: Root, clock: Clock | None = None, local: Any = LOCAL) -> None:
        self.clock = clock or Clock()
        site = make_site(root, self.clock)
        self.channel = site.buildProtocol(LOCAL)
        self.transport = Transport(hostAddress=local)
        self.transport.protocol = self.channel
        self.channel.makeConnection(self.transport)

    def send(self, raw: bytes) -> None:
        self.channel.dataReceived(raw)

    def ask(self, target: str, method: str = "GET", body: bytes = b"", **headers: str) -> None:
        """Send a request; ``_`` in a header's name is ``-``."""
        given = {"Host": "localhost:9090"} | {name.replace("_", "-"): value for name, value in headers.items()}
        if body:
            given["Content-Length"] = str(len(body))
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value != "-")]
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def heard(self, *, to_head: bool = False) -> Answer:
        """The answer that has come, alone."""
        if not self.transport.value():
            step(self.clock)  # It waited at the gate.
        answer = Answer(self.transport.value(), to_head)
        assert not answer.rest, answer.rest
        self.transport.clear()
        return answer

    def get(self, target: str, **headers: str) -> Answer:
        self.ask(target, **headers)
        return self.heard()
