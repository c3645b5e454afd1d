"""What tests of the page share: a daemon, nodes, pages, and that no page may complain."""

import re
import time
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import Daemon
from tests.events.build import event_of
from tests.page.browser import PATIENCE_S, Page, open_page
from tests.page.cluster import Cluster
from tests.stream.made import said
from vizd.client.publisher import Publisher

__all__ = ["PageTestCase", "alive", "elected"]


class PageTestCase(SynchronousTestCase):
    """A test fails for whatever its page has left in the browser's console.

    :cvar forgiven: but for lines with this in them; ``None``: for every one.
    """

    forgiven: str | None = None

    def setUp(self) -> None:
        self._pages: list[Page] = []
        self.daemon = self.start_daemon()

    def tearDown(self) -> None:
        for page in self._pages:
            complaints = page.complaints()
            self.assertEqual(
                [each for each in complaints if not (self.forgiven and re.search(self.forgiven, each))], []
            )

    def start_daemon(self, *options: str) -> Daemon:
        """Until the test's end."""
        daemon = Daemon(*options)
        self.addCleanup(daemon.kill)
        return daemon

    def start_cluster(self, *options: str) -> Cluster:
        """That publishes to ``self.daemon`` until the test's end."""
        cluster = Cluster(self.daemon.grpc_port, *options)
        self.addCleanup(cluster.stop)
        return cluster

    def connect(self, node: int = 1, name: str = "node-1") -> Publisher:
        """A node whose stream to ``self.daemon`` stays open; it says what it is told to."""
        publisher = Publisher(f"127.0.0.1:{self.daemon.grpc_port}", node, name)
        publisher.start()
        self.addCleanup(publisher.close, 0)
        return publisher

    def tell(self, publisher: Publisher, *events: dict[str, Any]) -> None:
        """Publish, as of now; returns when the daemon has stored it."""
        now_ms = time.time_ns() // 1_000_000
        publisher.emit_all(event_of(event | {"ts": now_ms}) for event in events)
        self.assertTrue(publisher.flush(PATIENCE_S), publisher.stats)

    def open(self, path: str = "/", port: int | None = None, **look: Any) -> Page:
        """
        :param path: with a query. :param port: not the daemon's own. :param look: see ``open_page``.
        """
        page = open_page(f"http://127.0.0.1:{port or self.daemon.http_port}{path}", **look)
        self._pages.append(page)
        self.addCleanup(page.close)
        return page


def alive(node: int) -> dict[str, Any]:
    """As Swim says it."""
    return said("Swim.Alive", node=node)


def elected(shard: int, node: int, term: int = 1) -> dict[str, Any]:
    """As Raft says it."""
    return said("Raft.LeaderElected", shard=shard, node=node, term=term)
