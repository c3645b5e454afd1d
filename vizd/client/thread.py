"""The thread in which publishers talk gRPC: an asyncio loop of its own, shared by as many as there are.

Nothing here knows what a publisher does.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["PublisherThread"]

_T = TypeVar("_T")


class PublisherThread:
    """An asyncio loop in a daemon thread. Start it once, stop it after all its publishers are closed."""

    def __init__(self, name: str = "vizd-publishers") -> None:
        """:param name: of the thread, for people who look at a process."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to run what is submitted. Again: nothing.

        :raises RuntimeError: if it was stopped.
        """
        if self._loop.is_closed():
            raise RuntimeError("a stopped publisher thread does not start again: make another")
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """End the loop and wait for the thread; what still runs there is cancelled. Again: nothing."""
        if self._thread.ident is None:
            self._loop.close()
        else:
            self.call_soon(self._loop.stop)
            self._thread.join()

    @property
    def runs(self) -> bool:
        """Whether it was started, and not stopped."""
        return self._thread.is_alive()

    def submit(self, coroutine: Coroutine[Any, Any, _T]) -> "Future[_T]":
        """Run ``coroutine`` on the loop; wait for the answer from any other thread.

        :raises RuntimeError: if the thread does not run, or is the calling one: waiting would never end.
        """
        if not self.runs or threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError(f"the publisher thread {'waits for itself' if self.runs else 'does not run'}")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call_soon(self, callback: Callable[[], object]) -> bool:
        """Call ``callback`` on the loop, from any thread; ``False`` if the loop has ended."""
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:  # Closed: the only one that it raises.
            return False
        return True

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            # gRPC's completions find their loop from one queue per process: none may be left for a closed one.
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()
