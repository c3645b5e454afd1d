"""Tests of the live stream as the client library has it, each of them for asyncio and for Twisted."""

import asyncio
import http.server
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.access.authority import Authority
from tests.daemon.process import TIMEOUT_S, Daemon
from tests.faults.proxy import Proxy
from vizd.client.follower import Follower
from vizd.client.messages import Batch, Connected, Disconnected, Gap, HistoryEnd, Message, Pong
from vizd.client.subscriber import Subscriber
from vizd.client.subscription import Subscription
from vizd.client.trouble import DaemonError
from vizd.client.tx.subscriber import TxSubscriber
from vizd.wire.vizd_pb2 import SWIM_KIND_ALIVE, SwimEvt, VizEvent, WalEvt


def fsyncs(*times_ms: int) -> list[VizEvent]:
    """Events that can be told from each other."""
    return [VizEvent(ts_ms=each, wal=WalEvt(node=1, seg=1, fsync=WalEvt.Fsync(ms=each))) for each in times_ms]


def numbers(message: Message) -> list[int]:
    """Of the fsyncs in a live batch."""
    if not isinstance(message, Batch) or message.snapshot or message.history:
        return []
    return [each["event"]["data"]["kind"]["ms"] for each in message.data.events if each["event"]["type"] == "Wal"]


