"""Processes of WebSocket clients that are not ours, each holding some of the readers.

The driver talks to one over a pipe: it says when all are connected, answers how much has come, and hands over
what was received at the end.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.filters import Asked
from bench.tally import Expected, Received, Reference, Tally, WindowSeen

__all__ = ["Outcome", "ReaderProcess"]

READY_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 30.0


@dataclass(slots=True)
class Outcome:
    """What the readers of one process received; the last two only from the process of the reference."""

    received: list[Received]
    expected: dict[str, Expected]
    windows: list[WindowSeen]


class ReaderProcess:
    """One such process, seen from the driver.

    :ivar pid: of the process.
    """

    def __init__(self, url: str, asked: Sequence[Asked], others: Sequence[Asked] | None = None) -> None:
        """
        :param url: of the daemon's WebSocket, without a query.
        :param others: the first of ``asked`` is the reference for these.
        """
        # A fork would share the driver's open files with the readers.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_main, args=(theirs, url, asked, others), daemon=True)
        self._process.start()
        theirs.close()
        self.pid = int(self._process.pid or 0)

    def _answer(self, timeout_s: float) -> Any:
        if not self._pipe.poll(timeout_s):
            raise TimeoutError(f"the readers gave no answer for {timeout_s:g} s")
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait_ready(self) -> None:
        """Until every reader is connected and its filter is in force."""
        self._answer(READY_TIMEOUT_S)

    def counts(self) -> dict[str, int]:
        """Events so far, by the name of the reader."""
        self._pipe.send("counts")
        answer: dict[str, int] = self._answer(ANSWER_TIMEOUT_S)
        return answer

    def finish(self) -> Outcome:
        """Close the connections; what was received."""
        self._pipe.send("finish")
        outcome: Outcome = self._answer(ANSWER_TIMEOUT_S)
        self._process.join(ANSWER_TIMEOUT_S)
        return outcome

    def kill(self) -> None:
        """If it still runs."""
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _main(pipe: Connection, url: str, asked: Sequence[Asked], others: Sequence[Asked] | None) -> None:
    try:
        asyncio.run(_Readers(pipe, url, asked, others).run())
    except KeyboardInterrupt:
        pass  # The driver got it too, and says so.
    except Exception as error:
        pipe.send(RuntimeError(f"a reader process failed: {error!r}"))
        raise


class _Readers:
    def __init__(self, pipe: Connection, url: str, asked: Sequence[Asked], others: Sequence[Asked] | None) -> None:
        self._pipe = pipe
        self._url = url
        self._reference = Reference(asked[0], others) if others is not None else None
        self._tallies = [
            self._reference if self._reference and not at else Tally(each) for at, each in enumerate(asked)
        ]
        self._finish = asyncio.Event()

    async def run(self) -> None:
        connections = [await self._connect(tally) for tally in self._tallies]
        self._pipe.send("ready")
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._command)
        reading = [
            asyncio.create_task(_read(each, tally)) for each, tally in zip(connections, self._tallies, strict=True)
        ]
        finished = asyncio.create_task(self._finish.wait())
        # A task that fails ends the process, and its error is the driver's.
        while not finished.done():
            done, _ = await asyncio.wait([*reading, finished], return_when=asyncio.FIRST_COMPLETED)
            reading = [each for each in reading if each not in done]
            for each in done:
                each.result()
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        await asyncio.gather(*(each.close() for each in connections))
        reference = self._reference
        received = [tally.end() for tally in self._tallies]
        self._pipe.send(
            Outcome(received, reference.expected if reference else {}, reference.windows if reference else [])
        )

    async def _connect(self, tally: Tally) -> ClientConnection:
        asked = tally.received.asked
        connection = await connect(
            f"{self._url}?{asked.query}", compression=None, max_size=None, ping_interval=None, proxy=None
        )
        encode = msgspec.json.encode if asked.is_json else msgspec.msgpack.encode
        messages: list[dict[str, Any]] = [{"type": "ping"}]
        if asked.by_message:
            axes = {"types": asked.types, "nodes": asked.nodes, "shards": asked.shards}
            messages.insert(0, {"type": "filter"} | {axis: values for axis, values in axes.items() if values})
        for message in messages:
            payload = encode(message)
            await connection.send(payload.decode() if asked.is_json else payload)
        while not tally.pongs:  # Messages are obeyed in order, so behind the pong the filter is in force.
            _take(tally, await connection.recv())
        return connection

    def _command(self) -> None:
        if self._pipe.recv() == "counts":
            self._pipe.send({tally.received.asked.name: tally.received.events for tally in self._tallies})
        else:
            self._finish.set()


async def _read(connection: ClientConnection, tally: Tally) -> None:
    try:
        while True:
            _take(tally, await connection.recv())
    except ConnectionClosed as why:
        tally.received.closed = f"{why.rcvd.code} {why.rcvd.reason}" if why.rcvd else "cut"


def _take(tally: Tally, message: str | bytes) -> None:
    now_ms = time.time() * 1000
    if isinstance(message, str):
        tally.take(message.encode(), True, now_ms)
    else:
        tally.take(message, False, now_ms)
