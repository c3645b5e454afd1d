"""Where processes of the run come from: from one that has imported everything, so that a new one costs next to nothing.

A publisher that is killed every few seconds would else spend its life with imports, and this machine's time with them.
"""

import multiprocessing
from multiprocessing.context import ForkServerContext

__all__ = ["processes"]


def processes() -> ForkServerContext:
    """For ``Process`` and ``Pipe``."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bench.law.fleet", "bench.law.publishers"])
    return context
