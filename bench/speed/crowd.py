"""Many clients in one process that does nothing but take what comes; and the driver's end of it.

How late a frame is, is when the kernel had all of it for its client: one process that reads for a thousand is later.
"""

import select
import socket
import struct
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from bench.raw import upgrade
from bench.speed.driven import ANSWER_TIMEOUT_S, Driven
from bench.speed.frames import PONG, Stream

__all__ = ["Counts", "Crowd"]

SHAKING_HANDS = 50
"""Connections that are opened together; the listening queue of a server is no longer than that, or 100."""
READ_BYTES = 256 * 1024
SAMPLED_EVERY = 5
"""Of so many clients, in the order in which they have connected, one is asked how late its frames are."""
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_STAMP_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)


@dataclass(slots=True)
class Counts:
    """What came since the last time it was asked for.

    :ivar seconds: since then. :ivar batches: by client, in the order of the queries. :ivar size_bytes: of payloads.
    :ivar gaps: that were declared. :ivar closed: connections that are gone. :ivar late_ms: see ``Stream``.
    :ivar windows: start and end of each batch of the first client, ms.
    """

    seconds: float
    batches: list[int]
    size_bytes: int
    gaps: int
    closed: int
    late_ms: "array[float]"
    windows: list[tuple[int, int]] = field(default_factory=list)

    @property
    def frames_per_s(self) -> float:
        """Batches of all clients."""
        return sum(self.batches) / self.seconds


class Crowd(Driven):
    """The driver's end."""

    def __init__(self) -> None:
        """Nobody is connected yet."""
        super().__init__(_main)

    def connect(self, port: int, queries: Sequence[str]) -> None:
        """A client for each query, besides those that there are.

        :raises RuntimeError: one was refused.
        """
        self._ask("connect", port, list(queries))

    def counts(self) -> Counts:
        """See ``Counts``."""
        answer: Counts = self._ask("count")
        return answer

    def over(self, seconds: float) -> Counts:
        """What comes in that time, from now."""
        self._ask("count")
        time.sleep(seconds)
        return self.counts()

    def leave(self) -> None:
        """All of them go."""
        self._ask("leave")


# In the process.


def _stamp_ms(ancillary: Sequence[tuple[int, int, bytes]]) -> float:
    """When the kernel had the last of the bytes, ms since the Unix epoch: however long they waited to be read."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            return float(seconds * 1e3 + nanoseconds / 1e6)
    return time.time() * 1000


def _main(pipe: Connection) -> None:
    clients = _Clients(pipe)
    while True:
        clients.turn()


class _Clients:
    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._epoll = select.epoll()
        self._epoll.register(pipe.fileno(), select.EPOLLIN)
        self._buffer = bytearray(READ_BYTES)
        self._late_ms = array("d")
        self._streams: dict[int, tuple[socket.socket, Stream]] = {}
        self._all: list[Stream] = []
        self._closed = 0
        self._counted_s = time.monotonic()

    def turn(self) -> None:
        """Wait until something is there, and take it."""
        streams = self._streams
        for number, _ in self._epoll.poll():
            if number not in streams:
                self._obey(*self._pipe.recv())
                return  # What is left of this look at the sockets may be gone.
            self._take(*streams[number])

    def _take(self, sock: socket.socket, stream: Stream) -> None:
        buffer = self._buffer
        try:
            if stream.late_ms is None:
                size, came_ms = sock.recv_into(buffer), 0.0
            else:
                size, ancillary, _, _ = sock.recvmsg_into([buffer], _STAMP_BYTES)
                came_ms = _stamp_ms(ancillary)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if not size:
            self._closed += 1
            self._drop(sock)
            return
        stream.take(buffer, size, came_ms)
        if stream.wants_pong:
            stream.wants_pong = False
            sock.send(PONG)

    def _obey(self, command: str, *arguments: Any) -> None:
        answer: object = None
        if command == "connect":
            try:
                self._connect(*arguments)
            except OSError as why:
                answer = RuntimeError(f"no connection to port {arguments[0]}: {why}")
        elif command == "leave":
            for sock, _ in list(self._streams.values()):
                self._drop(sock)
            self._all.clear()
        else:
            answer = self._count()
        self._pipe.send(answer)

    def _drop(self, sock: socket.socket) -> None:
        self._epoll.unregister(sock)
        del self._streams[sock.fileno()]
        sock.close()

    def _connect(self, port: int, queries: Sequence[str]) -> None:
        for first in range(0, len(queries), SHAKING_HANDS):
            some = []
            for query in queries[first : first + SHAKING_HANDS]:
                sock = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_S)
                sock.sendall(upgrade(port, query))
                some.append(sock)
            for sock in some:
                self._shake(sock)
            # Who waited for all the others to be connected would be behind before it begins.
            while found := [number for number, _ in self._epoll.poll(0) if number in self._streams]:
                for number in found:
                    self._take(*self._streams[number])

    def _shake(self, sock: socket.socket) -> None:
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = sock.recv(READ_BYTES)
            if not more:
                raise ConnectionError(f"cut after {answer[:200]!r}")
            answer += more
        head, _, rest = answer.partition(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise ConnectionError(f"it answered {answer[:200]!r}")
        sock.setblocking(False)
        is_sampled = len(self._all) % SAMPLED_EVERY == 0
        if is_sampled:
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        stream = Stream(self._late_ms if is_sampled else None, is_watched=not self._all)
        stream.take(bytearray(rest), len(rest), time.time() * 1000)
        self._all.append(stream)
        self._streams[sock.fileno()] = (sock, stream)
        self._epoll.register(sock, select.EPOLLIN)

    def _count(self) -> Counts:
        now_s = time.monotonic()
        counts = Counts(
            now_s - self._counted_s,
            [stream.batches for stream in self._all],
            sum(stream.size_bytes for stream in self._all),
            sum(stream.gaps for stream in self._all),
            self._closed,
            self._late_ms,
            (self._all[0].windows or []) if self._all else [],
        )
        self._counted_s, self._closed, self._late_ms = now_s, 0, array("d")
        for stream in self._all:
            stream.batches = stream.size_bytes = stream.gaps = 0
            stream.late_ms = self._late_ms if stream.late_ms is not None else None
            stream.windows = [] if stream.windows is not None else None
        return counts
