"""A process of clients, and the driver's end of it."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.filters import SUMMARY_NAMES
from bench.law.client import Client, Plan
from bench.law.events import Forms
from bench.law.kinds import KINDS
from bench.law.processes import processes
from bench.law.transcript import Transcript

__all__ = ["Fleet"]

READY_TIMEOUT_S = 60.0
FINISH_TIMEOUT_S = 240.0


class Fleet:
    """See the module."""

    def __init__(self, url: str, plans: Sequence[Plan], nodes: int, directory: Path) -> None:
        """
        :param url: of the daemon's WebSocket, without a query. :param directory: for the transcripts, by name.
        """
        context = processes()
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_main, args=(theirs, url, plans, nodes, directory), daemon=True)
        self._process.start()
        theirs.close()
        self.pid = int(self._process.pid or 0)

    def wait_ready(self) -> None:
        """Until every client is connected."""
        self._wait(READY_TIMEOUT_S)

    def begin_to_finish(self) -> None:
        """Nothing is published any more: take what is left."""
        self._pipe.send("finish")

    def wait_finished(self) -> None:
        """Until every client has come to the log's end, or has given up."""
        self._wait(FINISH_TIMEOUT_S)
        self._process.join(FINISH_TIMEOUT_S)

    def _wait(self, timeout_s: float) -> None:
        if not self._pipe.poll(timeout_s):
            raise TimeoutError(f"the clients gave no answer for {timeout_s:g} s")
        answer: Any = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer

    def kill(self) -> None:
        """If it still runs."""
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _main(pipe: Connection, url: str, plans: Sequence[Plan], nodes: int, directory: Path) -> None:
    try:
        asyncio.run(_run(pipe, url, plans, nodes, directory))
    except KeyboardInterrupt:
        pass  # The driver got it too, and says so.
    except BaseException as error:
        pipe.send(RuntimeError(f"a process of clients failed: {error!r}"))
        raise


async def _run(pipe: Connection, url: str, plans: Sequence[Plan], nodes: int, directory: Path) -> None:
    finishing = asyncio.Event()
    forms = Forms(nodes, list(SUMMARY_NAMES))
    with ExitStack() as files:
        clients = [
            Client(plan, url, Transcript(files.enter_context((directory / plan.name).open("wb"))), forms, finishing)
            for plan in plans
        ]
        for client in clients:
            await client.connect()
        pipe.send("ready")
        loop = asyncio.get_running_loop()

        def told() -> None:
            loop.remove_reader(pipe.fileno())
            pipe.recv()
            finishing.set()

        loop.add_reader(pipe.fileno(), told)
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(_live(client))
    pipe.send("finished")


async def _live(client: Client) -> None:
    await KINDS[client.plan.kind](client)
    await client.finish()
