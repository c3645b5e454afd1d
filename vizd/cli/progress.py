"""A bar for work that goes through a span of time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["Tell", "bar"]

Tell = Callable[[int, int, int], None]
"""Where the work is, where it began and where it ends: in milliseconds since the Unix epoch."""


@contextmanager
def bar(is_wanted: bool = True) -> Iterator[Tell]:
    """On standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn())
    is_seen = console.is_terminal and is_wanted
    with Progress(*columns, console=console, disable=not is_seen, transient=True) as progress:
        task = progress.add_task("", total=None)

        def tell(at_ms: int, from_ms: int, to_ms: int) -> None:
            progress.update(task, completed=at_ms - from_ms, total=max(1, to_ms - from_ms))

        yield tell
