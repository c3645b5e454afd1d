"""What tests of the page share: a daemon, nodes, pages, and that no page may complain."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import Daemon, Publisher
from tests.events.build import event_of
from tests.page.browser import Page, open_page
from tests.page.cluster import Cluster
from tests.stream.made import said

__all__ = ["PageTestCase", "alive", "elected"]


class PageTestCase(SynchronousTestCase):
    """Ends with an error for whatever stands in the browser's console."""

    def setUp(self) -> None:
        self._pages: list[Page] = []
        self.daemon = self.start_daemon()

    def tearDown(self) -> None:
        for page in self._pages:
            self.assertEqual(page.complaints(), [])

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
        """A node that says what it is told to, to ``self.daemon``."""
        publisher = self.daemon.publisher(node, name)
        self.addCleanup(publisher.close)
        return publisher

    def tell(self, publisher: Publisher, *events: dict[str, Any]) -> None:
        """Publish; returns when the daemon has stored it."""
        publisher.send([event_of(event) for event in events])
        publisher.wait_stored()

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
