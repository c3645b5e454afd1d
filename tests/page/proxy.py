"""A wire between a browser and a daemon that can be cut, and mended to another daemon."""

import contextlib
import socket
import threading

__all__ = ["Proxy"]

CHUNK_BYTES = 1 << 16


class Proxy:
    """TCP, byte for byte; what is said in it is kept nowhere but the first lines of requests.

    :ivar port: where it listens. :ivar requests: the first line of what each connection has sent first.
    """

    def __init__(self, target: int) -> None:
        """
        :param target: a port of this machine.
        """
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.requests: list[str] = []
        self._target: int | None = target
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, *, hold: bool = False) -> None:
        """End every connection without a word.

        :param hold: who connects from now on waits for ``join``; else they get through at once.
        """
        with self._changed:
            if hold:
                self._target = None
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def join(self, target: int) -> None:
        """Lead those who wait, and all later ones, to this port."""
        with self._changed:
            self._target = target
            self._changed.notify_all()

    def close(self) -> None:
        """Cut, and listen no more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._lead, args=(near,), daemon=True).start()

    def _lead(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._target is not None)
                if self._closed or self._target is None:
                    return
                self._open.add(near)
                target = self._target
            with socket.create_connection(("127.0.0.1", target)) as far:
                back = threading.Thread(target=_relay, args=(far, near), daemon=True)
                back.start()
                first = near.recv(CHUNK_BYTES)
                self.requests.append(first.split(b"\r\n", 1)[0].decode("latin-1"))
                far.sendall(first)
                _relay(near, far)
                back.join()
        with self._changed:
            self._open.discard(near)


def _relay(source: socket.socket, target: socket.socket) -> None:
    """Until either side ends; then both do."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            target.sendall(chunk)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
