"""HTTP/2 by hand: a client that does what no library would let it do."""

import contextlib
import socket
import struct
import threading
import time

from tests.ingest.harness import PATIENCE_S, PUBLISH

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION = 0, 1, 3, 4, 6, 9
ACK = END_STREAM = 1
END_HEADERS = 4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"", length: int | None = None) -> bytes:
    """One; ``length`` is what it says of itself, if that is not true."""
    said = len(payload) if length is None else length
    return struct.pack(">I", said)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header_block(*more: tuple[str, str]) -> bytes:
    """The headers of a call of ``Publish``, and some more, without compression."""
    headers = (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", PUBLISH),
        (":authority", "here"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        *more,
    )
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in headers)


def _text(text: str) -> bytes:
    length = len(text)
    if length < 127:
        return bytes([length]) + text.encode()
    rest, low = divmod(length - 127, 128)
    parts = [127]
    while rest:
        parts.append(low | 128)
        rest, low = divmod(rest, 128)
    return bytes([*parts, low]) + text.encode()


class Peer:
    """One connection.

    :ivar heard: all that came, as far as it was read.
    """

    def __init__(self, port: int, *, speaks: bool = True) -> None:
        """
        :param speaks: says what begins a connection of HTTP/2.
        """
        self.heard = b""
        self._reading: threading.Thread | None = None
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        if speaks:
            self.say(PREFACE + frame(SETTINGS, 0, 0))

    def say(self, words: bytes) -> bool:
        """Whether the other side still took them."""
        try:
            self._socket.sendall(words)
        except ConnectionError:
            return False
        return True

    def begin_to_read(self) -> None:
        """Read all that comes, in a thread."""
        self._reading = threading.Thread(target=self.until_closed, daemon=True)
        self._reading.start()

    def until_closed(self) -> float:
        """Read until the daemon closes the connection; how long that took, in seconds."""
        began_s = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while some := self._socket.recv(65_536):
                self.heard += some
        return time.monotonic() - began_s

    def frames(self) -> list[tuple[int, int, int, bytes]]:
        """Kind, flags, stream and payload of what was heard, as far as it is complete."""
        found, at = [], 0
        while len(self.heard) >= at + 9 and len(self.heard) >= (
            end := at + 9 + int.from_bytes(self.heard[at : at + 3], "big")
        ):
            kind, flags, stream = struct.unpack(">BBI", self.heard[at + 3 : at + 9])
            found.append((kind, flags, stream, self.heard[at + 9 : end]))
            at = end
        return found

    def close(self) -> None:
        """Go; again: nothing."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._reading is not None:
            self._reading.join(PATIENCE_S)
        self._socket.close()
