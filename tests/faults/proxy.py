"""A network between real parts that can be made bad, and good again, in either direction.

It passes bytes on and knows nothing of what they say. All methods may be called from any thread.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

__all__ = ["Proxy", "Way"]

PIECE_BYTES = 1 << 16
"""Passed on at once; also the bound of what waits in here, on each side of each connection."""
END_TIMEOUT_S = 10.0
_LINGER_NOT = struct.pack("ii", 1, 0)


class Way:
    """One direction of all connections, those to come as well."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._delay_s = 0.0
        self._piece_bytes = PIECE_BYTES
        self._left_bytes: int | None = None

    def _heal(self) -> None:
        self._open.set()
        self._delay_s, self._piece_bytes, self._left_bytes = 0.0, PIECE_BYTES, None

    async def relay(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Until one side ends, or this way breaks off."""
        while waiting := await source.read(PIECE_BYTES):
            while waiting:
                # Anew for each piece: it may have become bad or good since.
                await self._open.wait()
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                piece, waiting = waiting[: self._piece_bytes], waiting[self._piece_bytes :]
                if self._left_bytes is not None:
                    piece = piece[: self._left_bytes]
                    self._left_bytes -= len(piece)
                target.write(piece)
                await target.drain()
                if self._left_bytes == 0:
                    return


class Proxy:
    """From a port of its own to a port of a daemon, until ``close``.

    :ivar port: where it listens. :ivar up: towards the daemon. :ivar down: from it.
    """

    def __init__(self, target: int) -> None:
        """:param target: a port of this machine."""
        self.up, self.down = Way(), Way()
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = threading.Condition()
        self._led = self._ended = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: asyncio.Server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._lead, "127.0.0.1", 0, limit=PIECE_BYTES)

    def stall(self, *ways: Way) -> None:
        """Nothing passes there any more; who sends finds the pipe full."""
        self._do(lambda: [way._open.clear() for way in ways])

    def slow(self, *ways: Way, delay_s: float, piece_bytes: int = PIECE_BYTES) -> None:
        """Each piece waits before it passes; with few bytes in a piece this is dribbling."""

        def do() -> None:
            for way in ways:
                way._delay_s, way._piece_bytes = delay_s, piece_bytes

        self._do(do)

    def truncate(self, way: Way, after_bytes: int) -> None:
        """So much passes there, of all connections together; then each of them ends in order, wherever that is."""

        def do() -> None:
            way._left_bytes = after_bytes

        self._do(do)

    def reset(self) -> None:
        """End all connections as a crash does: what is under way is lost, and both sides are told by an RST."""

        def do() -> None:
            for writer in self._writers:
                _socket_of(writer).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
                writer.transport.abort()

        self._do(do)

    def heal(self) -> None:
        """Both ways are good again."""
        self._do(lambda: [way._heal() for way in (self.up, self.down)])

    def wait_ended(self, count: int = 1) -> None:
        """Return when so many connections have ended, since the beginning."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended >= count, END_TIMEOUT_S):
                raise AssertionError(f"{self._ended} of {self._led} connections have ended, not {count}")

    @property
    def connections(self) -> int:
        """That were led through, since the beginning."""
        return self._led

    def close(self) -> None:
        """End all, and listen no more."""
        self.reset()
        self.heal()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(END_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(END_TIMEOUT_S)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _do(self, change: Callable[[], Any]) -> None:
        """In the loop's thread, and wait for it."""
        done: Future[None] = Future()

        def do() -> None:
            change()
            done.set_result(None)

        self._loop.call_soon_threadsafe(do)
        done.result(END_TIMEOUT_S)

    async def _lead(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        self._led += 1
        writers = [near]
        self._writers.add(near)
        try:
            with contextlib.suppress(OSError):
                far_reader, far = await asyncio.open_connection("127.0.0.1", self._target, limit=PIECE_BYTES)
                writers.append(far)
                self._writers.add(far)
                relays = [
                    asyncio.ensure_future(self.up.relay(near_reader, far)),
                    asyncio.ensure_future(self.down.relay(far_reader, near)),
                ]
                try:
                    await asyncio.wait(relays, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for relay in relays:
                        relay.cancel()
                    await asyncio.gather(*relays, return_exceptions=True)
        finally:
            for writer in writers:
                writer.close()
                self._writers.discard(writer)
            with self._changed:
                self._ended += 1
                self._changed.notify_all()


def _socket_of(writer: asyncio.StreamWriter) -> Any:
    return writer.get_extra_info("socket")
