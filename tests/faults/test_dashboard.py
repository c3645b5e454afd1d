"""A dashboard behind a bad network: it comes back with its position, and has the whole log, each event once."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from websockets.exceptions import InvalidHandshake, InvalidMessage, WebSocketException
from websockets.sync.client import connect

from tests.daemon.process import TIMEOUT_S, Publisher, hear
from tests.faults.case import FaultCase, numbered, numbers
from tests.faults.proxy import Proxy

PART = 2_000
PARTS = 10
"""While the network is bad: some 2 MB, more than all buffers on the way hold."""


class Following:
    """A dashboard that comes back with its position until it is told to stop, in a thread.

    :ivar numbers: of the events that it got, in order. :ivar gaps: that it was told of. :ivar connections: it had.
    """

    def __init__(self, port: int) -> None:
        self.numbers: list[int] = []
        self.gaps: list[Any] = []
        self.connections = 0
        self._port = port
        self._position = ""
        self._changed = threading.Condition()
        self._is_over = False
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        while not self._is_over:
            with contextlib.suppress(WebSocketException, InvalidHandshake, InvalidMessage, OSError, EOFError):
                self._connect()

    def _connect(self) -> None:
        url = f"ws://127.0.0.1:{self._port}/ws/events?json=true&state=false&types=wal&max_lag_ms=0"
        url += f"&position={self._position}" if self._position else ""
        with connect(url, open_timeout=TIMEOUT_S, max_size=None, close_timeout=1) as socket:
            self.connections += 1
            while not self._is_over:
                self._take(hear(socket))

    def _take(self, message: Any) -> None:
        with self._changed:
            self._position = message.get("position", self._position)
            if message["type"] == "batch":
                self.numbers += numbers(message["data"]["events"])
            if message["type"] == "gap":
                self.gaps.append(message)
            self._changed.notify_all()

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Return when it is."""
        with self._changed:
            if not self._changed.wait_for(is_so, 2 * TIMEOUT_S):
                raise AssertionError(f"{len(self.numbers)} events came in {self.connections} connections")

    def wait_connected(self) -> None:
        """Return when it knows where it stands."""
        self.wait_for(lambda: bool(self._position))

    def end(self) -> None:
        """Go, with the next message."""
        self._is_over = True


class DashboardTests(FaultCase):
    def follow_through(self, spoil: Callable[[Proxy], None], *, cuts: bool = False, waits: bool = False) -> None:
        """Events before, while the network is bad, and after it is good again.

        :param spoil: makes it bad. :param cuts: connections end by it. :param waits: it gets nothing under it.
        """
        proxy = self.proxy(self.daemon.http_port)
        following = Following(proxy.port)
        following.wait_connected()
        node = self.daemon.publisher()
        self.addCleanup(node.close)
        self.publish(node, 0, 1)
        following.wait_for(lambda: len(following.numbers) == PART)
        spoil(proxy)
        self.publish(node, 1, PARTS)
        if cuts:
            proxy.wait_ended()
        elif waits:
            # What the proxy had taken before is on its way; all of it would be far more.
            self.assertLess(len(following.numbers), 3 * PART)
        proxy.heal()
        self.publish(node, PARTS + 1, 1)
        total = (PARTS + 2) * PART
        following.wait_for(lambda: len(following.numbers) >= total)
        self.assertEqual(following.numbers, list(range(total)))
        self.assertEqual(following.gaps, [])
        self.assertEqual(following.connections > 1, cuts)
        following.end()
        self.publish(node, PARTS + 2, 1)
        node.close()
        proxy.wait_ended(proxy.connections)
        self.assert_unharmed()

    def publish(self, node: Publisher, part: int, parts: int) -> None:
        """So many parts, stored one after the other."""
        for each in range(part, part + parts):
            node.send(numbered(each * PART, PART))
            node.wait_stored()

    def test_a_stall_delays_it_and_loses_nothing(self) -> None:
        self.follow_through(lambda proxy: proxy.stall(proxy.down), waits=True)

    def test_a_stall_of_both_ways_too(self) -> None:
        self.follow_through(lambda proxy: proxy.stall(proxy.up, proxy.down), waits=True)

    def test_frames_in_pieces_are_put_together(self) -> None:
        self.follow_through(lambda proxy: proxy.slow(proxy.up, proxy.down, delay_s=0.001, piece_bytes=101))

    def test_a_long_way_is_only_long(self) -> None:
        self.follow_through(lambda proxy: proxy.slow(proxy.up, proxy.down, delay_s=0.05))

    def test_after_a_reset_it_goes_on_where_it_was(self) -> None:
        self.follow_through(Proxy.reset, cuts=True)

    def test_a_frame_that_breaks_off_in_its_middle_comes_again(self) -> None:
        def spoil(proxy: Proxy) -> None:
            proxy.truncate(proxy.down, 300_001)

        self.follow_through(spoil, cuts=True)

    def test_a_frame_that_breaks_off_in_its_head_comes_again(self) -> None:
        self.follow_through(lambda proxy: proxy.truncate(proxy.down, 3), cuts=True)
