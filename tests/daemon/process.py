"""A daemon as a user starts it, and clients that are not ours."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import grpc
import msgpack
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.channels import let_go
from vizd.wire.vizd_pb2 import Events, Hello, PublishRequest, PublishResponse, VizEvent

TIMEOUT_S = 20
TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile="]


def environment(**extra: str) -> dict[str, str]:
    """This process's own, without what would configure a daemon."""
    return {name: text for name, text in os.environ.items() if not name.startswith("VIZD_")} | extra


def run_to_end(*options: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Start one that is expected to end by itself."""
    with tempfile.TemporaryDirectory() as place:
        return subprocess.run(
            [*TWISTD, "vizd", *options],
            cwd=place, env=environment(**extra), capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip


class Daemon:
    """One that runs, on free ports, until ``stop``."""

    def __init__(self, *options: str, through: Iterable[str] = (), **extra: str) -> None:
        """
        :param through: a command that runs the daemon's.
        """
        self._place = tempfile.TemporaryDirectory()
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [*through, *TWISTD, "vizd", "--port", "0", "--grpc-port", "0", *options],
            cwd=self._place.name, env=environment(**extra), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            found = self.wait_for(r"listening: https?://\S+:(\d+) and gRPC on \S+:(\d+)")
        except BaseException:
            self.kill()
            raise
        self.http_port, self.grpc_port = int(found[1]), int(found[2])

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self.lines.append("<end>")
            self._changed.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line of its output that matches, when it is there."""

        def found() -> re.Match[str] | None:
            return next(filter(None, (re.search(pattern, line) for line in self.lines)), None)

        with self._changed:
            if not self._changed.wait_for(lambda: found() or "<end>" in self.lines, TIMEOUT_S) or not found():
                raise AssertionError(f"no line matches {pattern!r}:\n" + "\n".join(self.lines))
            return found()

    def has_said(self, text: str) -> bool:
        """Whether a line of its output has ``text`` in it."""
        with self._changed:
            return any(text in line for line in self.lines)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and wait for the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        status = self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        return status

    def kill(self) -> None:
        """Whatever happened."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(TIMEOUT_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._place.cleanup()

    # Clients.

    def get(self, target: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request(method, target, headers=headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")

    @staticmethod
    def wait_until(is_so: Callable[[], bool]) -> None:
        """Ask again until it is so."""
        give_up_s = time.monotonic() + TIMEOUT_S
        while not is_so():
            assert time.monotonic() < give_up_s
            time.sleep(0.02)  # Leaves the machine to the daemon.

    def wait_for_stats(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Ask for the stats until they are as wanted."""
        give_up_s = time.monotonic() + TIMEOUT_S
        while not wanted(stats := self.get("/api/stats")[1]):
            assert time.monotonic() < give_up_s, stats

    def watch(self, query: str = "?json=true&state=false", **options: Any) -> ClientConnection:
        """A WebSocket, by itself without the state."""
        address = f"ws://127.0.0.1:{self.http_port}/ws/events{query}"
        return connect(address, open_timeout=TIMEOUT_S, max_size=None, **options)

    def publisher(self, node: int = 1, name: str = "one") -> "Publisher":
        """A node's stream."""
        return Publisher(self.grpc_port, node, name)


def hear(ws: ClientConnection) -> Any:
    """The next message."""
    payload = ws.recv(TIMEOUT_S)
    return msgpack.unpackb(payload) if isinstance(payload, bytes) else json.loads(payload)


def hear_events(ws: ClientConnection, count: int) -> list[Any]:
    """The next ``count`` events of live batches."""
    events: list[Any] = []
    while len(events) < count:
        message = hear(ws)
        if message["type"] == "batch":
            events += message["data"]["events"]
    return events


def close_of(ws: ClientConnection) -> tuple[list[Any], int, str]:
    """All messages until the server closes; its code and reason."""
    heard = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            heard.append(hear(ws))
    received = ws.protocol.close_rcvd
    return heard, received.code if received else 1006, received.reason if received else ""


class Publisher:
    """A node that sends what it is told to."""

    def __init__(self, port: int, node: int, name: str) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._requests: list[PublishRequest | None] = []
        self._more = threading.Condition()
        publish = self._channel.stream_stream(
            "/norikv.viz.v1.VizIngestService/Publish",
            request_serializer=PublishRequest.SerializeToString,
            response_deserializer=PublishResponse.FromString,
        )
        self.seq = 0
        self._put(PublishRequest(hello=Hello(node=node, node_name=name, incarnation=99, next_seq=1)))
        self._call = publish(self._iterate(), timeout=60)
        self._responses: Iterator[PublishResponse] = iter(self._call)
        self.welcome = next(self._responses).welcome

    def _iterate(self) -> Iterator[PublishRequest]:
        while True:
            with self._more:
                self._more.wait_for(lambda: self._requests)
                request = self._requests.pop(0)
            if request is None:
                return
            yield request

    def _put(self, request: PublishRequest | None) -> None:
        with self._more:
            self._requests.append(request)
            self._more.notify_all()

    def send(self, events: Iterable[VizEvent]) -> None:
        """Publish."""
        message = Events(first_seq=self.seq + 1, events=events)
        self.seq += len(message.events)
        self._put(PublishRequest(events=message))

    def wait_stored(self) -> None:
        """Return when all that was sent is acknowledged as stored."""
        for response in self._responses:
            if response.ack.stored_through >= self.seq:
                return
        raise AssertionError("the stream has ended")

    def wait_end(self) -> tuple[int, grpc.StatusCode]:
        """The highest ``stored_through`` until the stream's end, and its status."""
        stored = 0
        try:
            for response in self._responses:
                stored = max(stored, response.ack.stored_through)
        except grpc.RpcError as why:
            return stored, why.code()
        return stored, self._call.code()

    def close(self) -> None:
        """Go."""
        self._put(None)
        self._call.cancel()
        let_go(self._channel)
