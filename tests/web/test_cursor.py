"""Tests of a client's cursor over real sockets: what it is promised when it stalls, floods, or comes back."""

import contextlib
import json
import socket
import threading
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import blockingCallFromThread, deferToThread
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection

from tests.web.test_websocket import TIMEOUT_S, UPGRADE, Case, hear, read_frame
from vizd.stream.position import position_to_text

reactor: Any = installed_reactor


def numbers_of(message: Any) -> list[int]:
    """The ``ms`` of the Fsyncs of a batch; none of any other message."""
    events = message["data"]["events"] if message["type"] == "batch" else []
    return [event["event"]["data"]["kind"]["ms"] for event in events]


class ResumeTests(Case):
    """A connection that ends, and one that goes on where it did."""

    max_clients = 600

    async def test_a_client_that_comes_back_misses_nothing_in_either_encoding(self) -> None:
        def run() -> list[int]:
            numbers: list[int] = []
            position = None
            for turn in range(6):
                query = "" if turn % 2 else "?json=true"
                query += f"{'&' if query else '?'}position={position}" if position else ""
                with self.client(query) as ws:
                    connected = hear(ws)
                    self.assertEqual(connected["position"], position or connected["position"])
                    self.append(100 * turn, 100)
                    while len(numbers) < 100 * (turn + 1):
                        message = hear(ws)
                        numbers += numbers_of(message)
                        position = message["position"]
                self.append_many(turn)
            return numbers

        numbers = await deferToThread(run)
        self.assertEqual(numbers, list(range(600)))

    def append_many(self, turn: int) -> None:
        """Empty windows, enough for what was there to be sealed."""
        blockingCallFromThread(reactor, lambda: [self._append(0, 0) for _ in range(100 * (turn % 3))])

    async def test_a_position_that_is_of_no_use_is_no_400_but_a_gap(self) -> None:
        def talk(ws: ClientConnection) -> Any:
            return hear(ws), hear(ws)

        self._append(0, 3)
        for wrong in ("nonsense", "", "%00%ff", "x" * 5_000, position_to_text(b"01234567", self.log.head)):
            connected, gap = await self.talk(talk, f"?json=true&position={wrong}")
            self.assertNotIn("position", connected)
            self.assertEqual((gap["type"], gap["reason"], gap["windows"]), ("gap", "restart", None), wrong)
            self.assertEqual(gap["position"], position_to_text(self.log.epoch, self.log.head))

    async def test_500_clients_that_resume_at_the_same_instant_get_all_of_it_and_delay_nobody(self) -> None:
        start = position_to_text(self.log.epoch, self.log.head)
        for number in range(200):
            self._append(50 * number, 50)
        request = UPGRADE.replace(b"?json=true", b"?json=true&position=" + start.encode()) % self.port
        ends_at = position_to_text(self.log.epoch, self.log.head).encode()

        def run() -> int:
            with contextlib.ExitStack() as stack:
                raws = []
                for _ in range(500):
                    raw = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S))
                    raws.append(raw)
                for raw in raws:
                    raw.sendall(request)
                live = stack.enter_context(self.client("?json=true"))
                hear(live)
                blockingCallFromThread(reactor, self._append, 10_000, 1)
                self.assertEqual(numbers_of(hear(live)), [10_000], "while the others are still being served")
                return sum(self.reaches(raw, ends_at) for raw in raws)

        self.assertEqual(await deferToThread(run), 500)

    def reaches(self, raw: socket.socket, position: bytes) -> bool:
        """Take what comes until a message ends at ``position`` or later."""
        tail = b""
        while position not in tail and b'"ms":10000}' not in tail:
            received = raw.recv(1 << 20)
            if not received:
                return False
            tail = (tail + received)[-(1 << 20) :]
        return True


class FloodTests(Case):
    """A client that asks for much and takes nothing."""

    async def test_pings_and_messages_of_a_client_that_reads_nothing_are_not_read_either(self) -> None:
        sent = threading.Event()

        def flood() -> int:
            with socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S) as raw:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                raw.sendall(UPGRADE % self.port)
                pieces = [
                    Frame(Opcode.PING, b"x" * 125).serialize(mask=True),
                    Frame(Opcode.TEXT, b'{"type":"ping"}').serialize(mask=True),
                    Frame(Opcode.TEXT, b'{"type":"nonsense"}').serialize(mask=True),
                ]
                block = b"".join(pieces * 2_000)
                raw.settimeout(1)
                count = 0
                with contextlib.suppress(TimeoutError):
                    while count < 200 * len(block):
                        count += raw.send(block)
                sent.set()
                return count

        flooded = deferToThread(flood)
        while not sent.is_set():
            await deferLater(reactor, 0.01)
        bytes_in = await flooded
        self.assertLess(bytes_in, 20 << 20, "beyond what the kernel's buffers hold, the client has to wait")

    async def test_200_history_requests_a_second_are_each_answered_and_live_batches_keep_coming(self) -> None:
        for number in range(400):
            self._append(10 * number, 10)

        def talk(ws: ClientConnection) -> tuple[list[Any], list[int]]:
            hear(ws)
            ends: list[Any] = []
            live: list[int] = []
            for number in range(400):
                ws.send(json.dumps({"type": "history", "from_ms": 0, "to_ms": 10**12 + number}))
                if number % 40 == 0:
                    self.append(100_000 + number // 40)
            while len(ends) < 400 or len(live) < 10:
                message = hear(ws)
                if message["type"] == "history_end":
                    ends.append(message)
                elif "history" not in message:
                    live += numbers_of(message)
            return ends, live

        ends, live = await self.talk(talk)
        self.assertEqual([each["to_ms"] - 10**12 for each in ends], list(range(400)))
        self.assertFalse(ends[-1]["cancelled"])
        for each in ends:
            self.assertTrue(each["cancelled"] or each["events"] >= 4_000, each)
        self.assertEqual(live, [100_000 + number for number in range(10)])

    async def test_clients_that_open_stall_and_drop_in_a_loop_leave_nothing_behind(self) -> None:
        def loop() -> None:
            for _ in range(50):
                with contextlib.ExitStack() as stack:
                    raws = [
                        stack.enter_context(socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S))
                        for _ in range(3)
                    ]
                    for raw in raws:
                        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                        raw.sendall(UPGRADE % self.port)
                        received = raw.makefile("rb")
                        while received.readline() != b"\r\n":
                            pass
                        read_frame(received)
                        received.close()
                    blockingCallFromThread(reactor, self._append, 0, 5_000)
                blockingCallFromThread(reactor, self.all_gone)

        await deferToThread(loop)
        self.assertEqual((len(self.clients), sum(self.clients.closes.values())), (0, 150))

    async def all_gone(self) -> None:
        while len(self.clients):
            await deferLater(reactor, 0)
