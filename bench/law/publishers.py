"""Publishers that are killed, come back as the same incarnation, and say again what was not acked.

Each is a process that speaks the wire contract, section 1, by itself. It can make every event anew, so nothing of what
it was to say may be lost, and nothing may be stored twice. What was acked it writes down, in a file that outlives it.
"""

import os
import struct
import threading
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import grpc

from bench.filters import SUMMARY_NAMES
from bench.law.events import Forms, id_of
from bench.law.processes import processes
from vizd.wire.vizd_pb2 import Events, Hello, PublishRequest, PublishResponse

__all__ = ["Publisher", "Publishers"]

MAX_BATCH_EVENTS = 2_000
LINGER_S = 0.02
HEARTBEAT_S = 0.5
TRY_AGAIN_S = 0.1
WELCOME_TIMEOUT_S = 10.0

LIFE_S = 8.0
"""Of a publisher until it is killed, in the mean."""
DOWN_S = 1.5
"""At most, until it comes back."""
_PROGRESS = struct.Struct("<QQ")


class Publisher:
    """One node, seen from the driver.

    :ivar kills: of its process.
    """

    def __init__(self, port: int, node: int, rate: float, total: int, directory: Path) -> None:
        """
        :param rate: events per second. :param total: events, in the end.
        """
        self.node = node
        self.kills = 0
        self._path = directory / f"publisher-{node}"
        self._path.write_bytes(_PROGRESS.pack(0, 0))
        self._arguments = (port, node, rate, total, self._path)
        self._process: BaseProcess | None = None

    def start(self, began_s: float) -> None:
        """Begin, or come back.

        :param began_s: when it began for the first time, by the monotonic clock of the machine.
        """
        self._process = processes().Process(target=_main, args=(*self._arguments, began_s), daemon=True)
        self._process.start()

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join()
            self.kills += 1

    @property
    def pid(self) -> int:
        """Of the process; 0: there is none."""
        return (self._process.pid or 0) if self._process is not None else 0

    def wait_done(self, timeout_s: float) -> bool:
        """Until all is acked; whether it is."""
        if self._process is None:
            return False
        self._process.join(timeout_s)
        return self._process.exitcode == 0

    @property
    def acked(self) -> int:
        """The highest seq that it was told to be stored, in any of its lives."""
        return int(_PROGRESS.unpack(self._path.read_bytes())[0])

    @property
    def sent(self) -> int:
        """The highest seq that it has sent, in any of its lives."""
        return int(_PROGRESS.unpack(self._path.read_bytes())[1])


class Publishers:
    """All of them, and when they are killed."""

    def __init__(self, port: int, nodes: int, rate: int, seconds: float, seed: int, directory: Path) -> None:
        """:param rate: of all together, events per second."""
        total = int(rate * seconds / nodes)
        self.all = [Publisher(port, node, rate / nodes, total, directory) for node in range(1, nodes + 1)]
        self.expected = total * nodes
        self._random = Random(seed)
        self._began_s = 0.0
        self._next_s: dict[Publisher, float] = {}
        self._is_down: set[Publisher] = set()

    def start(self) -> None:
        """Begin."""
        # The first event is due when the processes are there.
        self._began_s = time.monotonic() + 0.5
        for each in self.all:
            each.start(self._began_s)
            self._next_s[each] = self._began_s + self._random.expovariate(1 / LIFE_S)

    def turn(self) -> None:
        """Kill those whose time has come, and let others come back. Call it often."""
        now_s = time.monotonic()
        for each in self.all:
            if now_s < self._next_s[each]:
                continue
            if each in self._is_down:
                self._is_down.discard(each)
                each.start(self._began_s)
                self._next_s[each] = now_s + 1 + self._random.expovariate(1 / LIFE_S)
            else:
                each.kill()
                self._is_down.add(each)
                self._next_s[each] = now_s + self._random.uniform(0, DOWN_S)

    def finish(self, timeout_s: float) -> bool:
        """No more killing; whether all was acked in time."""
        give_up_s = time.monotonic() + timeout_s
        for each in self._is_down:
            each.start(self._began_s)
        self._is_down.clear()
        return all(each.wait_done(max(0.0, give_up_s - time.monotonic())) for each in self.all)

    def kill(self) -> None:
        """All that still run."""
        for each in self.all:
            each.kill()


