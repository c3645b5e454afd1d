"""A daemon behind a bad network, somebody beside whose network is good, and what must hold in the end."""

import time
from collections.abc import Sequence
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from bench.soak import unexplained
from tests.daemon.process import Daemon
from tests.faults.proxy import Proxy
from tests.web.test_limits import Steady, descriptors, rss_mb
from vizd.wire.vizd_pb2 import VizEvent

LATE_S = 1.0
"""A pong to whoever is beside may take this long on a machine that is busy; undisturbed it is a millisecond."""
MORE_MB = 60.0
"""Than before: what a test publishes itself, and the buffers of gRPC."""
SPARE_DESCRIPTORS = 3
"""More than before: those of whoever asks at that moment."""


def numbered(first: int, count: int) -> list[VizEvent]:
    """Events that can be told from each other."""
    return [VizEvent(ts_ms=1, wal={"node": 1, "seg": 7, "fsync": {"ms": ms}}) for ms in range(first, first + count)]


def numbers(events: Sequence[Any]) -> list[int]:
    """Of events as they are served."""
    return [event["event"]["data"]["kind"]["ms"] for event in events]


class FaultCase(SynchronousTestCase):
    """Each test gets a daemon, and proxies as it asks for them.

    In the end whoever was beside was served in time; nothing that was open stays open; and every line of the daemon's
    is one that can be explained.
    """

    def setUp(self) -> None:
        self.daemon = Daemon("--coalesce-ms", "10")
        self.addCleanup(self.daemon.kill)
        # Somebody has come and gone before: what a daemon opens for its first client, it keeps.
        with self.daemon.watch():
            pass
        warm = self.daemon.publisher(99, "before")
        warm.close()
        self.daemon.wait_for_stats(lambda stats: stats["connected_clients"] == 0)
        self._descriptors, self._rss_mb = descriptors(self.daemon), rss_mb(self.daemon)
        self._steady = Steady(self.daemon)
        self.addCleanup(self._steady.end)

    def proxy(self, target: int) -> Proxy:
        """In front of a port of the daemon."""
        proxy = Proxy(target)
        self.addCleanup(proxy.close)
        return proxy

    def assert_unharmed(self) -> None:
        """Call when those behind the proxies have gone."""
        self._steady.end()
        self.assertGreater(self._steady.pongs, 0)
        self.assertLess(self._steady.slowest_s, LATE_S)
        most = self._descriptors + SPARE_DESCRIPTORS
        self.daemon.wait_until(lambda: descriptors(self.daemon) <= most)
        self.assertLess(rss_mb(self.daemon) - self._rss_mb, MORE_MB)
        self.assertEqual(self.daemon.end(), 0)
        self.assertEqual(unexplained(self.daemon.lines[:-1]), [])

    def stored(self) -> list[int]:
        """The numbers of all events of the daemon's history."""
        status, answer = self.daemon.get(f"/api/history?from=0&to={time.time_ns() // 1_000_000 + 60_000}&types=wal")
        self.assertEqual(status, 200)
        return [number for batch in answer["batches"] for number in numbers(batch["events"])]
