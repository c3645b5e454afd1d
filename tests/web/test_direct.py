"""Tests of ``vizd.web.direct``, over real sockets."""

import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from vizd.web.direct import writer

MANY = 2_000_000


class _Server(Protocol):
    def __init__(self) -> None:
        self.made: Deferred[Any] = Deferred()
        self.lost: Deferred[Any] = Deferred()

    def connectionMade(self) -> None:
        self.made.callback(self.transport)

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.callback(None)


class DirectTests(TestCase):
    async def connected(self) -> Any:
        """A server's transport; its client is a plain socket."""
        self.server = _Server()
        port = reactor.listenTCP(0, Factory.forProtocol(lambda: self.server), interface="127.0.0.1")  # type: ignore
        self.client = socket.create_connection(("127.0.0.1", port.getHost().port))
        transport = await self.server.made
        await port.stopListening()
        self.addCleanup(self.end, transport)
        return transport

    async def end(self, transport: Any) -> None:
        self.client.close()
        transport.abortConnection()
        await self.server.lost

    def received(self, count: int) -> bytes:
        self.client.settimeout(20)
        found = b""
        while len(found) < count and (more := self.client.recv(1 << 20)):
            found += more
        return found

    async def test_what_is_written_is_there_in_the_same_turn(self) -> None:
        transport = await self.connected()
        writer(transport)(b"now")
        self.assertEqual(self.received(3), b"now")

    async def test_what_the_kernel_does_not_take_follows_in_order(self) -> None:
        transport = await self.connected()
        write = writer(transport)
        sent = b"".join(bytes([at % 256]) * (MANY // 10) for at in range(20))
        for at in range(0, len(sent), MANY // 10):
            write(sent[at : at + MANY // 10])
            if at % 3 == 0:
                transport.write(b"")
        self.assertTrue(transport.dataBuffer or transport._tempDataBuffer, "it was more than fits")
        self.assertEqual(await deferToThread(self.received, len(sent)), sent)

    async def test_it_does_not_overtake_what_others_have_written(self) -> None:
        transport = await self.connected()
        transport.write(b"first ")
        writer(transport)(b"second")
        self.assertEqual(await deferToThread(self.received, 12), b"first second")

    async def test_to_a_peer_that_is_gone_it_is_what_a_write_is(self) -> None:
        transport = await self.connected()
        self.client.close()
        write = writer(transport)
        while not self.server.lost.called:
            write(b"x" * 1000)
            await deferToThread(lambda: None)  # A turn of the reactor.
        write(b"after the end")

    async def test_while_the_connection_is_closing_it_is_what_a_write_is(self) -> None:
        transport = await self.connected()
        write = writer(transport)
        transport.write(b"the end")
        transport.loseConnection()
        write(b", or is it")
        self.assertEqual(await deferToThread(self.received, 100), b"the end, or is it")


class OtherTransportTests(SynchronousTestCase):
    def test_another_transport_is_written_to(self) -> None:
        transport = StringTransport()
        self.assertEqual(writer(transport), transport.write)
