"""The least that Python can do: a frame is made once, and one ``send`` a client does the rest.

It keeps what a full socket did not take, and drops a client whose rest would grow; it knows neither pings nor messages.
"""

import base64
import contextlib
import hashlib
import select
import socket
import struct
import time

from bench.speed.references.command import options

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT_FINAL = 0x81


def _accept(key: bytes) -> bytes:
    return base64.b64encode(hashlib.sha1(key + _MAGIC).digest())


def _framed(payload: bytes) -> bytes:
    return struct.pack(">BBH", _TEXT_FINAL, 126, len(payload)) + payload


class _RawLoop:
    def __init__(self) -> None:
        self._stamped, self._every_s = options()
        self._server = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._server.setblocking(False)
        self._epoll = select.epoll()
        self._epoll.register(self._server, select.EPOLLIN)
        self._asking: dict[int, tuple[socket.socket, bytes]] = {}
        self._clients: dict[int, socket.socket] = {}
        self._rests: dict[int, bytes] = {}

    def run(self) -> None:
        """For ever."""
        print(f"port {self._server.getsockname()[1]}", flush=True)
        due_s = time.monotonic()
        while True:
            for number, events in self._epoll.poll(max(0.0, due_s - time.monotonic())):
                self._serve(number, events)
            if time.monotonic() >= due_s:
                due_s += self._every_s
                if self._clients:
                    self._send(_framed(self._stamped()))

    def _serve(self, number: int, events: int) -> None:
        if number == self._server.fileno():
            with contextlib.suppress(BlockingIOError):
                while True:
                    sock, _ = self._server.accept()
                    sock.setblocking(False)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._asking[sock.fileno()] = sock, b""
                    self._epoll.register(sock, select.EPOLLIN)
        elif number in self._asking:
            self._shake(*self._asking[number])
        elif events & select.EPOLLOUT:
            self._go_on(number)
        else:
            self._drop(number)

    def _shake(self, sock: socket.socket, before: bytes) -> None:
        number = sock.fileno()
        request = before + sock.recv(65_536)
        self._asking[number] = sock, request
        if b"\r\n\r\n" not in request:
            return
        key = request.split(b"Sec-WebSocket-Key: ", 1)[1].split(b"\r\n", 1)[0]
        sock.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + _accept(key) + b"\r\n\r\n"
        )
        del self._asking[number]
        self._clients[number] = sock

    def _send(self, frame: bytes) -> None:
        rests = self._rests
        for number, sock in list(self._clients.items()):
            if number in rests:
                self._drop(number)
                continue
            try:
                sent = sock.send(frame)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._drop(number)
                continue
            if sent < len(frame):
                rests[number] = frame[sent:]
                self._epoll.modify(sock, select.EPOLLIN | select.EPOLLOUT)

    def _go_on(self, number: int) -> None:
        sock = self._clients[number]
        rest = self._rests[number]
        rest = rest[sock.send(rest) :]
        if rest:
            self._rests[number] = rest
        else:
            del self._rests[number]
            self._epoll.modify(sock, select.EPOLLIN)

    def _drop(self, number: int) -> None:
        sock = self._clients.pop(number)
        self._rests.pop(number, None)
        self._epoll.unregister(sock)
        sock.close()


if __name__ == "__main__":
    _RawLoop().run()
