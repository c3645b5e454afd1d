"""A function in a process of its own: what was allocated before is not in what it measures."""

import ctypes
import gc
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import ParamSpec, TypeVar

from bench.daemon import rss_bytes
from bench.speed.cores import SERVER, on

__all__ = ["in_fresh_process", "settled_rss_bytes"]

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")


def in_fresh_process(function: Callable[_Given, _Found], *arguments: _Given.args, **named: _Given.kwargs) -> _Found:
    """What it returns; on the server's core."""
    context = multiprocessing.get_context("spawn")
    with on(SERVER), ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments, **named).result()


def settled_rss_bytes() -> int:
    """Of this process, after what it does not need any more is given back."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none, and gives back by itself.
    if trim is not None:
        trim(0)
    return rss_bytes(os.getpid())
