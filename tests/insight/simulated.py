"""A simulated cluster that publishes to the daemon's own parts, on a simulated clock: no socket, and no second passes.

Each node has the client's own buffer and encoding; its messages go through the daemon's own conversation, registry,
decoder, inbox, coalescer and log into the folds. Only what carries bytes and tells the time is not theirs.
"""

import asyncio
from collections.abc import Callable

from tests.insight.process import MANY_EVENTS, Process
from vizd.ingest.inbox import Inbox
from vizd.ingest.publish import PublishCalls
from vizd.ingest.registry import Registry
from vizd.insight.finding import Finding
from vizd.insight.insight import Insight
from vizd.log.coalescer import Coalescer
from vizd.log.memory import MemoryLog
from vizd.log.window import Position, Window
from vizd.sim.cluster import SimulatedCluster
from vizd.sim.encoded import EncodedEvent
from vizd.state.coverage import Coverage
from vizd.state.timeline import Timeline
from vizd.wire.vizd_pb2 import Hello

START_MS = 1_765_000_000_000
SEED = 7
_LEAST_TURNS = 6
"""Of the loop, for what has been read to come to its end: an answer, or the end of a call."""


def troubled_node(scenario: str, rate: int, seed: int = SEED) -> int:
    """The node whose publishing goes wrong first, 5 s after the start; any simulation with this seed has the same."""
    cluster = SimulatedCluster(5, 24, rate, seed, START_MS, scenario)
    for second in range(1, 7):
        cluster.advance_encoded(START_MS + 1_000 * second)
    (node,) = cluster.clocks_off_ms or (
        node for node, uplink in cluster.uplinks.items() if uplink.stands_still or uplink.is_doubled
    )
    return node


class Simulation:
    """From the start of a cluster to where ``run`` has brought it.

    :ivar told: each version of a finding in its order, with what has become of it: ``opened``, ``updated``, ``closed``.
    """

    def __init__(
        self,
        scenario: str,
        rate: int = 200,
        *,
        as_of_today: bool = False,
        tick_ms: int = 100,
        seed: int = SEED,
    ) -> None:
        """
        :param rate: events per second of five nodes with 24 shards.
        :param tick_ms: how often nodes send and the daemon makes a window.
        """
        self.cluster = SimulatedCluster(5, 24, rate, seed, START_MS, scenario, as_of_today)
        self.coverage = Coverage()
        self.timeline = Timeline(self.coverage)
        self.insight = Insight(self.coverage, self.timeline)
        self.told: list[tuple[Finding, str]] = []
        self.insight.listen(lambda finding, word: self.told.append((finding, word)))
        self.log = MemoryLog("here", 24 * 3_600_000, 1 << 30)
        self.log.listen(self._fold)
        self._tick_ms = tick_ms
        self._now_ms = START_MS
        self._loop = _SimulatedLoop()
        self._inbox = Inbox()
        self._coalescer = Coalescer(self.log, START_MS, 0)
        self._calls = PublishCalls(Registry(), self._inbox, lambda: self._now_ms, lambda *_: None)
        self._inbox.on_drained = self._calls.make_room
        self._watching = self._loop.create_task(self._calls.watch_silence())  # A loop alone lets go of its tasks.
        self._incarnations = 0
        self._nodes: dict[int, list[Process]] = {node: [] for node in self.cluster.names}

    def run(self, seconds: float) -> "Simulation":
        """Let so much time pass."""
        for _ in range(round(seconds * 1_000 / self._tick_ms)):
            self._now_ms += self._tick_ms
            self._loop.now_s += self._tick_ms / 1_000
            self._publish()
            self._loop.settle(lambda: any(process.unread for each in self._nodes.values() for process in each))
            self._coalescer.tick(self._inbox.drain(), self._now_ms, self._now_ms - START_MS)
        return self

    def end(self) -> "Simulation":
        """Let go of the loop: time stands still from now on."""
        self._loop.end()
        return self

    def window(self, position: Position) -> Window:
        """The window that ``position`` is behind, read as any reader of the log does."""
        reading = self.log.read(Position(position.seq - 1, 0, None), position, lambda summary: True)
        try:
            reading.send(None)
        except StopIteration as done:  # A log in memory has nothing to wait for.
            (window,) = done.value.windows
            return window
        raise AssertionError("the log has not answered")

    def _publish(self) -> None:
        by_node: dict[int, list[EncodedEvent]] = {node: [] for node in self._nodes}
        for node, event in self.cluster.advance_encoded(self._now_ms):
            by_node[node].append(event)
        for node, processes in self._nodes.items():
            uplink = self.cluster.uplinks[node]
            wanted = 0 if node in self.cluster.down else 1 + uplink.is_doubled
            while len(processes) < wanted:
                processes.append(self._process(node, uplink.max_buffered_events or MANY_EVENTS))
            if processes:
                processes[-1].emit(by_node[node])
            if not uplink.stands_still:
                for process in processes:
                    process.speak(self._now_ms + self.cluster.clocks_off_ms.get(node, 0))
            while len(processes) > wanted:
                processes.pop(0).end()

    def _process(self, node: int, max_buffered_events: int) -> Process:
        self._incarnations += 1
        hello = Hello(node=node, node_name=self.cluster.names[node], incarnation=self._incarnations)
        return Process(hello, max_buffered_events, self._loop, self._calls)

    def _fold(self, window: Window) -> None:
        self.coverage.fold(window)
        self.timeline.fold(window)
        self.insight.fold(window)
        self.insight.trim(self.log.oldest_start_ms or 0)
        self._calls.stored(window.marks)


class _SimulatedLoop(asyncio.SelectorEventLoop):
    """:ivar now_s: where its time stands."""

    now_s = 0.0

    def time(self) -> float:
        return self.now_s

    def settle(self, is_busy: Callable[[], bool]) -> None:
        """Turn until nothing is left to do at this time."""

        async def turn() -> None:
            turns = 0
            while turns < _LEAST_TURNS or is_busy():
                turns += 1
                await asyncio.sleep(0)

        self.run_until_complete(turn())

    def end(self) -> None:
        tasks = asyncio.all_tasks(self)
        for task in tasks:
            task.cancel()
        self.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.close()
