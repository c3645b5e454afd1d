"""The gRPC side of a daemon without its reactor, and nodes that talk to it over a real connection.

Everything that waits has a bound, and waits for the thing itself.
"""

import queue
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from twisted.trial.unittest import TestCase

from tests.channels import let_go
from vizd.ingest.access import Access
from vizd.ingest.inbox import Inbox
from vizd.ingest.registry import Registry
from vizd.ingest.server import SERVICE, GrpcServer
from vizd.log.coalescer import Coalescer
from vizd.log.memory import MemoryLog
from vizd.log.window import Mark, Window
from vizd.wire.vizd_pb2 import Ack, Events, Hello, PublishRequest, PublishResponse, VizEvent, Welcome

PATIENCE_S = 20.0
"""How long anything may take before the test fails."""
PUBLISH = f"/{SERVICE}/Publish"
Metadata = Sequence[tuple[str, str]]
NOW_MS = 1_764_547_200_000
"""What the daemon's wall clock says, always."""


class Daemon:
    """A server whose inbox is emptied into a log, tick by tick, in a thread that stands for the reactor's."""

    def __init__(self, access: Access | None = None) -> None:
        self.refusals: Counter[str] = Counter()
        self.inbox = Inbox()
        self.registry = Registry()
        self.log = MemoryLog("here", 3_600_000, 1 << 30)
        self.windows: list[Window] = []
        self.server = GrpcServer(self.registry, self.inbox, lambda: NOW_MS, access, self._refused)
        self.log.listen(self.windows.append)
        self.log.listen(lambda window: self.server.stored(window.marks))
        self._coalescer = Coalescer(self.log, NOW_MS, 0)
        self._ticked = threading.Condition()
        self._held = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick_always, name="ticks", daemon=True)
        self._stopped = False
        self.port = 0

    def _refused(self, counts: Counter[str], last: str) -> None:
        self.refusals.update(counts)

    def start(self) -> "Daemon":
        """Listen on a free port."""
        self.port = self.server.start(["127.0.0.1"], 0)
        self._thread.start()
        return self

    def _tick_always(self) -> None:
        while not self._ended.wait(0.005):
            with self._ticked:
                if not self._held:
                    self.tick()
                self._ticked.notify_all()

    def tick(self) -> None:
        """Put what has arrived into the log. A window has no length here, so that nothing depends on the time."""
        arrivals = self.inbox.drain()
        if arrivals:
            self._coalescer.tick(arrivals, NOW_MS, 0)

    def hold(self) -> None:
        """No more ticks until ``release``, as if the reactor were busy."""
        with self._ticked:
            self._held = True

    def release(self) -> None:
        """Tick again."""
        with self._ticked:
            self._held = False

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Return when ``condition`` holds; it is looked at after each tick."""
        with self._ticked:
            if not self._ticked.wait_for(condition, PATIENCE_S):
                raise AssertionError(f"waited {PATIENCE_S:g} s in vain until {what}")

    @property
    def fragments(self) -> list[bytes]:
        """All events in the log, in order."""
        return [fragment for window in list(self.windows) for fragment in window.fragments]

    @property
    def marks(self) -> list[Mark]:
        """All marks in the log, in order."""
        return [mark for window in list(self.windows) for mark in window.marks]

    def comings_and_goings(self, node: int = 1) -> list[bool]:
        """Of one node: ``True`` for each connect in the log, ``False`` for each disconnect."""
        return [mark.connected for mark in self.marks if mark.connected is not None and mark.publisher.node == node]

    def stop(self) -> None:
        """The whole drain, if the test has not done it."""
        if not self._stopped:
            self._stopped = True
            self.server.stop_reading().result(PATIENCE_S)
            self.release()
            with self._ticked:
                self.tick()
            self.server.stop(1.0).result(PATIENCE_S)
        self._ended.set()
        self._thread.join(PATIENCE_S)

    def drain_by_hand(self) -> None:
        """The test itself stops the server."""
        self._stopped = True


class Node:
    """One process of a node, on one stream.

    :ivar acks: those that were read so far.
    """

    def __init__(self, port: int, metadata: Metadata = (), credentials: grpc.ChannelCredentials | None = None) -> None:
        self._channel = channel_to(port, credentials)
        self._requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[PublishResponse | None] = queue.SimpleQueue()
        publish = self._channel.stream_stream(PUBLISH, response_deserializer=PublishResponse.FromString)
        self._call = publish(iter(self._requests.get, None), timeout=2 * PATIENCE_S, metadata=metadata)
        self._next_seq = 1
        self.acks: list[Ack] = []
        threading.Thread(target=self._read_always, daemon=True).start()

    def _read_always(self) -> None:
        try:
            for answer in self._call:
                self._answers.put(answer)
        except grpc.RpcError:
            pass  # ``ended`` says which.
        self._answers.put(None)

    def say(self, request: PublishRequest | bytes) -> None:
        """Send a request, or bytes that pretend to be one."""
        self._requests.put(request if isinstance(request, bytes) else request.SerializeToString())

    def hello(self, **fields: Any) -> Welcome:
        """Say Hello, and be welcomed."""
        self.say_hello(**fields)
        answer = self.answer()
        assert answer.WhichOneof("message") == "welcome", answer
        self._next_seq = answer.welcome.stored_through + 1
        return answer.welcome

    def say_hello(self, **fields: Any) -> None:
        """Say Hello, and wait for nothing."""
        fields = {"node": 1, "node_name": "one", "incarnation": 0xA, "next_seq": 1} | fields
        self.say(PublishRequest(hello=Hello(**fields)))

    def send(self, events: int | Sequence[VizEvent] = 1, first_seq: int | None = None, **fields: Any) -> int:
        """Send events, and return the seq of the last one."""
        some = [fsync(ms) for ms in range(events)] if isinstance(events, int) else events
        first_seq = self._next_seq if first_seq is None else first_seq
        self.say(PublishRequest(events=Events(first_seq=first_seq, events=some, **fields)))
        self._next_seq = first_seq + len(some)
        return self._next_seq - 1

    def heartbeat(self, **fields: Any) -> None:
        """Say that there is nothing to say."""
        self.send(0, **fields)

    def answer(self) -> PublishResponse:
        """The next answer."""
        answer = self._answers.get(timeout=PATIENCE_S)
        assert answer is not None, f"the stream has ended: {self._call.code()}, {self._call.details()}"
        return answer

    @property
    def has_answer(self) -> bool:
        """An answer, or the end, has come and was not read yet."""
        return not self._answers.empty()

    def ack(self) -> Ack:
        """The next answer, which must be an ack."""
        answer = self.answer()
        assert answer.WhichOneof("message") == "ack", answer
        self.acks.append(answer.ack)
        return answer.ack

    def stored_through(self, seq: int) -> None:
        """Read acks until one says that ``seq`` is stored."""
        while self.ack().stored_through < seq:
            pass

    def no_more(self) -> None:
        """Say that nothing follows."""
        self._requests.put(None)

    def ended(self) -> tuple[grpc.StatusCode, str]:
        """Read what is left, and how the stream has ended."""
        deadline = time.monotonic() + PATIENCE_S
        while (answer := self._answers.get(timeout=max(0.0, deadline - time.monotonic()))) is not None:
            if answer.WhichOneof("message") == "ack":
                self.acks.append(answer.ack)
        return self._call.code(), self._call.details()

    def cut(self) -> None:
        """Go without a word."""
        self._call.cancel()

    def close(self) -> None:
        """Let go of everything."""
        self.no_more()
        let_go(self._channel)


class ServerTests(TestCase):
    """A daemon for each test, and nodes that are gone when it ends.

    :ivar metadata: of the nodes' calls. :ivar credentials: of all connections.
    """

    timeout = 4 * PATIENCE_S
    metadata: Metadata = ()
    credentials: grpc.ChannelCredentials | None = None

    def setUp(self) -> None:
        self.daemon = Daemon(self.access()).start()
        self.addCleanup(self.daemon.stop)

    def access(self) -> Access:
        """Who may come in."""
        return Access()

    def node(self) -> Node:
        """A stream on a connection of its own, that has said nothing yet."""
        node = Node(self.daemon.port, self.metadata, self.credentials)
        self.addCleanup(node.close)
        return node

    def connected(self, **fields: Any) -> Node:
        """A stream that was welcomed."""
        node = self.node()
        node.hello(**fields)
        return node

    def channel(self) -> grpc.Channel:
        """For other services than ours."""
        channel = channel_to(self.daemon.port, self.credentials)
        self.addCleanup(let_go, channel)
        return channel


def channel_to(port: int, credentials: grpc.ChannelCredentials | None = None) -> grpc.Channel:
    """A connection that nobody shares."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    if credentials is None:
        return grpc.insecure_channel(f"127.0.0.1:{port}", options=options)
    return grpc.secure_channel(f"127.0.0.1:{port}", credentials, options=options)


