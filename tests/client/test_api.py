"""Tests of ``vizd.client.api`` against a daemon, and against what is none."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.trial.unittest import TestCase

from tests.client.test_subscriber import fsyncs
from tests.daemon.process import TIMEOUT_S, Daemon
from tests.faults.proxy import Proxy
from vizd.client.api import Api
from vizd.client.trouble import DaemonError


class ApiTests(TestCase):
    timeout = 60

    def daemon(self, *options: str) -> Daemon:
        daemon = Daemon(*options)
        self.addCleanup(daemon.kill)
        return daemon

    def ask(self, port: int, question: Callable[[Api], Awaitable[Any]], **options: Any) -> Any:
        async def ask() -> Any:
            async with Api(f"http://127.0.0.1:{port}", **options) as api:
                return await question(api)

        return asyncio.run(asyncio.wait_for(ask(), TIMEOUT_S))

    @staticmethod
    async def all(items: Any) -> list[dict[str, Any]]:
        return [each async for each in items]

    def trouble(self, port: int, question: Callable[[Api], Awaitable[Any]], **options: Any) -> DaemonError:
        """That it makes, in a line."""
        with self.assertRaises(DaemonError) as refused:
            self.ask(port, question, **options)
        self.assertNotIn("\n", str(refused.exception))
        return refused.exception

    def answering(self, answer: bytes) -> int:
        """A port where everybody is told this, and hung up on."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join)
        return int(listening.getsockname()[1])

    def test_every_endpoint_is_asked_by_a_method(self) -> None:
        daemon = self.daemon()
        publisher = daemon.publisher()
        self.addCleanup(publisher.close)
        publisher.send(fsyncs(1, 2))
        publisher.wait_stored()

        async def question(api: Api) -> None:
            self.assertEqual((await api.stats())["total_events_received"], 2)
            self.assertEqual((await api.health())["status"], "ok")
            self.assertEqual([each["event"]["type"] for each in (await api.state(types=["wal"]))["events"]], ["Wal"])
            self.assertEqual((await api.state(nodes=[9]))["events"], [])
            self.assertEqual([each["name"] for each in (await api.coverage())["nodes"]], ["one"])
            self.assertEqual((await api.insight())["findings"], [])
            self.assertEqual(sum((await api.timeline(step_ms=1_000))["counts"]["wal"]), 2)
            batch, totals = await self.all(api.history(types=["wal"], limit=1))
            self.assertEqual((len(batch["events"]), totals["total_events"]), (2, 2))

        self.ask(daemon.http_port, question)

    def test_what_the_daemon_refuses_is_said_in_its_own_words(self) -> None:
        daemon = self.daemon()
        wrong = self.trouble(daemon.http_port, lambda api: api.state(types=["walrus"]))
        self.assertEqual(wrong.status, 400)
        self.assertRegex(str(wrong), r"/api/state refused with 400: .*walrus")
        past = self.trouble(daemon.http_port, lambda api: self.all(api.history(from_ms=2, to_ms=1)))
        self.assertEqual(past.status, 400)

    def test_a_token_is_brought_and_never_shown(self) -> None:
        tokens = Path(self.mktemp())
        tokens.write_text("secret-one\n")
        daemon = self.daemon("--token-file", str(tokens.absolute()))
        self.assertEqual(self.trouble(daemon.http_port, lambda api: api.stats()).status, 401)
        wrong = self.trouble(daemon.http_port, lambda api: api.stats(), token="secret-two")
        self.assertNotIn("secret", str(wrong))
        self.assertFalse(wrong.may_pass)
        answer = self.ask(daemon.http_port, lambda api: api.stats(), token=lambda: "secret-one")
        self.assertEqual(answer["connected_clients"], 0)

    def test_a_history_that_is_cut_off_is_told_from_one_that_ends(self) -> None:
        daemon = self.daemon()
        publisher = daemon.publisher()
        self.addCleanup(publisher.close)
        for begin in range(0, 20_000, 1_000):
            publisher.send(fsyncs(*range(begin, begin + 1_000)))
            publisher.wait_stored()
        proxy = Proxy(daemon.http_port)
        self.addCleanup(proxy.close)
        proxy.truncate(proxy.down, 4_000)
        cut = self.trouble(proxy.port, lambda api: self.all(api.history()))
        self.assertTrue(cut.may_pass)

    def test_what_is_no_daemon_is_said_to_be_none(self) -> None:
        refused = self.trouble(1, lambda api: api.stats())
        self.assertEqual(str(refused), "no daemon at http://127.0.0.1:1: Connection refused")
        page = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>"
        self.assertRegex(str(self.trouble(self.answering(page), lambda api: api.stats())), "not norikv-vizd's JSON")
        absent = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        self.assertRegex(str(self.trouble(self.answering(absent), lambda api: api.stats())), "is that norikv-vizd")
        self.assertRegex(str(self.trouble(self.answering(b"SSH-2.0\r\n"), lambda api: api.stats())), "/api/stats")
        listing = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
        self.assertRegex(str(self.trouble(self.answering(listing), lambda api: api.stats())), "a map was expected")

    def test_an_address_that_can_t_be_one_is_a_mistake_at_once(self) -> None:
        for wrong in ("127.0.0.1:9090", "ftp://localhost", "http://", "http://a:b", "http://user:secret@localhost"):
            with self.assertRaises(ValueError) as refused:
                Api(wrong)
            self.assertNotIn("secret", str(refused.exception))
            self.assertIn("http", str(refused.exception))
