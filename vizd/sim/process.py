"""A simulated node's process: it publishes, dies, and begins again as another incarnation."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from vizd.client.publisher import Publisher
from vizd.sim.accounting import NodeAccount
from vizd.sim.encoded import EncodedEvent
from vizd.sim.uplink import Uplink

__all__ = ["NodeProcess", "PublisherMaker"]

PublisherMaker = Callable[[Callable[[], Awaitable[object]]], Publisher]
"""Makes the publisher of a new life, not started yet, from what it waits for before each message."""

LAST_WORDS_TIMEOUT_S = 1.0
"""For what a process said before it died to arrive: a simulation loses nothing of its own accord."""


class NodeProcess:
    """Each life has a publisher of its own. Where nothing else is said, methods are for the publishers' loop."""

    def __init__(self, node: int, node_name: str, make_publisher: PublisherMaker) -> None:
        """
        :param node: the number that it publishes under.
        """
        self._node = node
        self._name = node_name
        self._make_publisher = make_publisher
        self._may_speak = asyncio.Event()
        self._may_speak.set()
        self._present: Publisher | None = make_publisher(self._may_speak.wait)
        self._double: Publisher | None = None
        # Together, for readers in other threads: what is over, and those that are not.
        self._lives: tuple[NodeAccount, tuple[Publisher, ...]] = (NodeAccount.empty(node, node_name), (self._present,))
        self._under_way: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Begin the first life; from any thread but the publishers' own."""
        if self._present is not None:
            self._present.start()

    @property
    def runs(self) -> bool:
        """Whether it lives."""
        return self._present is not None

    @property
    def connected(self) -> bool:
        """Whether a daemon has welcomed its present stream; from any thread."""
        present = self._present
        return present is not None and present.connected

    @property
    def account(self) -> NodeAccount:
        """What became of its events so far, in all of its lives; from any thread."""
        past, publishers = self._lives
        return sum(map(self._account_of, publishers), start=past)

    def follow(self, uplink: Uplink) -> None:
        """Publish as ``uplink`` says from now on; again: nothing."""
        if uplink.stands_still:
            self._may_speak.clear()
        else:
            self._may_speak.set()
        if uplink.is_doubled and self._double is None and self._present is not None:
            self._double, self._present = self._present, None
            self.begin_again()
        elif self._double is not None and not uplink.is_doubled:
            self._begin(self._bury(self._double))
            self._double = None

    def emit(self, events: Iterable[EncodedEvent]) -> None:
        """Publish ``events``, if it lives."""
        if self._present is not None:
            self._present.emit_encoded(events)

    def die(self) -> None:
        """End the stream; returns at once."""
        if self._present is not None:
            publisher, self._present = self._present, None
            self._begin(self._bury(publisher))

    def begin_again(self) -> None:
        """Start another life, as a new incarnation; returns at once."""
        if self._present is None:
            publisher = self._present = self._make_publisher(self._may_speak.wait)
            past, publishers = self._lives
            self._lives = (past, (*publishers, publisher))
            # It starts on this loop, and so has to be asked from another thread.
            self._begin(asyncio.to_thread(publisher.start))

    async def wait_closed(self, timeout_s: float) -> None:
        """End the present life after what it said is delivered, or ``timeout_s``; whatever its uplink says."""
        self.follow(Uplink())
        await asyncio.gather(*self._under_way)
        if self._present is not None:
            await self._present.wait_closed(timeout_s)

    def _begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _bury(self, publisher: Publisher) -> None:
        await publisher.wait_closed(LAST_WORDS_TIMEOUT_S)
        past, publishers = self._lives
        others = tuple(each for each in publishers if each is not publisher)
        self._lives = (past + self._account_of(publisher), others)

    def _account_of(self, publisher: Publisher) -> NodeAccount:
        return NodeAccount.of(self._node, self._name, publisher.stats)
