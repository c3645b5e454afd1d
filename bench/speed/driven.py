"""A process of the run, seen from the driver: on the clients' cores, told things over a pipe, and answering each."""

import multiprocessing
from collections.abc import Callable
from typing import Any, Self

from bench.speed.cores import CLIENTS, on

__all__ = ["ANSWER_TIMEOUT_S", "Driven"]

ANSWER_TIMEOUT_S = 60.0


class Driven:
    """It lives until it is killed, or its ``with`` is left."""

    def __init__(self, main: Callable[..., None], *arguments: Any) -> None:
        """
        :param main: what it runs, with its end of the pipe and ``arguments``.
        """
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=main, args=(theirs, *arguments), daemon=True)
        with on(CLIENTS):
            self._process.start()
        theirs.close()

    def _ask(self, *command: Any) -> Any:
        """
        :raises TimeoutError: it gave no answer. :raises Exception: the one that was its answer.
        """
        self._pipe.send(command)
        return self._answer(command[0])

    def _answer(self, to: str) -> Any:
        if not self._pipe.poll(ANSWER_TIMEOUT_S):
            raise TimeoutError(f"{self._process.name} gave no answer to {to!r} for {ANSWER_TIMEOUT_S:g} s")
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def kill(self) -> None:
        """With all of its connections."""
        self._process.kill()
        self._process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
