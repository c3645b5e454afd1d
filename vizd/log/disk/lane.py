"""A thread of one's own, in which jobs run one after the other."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

__all__ = ["ILane", "Lane"]

T = TypeVar("T")


class ILane(Protocol):
    """Where jobs run that may take long."""

    def run(self, job: Callable[[], T]) -> Deferred[T]:
        """Run ``job`` behind those that were given before, and fire with what it returns, or has raised."""

    def stop(self) -> None:
        """Wait for the jobs that were given. It takes no more."""


class Lane:
    """See ``ILane``. Not the reactor's pool: there jobs overtake each other, and others' jobs stand in the way.

    It is not bounded by itself: who gives it jobs waits for one before the next, or for its turn.
    """

    def __init__(self, name: str, reactor: Any) -> None:
        """
        :param reactor: provides IReactorFromThreads.
        """
        self._reactor = reactor
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def run(self, job: Callable[[], T]) -> Deferred[T]:
        """See ``ILane``."""
        done: Deferred[T] = Deferred()

        def run() -> None:
            try:
                result = job()
            except Exception:
                self._reactor.callFromThread(done.errback, Failure())
            else:
                self._reactor.callFromThread(done.callback, result)

        self._jobs.put(run)
        return done

    def stop(self) -> None:
        """See ``ILane``."""
        self._jobs.put(None)
        self._thread.join()
