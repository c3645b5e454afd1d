"""One open ``Publish`` call: what the daemon has yet to say in it, and how it is ended from outside."""

import asyncio
from typing import Any

from vizd import __version__
from vizd.ingest.registry import Fault, Known, Stream
from vizd.wire.vizd_pb2 import Ack, PublishResponse, Rejected, Welcome

__all__ = ["MAX_IN_FLIGHT", "MAX_MESSAGE_BYTES", "Call"]

MAX_MESSAGE_BYTES = 1 << 20
MAX_IN_FLIGHT = 50_000
"""Events beyond ``Ack.received_through``: half the inbox, so one node alone does not fill it."""
MAX_REJECTED_NAMED = 16


class Call:
    """One open call: what it knows, and what it has yet to say.

    :ivar task: its conversation; cancelled to end it from outside.
    :ivar fault: why it was.
    :ivar heard_s: when the last message came; ``None`` while it is the daemon that does not read.
    :ivar news: something was stored or rejected, or the node asks.
    """

    def __init__(self, context: Any) -> None:
        self.context = context
        self.stream: Stream | None = None
        self.task: asyncio.Task[None] | None = None
        self.fault: Fault | None = None
        self.heard_s: float | None = None
        self.news = asyncio.Event()
        self._said = (0, 0)
        self._rejected: list[Rejected] = []
        self._rejected_count = 0

    def end(self, fault: Fault) -> None:
        """End it from outside; the first reason counts."""
        if self.fault is None and self.task is not None and not self.task.done():
            self.fault = fault
            self.task.cancel()

    def reject(self, seq: int, path: str, reason: str) -> None:
        """Name an event in the next ack."""
        self._rejected_count += 1
        if len(self._rejected) < MAX_REJECTED_NAMED:
            self._rejected.append(Rejected(seq=seq, field=path, reason=reason))

    async def welcome(self, known: Known) -> None:
        """Answer the Hello."""
        self._said = (known.stored_through, known.received_through)
        welcome = Welcome(
            stored_through=known.stored_through,
            max_in_flight=MAX_IN_FLIGHT,
            max_message_bytes=MAX_MESSAGE_BYTES,
            daemon_version=__version__,
        )
        await self.context.write(PublishResponse(welcome=welcome))

    async def acknowledge(self, known: Known) -> None:
        """Say what has changed since the last time, if anything."""
        standing = (known.stored_through, known.received_through)
        if standing == self._said and not self._rejected_count:
            return
        ack = Ack(
            stored_through=standing[0],
            received_through=standing[1],
            rejected=self._rejected,
            rejected_count=min(self._rejected_count, 2**32 - 1),
        )
        self._said, self._rejected, self._rejected_count = standing, [], 0
        await self.context.write(PublishResponse(ack=ack))

    async def acknowledge_always(self, known: Known) -> None:
        """Acknowledge whenever there is news, for ever."""
        while True:
            await self.news.wait()
            self.news.clear()
            await self.acknowledge(known)

    async def acknowledge_all(self, known: Known) -> None:
        """Wait until all that came is stored, and say so."""
        while known.stored_through < known.received_through:
            await self.news.wait()
            self.news.clear()
        await self.acknowledge(known)
