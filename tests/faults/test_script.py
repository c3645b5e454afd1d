"""A script behind a bad network: it gets all of an answer, or knows that it did not; nothing stays open."""

import http.client
import json
from collections.abc import Callable
from typing import Any

from tests.daemon.process import TIMEOUT_S
from tests.faults.case import FaultCase, numbered, numbers
from tests.faults.proxy import Proxy

EVENTS = 20_000
"""2 MB of history: more than all buffers on the way hold."""
TARGET = "/api/history?from=0&types=wal&limit=1000000"


class ScriptTests(FaultCase):
    def setUp(self) -> None:
        super().setUp()
        node = self.daemon.publisher()
        for first in range(0, EVENTS, 2_000):
            node.send(numbered(first, 2_000))
            node.wait_stored()
        node.close()
        self.proxied = self.proxy(self.daemon.http_port)

    def ask(self) -> list[int]:
        """The numbers of all events, through the proxy."""
        return self.answer(self.begin())

    def begin(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.proxied.port, timeout=TIMEOUT_S)
        self.addCleanup(connection.close)
        connection.request("GET", TARGET, headers={"Connection": "close"})
        return connection

    def answer(self, connection: http.client.HTTPConnection) -> list[int]:
        answer: Any = json.loads(connection.getresponse().read())
        connection.close()
        return [number for batch in answer["batches"] for number in numbers(batch["events"])]

    def assert_healed(self) -> None:
        self.proxied.heal()
        self.assertEqual(self.ask(), list(range(EVENTS)))
        self.proxied.wait_ended(self.proxied.connections)
        self.assert_unharmed()

    def assert_fails(self, spoil: Callable[[Proxy], None]) -> None:
        spoil(self.proxied)
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.ask()
        self.assert_healed()

    def test_an_answer_that_breaks_off_is_known_to(self) -> None:
        self.assert_fails(lambda proxy: proxy.truncate(proxy.down, 100_001))

    def test_a_request_that_breaks_off_is_not_answered(self) -> None:
        self.assert_fails(lambda proxy: proxy.truncate(proxy.up, 20))

    def test_a_reset_in_the_middle_of_an_answer_leaves_nothing_open(self) -> None:
        self.proxied.stall(self.proxied.down)
        connection = self.begin()
        self.daemon.wait_until(lambda: self.proxied.connections == 1)
        self.proxied.reset()
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.answer(connection)
        self.assert_healed()

    def test_an_answer_that_is_held_up_is_whole_when_it_comes(self) -> None:
        self.proxied.stall(self.proxied.down)
        connection = self.begin()
        self.daemon.wait_until(lambda: self.proxied.connections == 1)
        self.proxied.heal()
        self.assertEqual(self.answer(connection), list(range(EVENTS)))
        self.assert_healed()

    def test_a_request_in_single_bytes_is_a_request(self) -> None:
        self.proxied.slow(self.proxied.up, delay_s=0.001, piece_bytes=1)
        self.assertEqual(self.ask(), list(range(EVENTS)))
        self.assert_healed()
