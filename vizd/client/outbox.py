"""The send buffer between the threads that emit and the loop that sends.

One lock, held for moments, and one wake-up per batch, not per event. What is kept and what is dropped is
the buffer's to decide.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable

from vizd.client.buffer import Batch, SendBuffer
from vizd.client.stats import Counts
from vizd.events.catalogue import EventClass

__all__ = ["FULL_BATCH_EVENTS", "Outbox"]

FULL_BATCH_EVENTS = 1_000
"""A batch worth sending at once: a message costs as much as some hundred events, so more would save little."""


class Outbox:
    """Methods are for any thread where they say so, else for the loop alone.

    :ivar wake: set, on the loop, when there may be something new to send.
    """

    def __init__(self, buffer: SendBuffer, call_soon: Callable[[Callable[[], object]], object]) -> None:
        """
        :param buffer: from now on touched only through this.
        :param call_soon: calls a function on the loop, from any thread.
        """
        self.wake = asyncio.Event()
        self._buffer = buffer
        self._lock = threading.Lock()
        self._call_soon = call_soon
        self._closed = False
        self._progress = asyncio.Event()

    def add(self, events: Iterable[tuple[bytes, EventClass]]) -> None:
        """Let ``events`` wait; any thread. After ``close`` they are counted as dropped."""
        buffer = self._buffer
        with self._lock:
            before = buffer.waiting
            if self._closed:
                for _, event_class in events:
                    buffer.refuse(event_class)
            else:
                for event, event_class in events:
                    buffer.add(event, event_class)
            after = buffer.waiting
        if (not before and after) or before < FULL_BATCH_EVENTS <= after:
            self._call_soon(self.wake.set)

    def close(self) -> None:
        """Take nothing more; any thread."""
        with self._lock:
            self._closed = True

    def counts(self) -> Counts:
        """What became of the events so far; any thread."""
        buffer = self._buffer
        with self._lock:
            return Counts(
                emitted=buffer.emitted,
                dropped=dict(buffer.dropped),
                waiting=buffer.waiting,
                in_flight=buffer.unacked,
                sent=buffer.last_seq,
                acked=buffer.acked_through,
            )

    @property
    def sendable(self) -> int:
        """As ``SendBuffer.sendable``."""
        with self._lock:
            return self._buffer.sendable

    def take(self, max_events: int, max_bytes: int) -> tuple[Batch, int]:
        """The next batch, maybe empty, and how many events were dropped before it, in total."""
        with self._lock:
            return self._buffer.take(max_events, max_bytes), self._buffer.dropped_total

    def begin_stream(self, stored_through: int, max_in_flight: int) -> None:
        """As ``SendBuffer.rewind``."""
        with self._lock:
            self._buffer.rewind(stored_through, max_in_flight)
        self._progressed()

    def acknowledge(self, stored_through: int, received_through: int) -> None:
        """What an Ack says.

        :raises ValueError: if it is of events that were never sent.
        """
        with self._lock:
            self._buffer.acked(stored_through)
            self._buffer.received(received_through)
        self._progressed()

    def _progressed(self) -> None:
        self.wake.set()
        self._progress.set()

    @property
    def is_empty(self) -> bool:
        """Whether everything emitted is acked or dropped; any thread."""
        with self._lock:
            return self._buffer.oldest > self._buffer.emitted

    async def received(self) -> None:
        """Returns when the daemon has taken in everything."""
        await self._until(lambda: self._buffer.is_received)

    async def flushed(self) -> None:
        """Returns when everything that was emitted before the call is acked or dropped."""
        with self._lock:
            through = self._buffer.emitted
        await self._until(lambda: self._buffer.oldest > through)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        """
        :param is_so: of the buffer; asked again when the daemon has said something.
        """
        while True:
            self._progress.clear()
            with self._lock:
                if is_so():
                    return
            await self._progress.wait()