class Cases:
    """What is promised of either face."""

    timeout = 60
    make: Callable[..., Follower]
    rest: Callable[[float], Awaitable[Any]]
    run_with: Callable[[Coroutine[Any, Any, None]], Any]

    def daemon(self, *options: str) -> Daemon:
        daemon = Daemon(*options)
        self.addCleanup(daemon.kill)  # type: ignore[attr-defined]
        return daemon

    def proxy(self, port: int) -> Proxy:
        proxy = Proxy(port)
        self.addCleanup(proxy.close)  # type: ignore[attr-defined]
        return proxy

    async def until(self, stream: Any, is_it: Callable[[Message], bool]) -> Message:
        """The next message of which this is so."""
        async for message in stream:
            if is_it(message):
                return message
        raise AssertionError("the stream has ended")

    def test_the_state_comes_first_then_what_happens_and_every_request_is_answered(self) -> Any:
        daemon = self.daemon()
        publisher = daemon.publisher()
        self.addCleanup(publisher.close)
        publisher.send(fsyncs(1))
        publisher.wait_stored()

        async def talk() -> None:
            async with self.make(f"http://127.0.0.1:{daemon.http_port}") as stream:
                messages = aiter(stream)
                self.assertIsInstance(await anext(messages), Connected)
                state = await anext(messages)
                self.assertTrue(isinstance(state, Batch) and state.snapshot and len(state.data.events) == 1)
                publisher.send(fsyncs(2))
                self.assertEqual(numbers(await self.until(messages, numbers)), [2])  # type: ignore[arg-type]
                await stream.ping()
                await self.until(messages, lambda each: isinstance(each, Pong))
                await stream.history(0, 2**53)
                ended = await self.until(messages, lambda each: isinstance(each, HistoryEnd))
                self.assertEqual(ended.events, 2)
                await stream.filter(types=["swim"])
                await stream.ping()
                await self.until(messages, lambda each: isinstance(each, Pong))
                publisher.send([*fsyncs(3), VizEvent(ts_ms=4, swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE))])
                only = await self.until(messages, lambda each: isinstance(each, Batch))
                self.assertEqual([each["event"]["type"] for each in only.data.events], ["Swim"])
                await stream.pause()
                await stream.filter()
                await stream.ping()
                await self.until(messages, lambda each: isinstance(each, Pong))
                publisher.send(fsyncs(5))
                publisher.wait_stored()
                await stream.resume(catch_up=True)
                self.assertEqual(numbers(await self.until(messages, numbers)), [5])  # type: ignore[arg-type]

        return self.run_with(talk())

    def test_over_connections_that_break_nothing_is_missing_and_nothing_comes_twice(self) -> Any:
        daemon = self.daemon()
        proxy = self.proxy(daemon.http_port)
        publisher = daemon.publisher()
        self.addCleanup(publisher.close)

        async def talk() -> None:
            heard: list[int] = []
            broken = sent = 0
            stream = self.make(f"http://127.0.0.1:{proxy.port}", Subscription(state="none"))
            async with stream:
                async for message in stream:
                    self.assertNotIsInstance(message, Gap)
                    heard += numbers(message)
                    if isinstance(message, Connected) or (heard and heard[-1] == sent):
                        publisher.send(fsyncs(*range(sent + 1, sent + 51)))
                        sent += 50
                        publisher.wait_stored()
                        if broken < 4:
                            (proxy.reset if broken % 2 else lambda: proxy.truncate(proxy.down, 700))()
                    if isinstance(message, Disconnected):
                        broken += 1
                        proxy.heal()
                    if broken >= 4 and sent >= 500:
                        break
                await stream.ping()
                await self.until(stream, lambda each: isinstance(each, Pong) or heard.extend(numbers(each)))
            self.assertEqual(heard, list(range(1, len(heard) + 1)))
            self.assertGreaterEqual(len(heard), 450)

        return self.run_with(talk())

    def test_another_life_of_the_daemon_is_a_gap_and_the_stream_goes_on(self) -> Any:
        first = self.daemon()
        port = first.http_port

        async def talk() -> None:
            async with self.make(f"http://127.0.0.1:{port}") as stream:
                messages = aiter(stream)
                publisher = first.publisher()
                publisher.send(fsyncs(1))
                await self.until(messages, numbers)  # type: ignore[arg-type]
                publisher.close()
                first.kill()
                gone = await self.until(messages, lambda each: isinstance(each, Disconnected))
                self.assertTrue(gone.reason)
                self.daemon("--port", str(port))
                gap = await self.until(messages, lambda each: isinstance(each, Gap))
                self.assertEqual((gap.reason, gap.windows), ("restart", None))

        return self.run_with(talk())

    def test_a_token_is_read_for_each_connection_and_a_wrong_one_is_refused_in_a_line(self) -> Any:
        tokens = Path(self.mktemp())  # type: ignore[attr-defined]
        tokens.write_text("right\n")
        daemon = self.daemon("--token-file", str(tokens.absolute()))
        proxy = self.proxy(daemon.http_port)
        url = f"http://127.0.0.1:{proxy.port}"

        async def talk() -> None:
            for wrong in (None, "wrong"):
                with self.assertRaises(DaemonError) as refused:  # type: ignore[attr-defined]
                    async with self.make(url, token=wrong):
                        self.fail("it came in")
                self.assertEqual((refused.exception.status, refused.exception.may_pass), (401, False))
                self.assertNotIn("wrong", str(refused.exception))
                self.assertNotIn("\n", str(refused.exception))
            known = iter(["right", "stale"])
            async with self.make(url, token=lambda: next(known)) as stream:
                messages = aiter(stream)
                self.assertIsInstance(await anext(messages), Connected)
                proxy.reset()
                await self.until(messages, lambda each: isinstance(each, Disconnected))
                with self.assertRaises(DaemonError) as refused:
                    await anext(messages)
                self.assertEqual(refused.exception.status, 401)

        return self.run_with(talk())

    def test_where_nobody_is_it_says_so_or_waits_until_it_is_closed(self) -> Any:
        gone = self.daemon()
        port = gone.http_port
        gone.kill()

        async def talk() -> None:
            with self.assertRaisesRegex(DaemonError, rf"no daemon at http://127.0.0.1:{port}: Connection refused"):
                async with self.make(f"http://127.0.0.1:{port}"):
                    self.fail("somebody is there")
            stream = self.make(f"http://127.0.0.1:{port}", wait=True)
            tries = 0
            began_s = time.monotonic()
            async for message in stream:
                self.assertIsInstance(message, Disconnected)
                tries += 1
                if tries == 3:
                    await stream.close()
            self.assertLess(time.monotonic() - began_s, TIMEOUT_S)

        return self.run_with(talk())

    def test_what_is_no_daemon_is_said_to_be_none(self) -> Any:
        class Site(http.server.SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Into no log."""

        server = http.server.HTTPServer(("127.0.0.1", 0), Site)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def stop() -> None:
            server.shutdown()
            thread.join()
            server.server_close()

        self.addCleanup(stop)  # type: ignore[attr-defined]

        async def talk() -> None:
            with self.assertRaisesRegex(DaemonError, "404.*is that norikv-vizd") as refused:
                async with self.make(f"http://127.0.0.1:{server.server_port}"):
                    self.fail("it is one")
            self.assertFalse(refused.exception.may_pass)

        return self.run_with(talk())

    def test_over_tls_it_trusts_the_authority_that_it_is_given_and_nobody_else(self) -> Any:
        authority = Authority(Path(self.mktemp()).absolute())  # type: ignore[attr-defined]
        cert, key = authority.signed("localhost", "127.0.0.1")
        daemon = self.daemon("--tls-cert", str(cert), "--tls-key", str(key))

        async def talk() -> None:
            async with self.make(f"https://localhost:{daemon.http_port}", ca=authority.path) as stream:
                self.assertIsInstance(await anext(aiter(stream)), Connected)
            with self.assertRaisesRegex(DaemonError, "(?i)certificate.verify.failed"):
                async with self.make(f"https://localhost:{daemon.http_port}"):
                    self.fail("it trusts anybody")

        return self.run_with(talk())

    def test_whoever_takes_nothing_for_long_gets_all_of_it_in_order(self) -> Any:
        """Nothing is read for it meanwhile but a few messages: the rest is the daemon's to keep."""
        daemon = self.daemon()
        publisher = daemon.publisher()
        self.addCleanup(publisher.close)

        async def talk() -> None:
            subscription = Subscription(state="none", max_lag_ms=0)
            async with self.make(f"http://127.0.0.1:{daemon.http_port}", subscription) as stream:
                messages = aiter(stream)
                await anext(messages)
                for begin in range(0, 100_000, 2_000):
                    publisher.send(fsyncs(*range(begin, begin + 2_000)))
                    publisher.wait_stored()
                    await self.rest(0)
                heard: list[int] = []
                while len(heard) < 100_000:
                    heard += numbers(await anext(messages))
                self.assertEqual(heard, list(range(100_000)))

        return self.run_with(talk())


class AsyncioTests(Cases, TestCase):
    """``Subscriber``."""

    def make(self, url: str, *arguments: Any, **options: Any) -> Follower:
        return Subscriber(url, *arguments, **options)

    async def rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def run_with(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run(asyncio.wait_for(coroutine, self.timeout))


class TwistedTests(Cases, TestCase):
    """``TxSubscriber``."""

    def make(self, url: str, *arguments: Any, **options: Any) -> Follower:
        return TxSubscriber(reactor, url, *arguments, **options)

    async def rest(self, seconds: float) -> None:
        await deferLater(reactor, seconds)

    def run_with(self, coroutine: Coroutine[Any, Any, None]) -> "Deferred[None]":
        return ensureDeferred(coroutine)