def fsync(ms: int) -> VizEvent:
    """A good event that can be told from others."""
    return VizEvent(ts_ms=1, wal={"node": 1, "seg": 7, "fsync": {"ms": ms}})


def said(ms: int, node: int = 1) -> bytes:
    """What a dashboard is told of ``fsync(ms)``."""
    return b'{"ts":1,"node":%d,"event":{"type":"Wal","data":{"node":1,"seg":7,"kind":{"kind":"Fsync","ms":%d}}}}' % (
        node,
        ms,
    )


class RawNode:
    """A node that writes HTTP/2 itself, so that it can be cut anywhere in it."""

    def __init__(self, port: int, takes: int = 65_535) -> None:
        """
        :param takes: bytes that it lets the daemon send; 0 makes it a node that reads nothing.
        """
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": PUBLISH,
            ":authority": f"127.0.0.1:{port}",
            "content-type": "application/grpc",
            "te": "trailers",
        }
        settings = _frame(4, 0, 0, struct.pack(">HI", 4, takes))
        literal = b"".join(b"\0" + _text(name) + _text(value) for name, value in headers.items())
        self._socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + _frame(1, 4, 1, literal))

    def say(self, request: PublishRequest, through: float = 1.0) -> None:
        """Send a message, or only so much of it as ``through`` says, from 0 to 1."""
        message = request.SerializeToString()
        frame = _frame(0, 0, 1, struct.pack(">BI", 0, len(message)) + message)
        self._socket.sendall(frame[: int(len(frame) * through)])

    def reset(self) -> None:
        """End the connection as a crash does."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """End the connection in order, in the middle of whatever it was."""
        self._socket.close()


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()