# In the process.


def _main(port: int, node: int, rate: float, total: int, path: Path, began_s: float) -> None:
    forms = Forms(node, list(SUMMARY_NAMES))
    progress = os.open(path, os.O_RDWR)
    while True:
        stream = _Stream(forms, node, rate, total, progress, began_s)
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                if stream.run(channel):
                    os._exit(0)  # gRPC's threads need no farewell.
        except grpc.RpcError:
            pass
        time.sleep(TRY_AGAIN_S)


class _Stream:
    def __init__(self, forms: Forms, node: int, rate: float, total: int, progress: int, began_s: float) -> None:
        self._forms = forms
        self._node = node
        self._rate = rate
        self._total = total
        self._progress = progress
        self._began_s = began_s
        self._changed = threading.Condition()
        self._welcome: PublishResponse | None = None
        self._received = 0
        self._stored = 0
        self._acked, self._sent = _PROGRESS.unpack(os.pread(progress, _PROGRESS.size, 0))

    def run(self, channel: grpc.Channel) -> bool:
        """Publish until all is stored (true) or the stream ends."""
        publish = channel.stream_stream(
            "/norikv.viz.v1.VizIngestService/Publish",
            request_serializer=PublishRequest.SerializeToString,
            response_deserializer=PublishResponse.FromString,
        )
        for response in publish(self._requests()):
            with self._changed:
                if response.HasField("welcome"):
                    self._welcome = response
                    self._stored = self._received = response.welcome.stored_through
                else:
                    self._stored = max(self._stored, response.ack.stored_through)
                    self._received = max(self._received, response.ack.received_through)
                self._changed.notify_all()
            self._write_down()
            if self._stored >= self._total:
                return True
        return False

    def _write_down(self) -> None:
        self._acked = max(self._acked, self._stored)
        os.pwrite(self._progress, _PROGRESS.pack(self._acked, self._sent), 0)

    def _requests(self) -> Iterator[PublishRequest]:
        # One node in three has forgotten what was acked: the daemon knows. Another goes by what it knows itself: what
        # was stored since is sent again, and must be refused.
        acked = 0 if self._node % 3 == 0 else self._acked
        yield PublishRequest(
            hello=Hello(
                node=self._node, node_name=f"law-{self._node}", incarnation=1_000 + self._node, next_seq=acked + 1,
                acked_through=acked,
            )
        )  # fmt: skip
        with self._changed:
            if not self._changed.wait_for(lambda: self._welcome is not None, WELCOME_TIMEOUT_S):
                return
            assert self._welcome is not None
            welcome = self._welcome.welcome
        following = (acked if self._node % 3 == 1 else welcome.stored_through) + 1
        said_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            due = min(self._total, int((now_s - self._began_s) * self._rate))
            room = self._received + welcome.max_in_flight - following + 1
            count = min(due - following + 1, room, MAX_BATCH_EVENTS)
            if count > 0 or now_s - said_s >= HEARTBEAT_S:
                seqs = range(following, following + max(0, count))
                self._sent = max(self._sent, following + len(seqs) - 1)
                events = [self._forms.event(id_of(self._node, seq)) for seq in seqs]
                yield PublishRequest(
                    events=Events(first_seq=following, sent_ms=time.time_ns() // 1_000_000, events=events)
                )
                following += len(seqs)
                said_s = now_s
            if count < MAX_BATCH_EVENTS:
                with self._changed:
                    self._changed.wait(LINGER_S)
