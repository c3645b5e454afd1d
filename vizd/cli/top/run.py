"""``top``: a stream in, a screen out, and keys."""

import asyncio
import contextlib
import copy
import os
import re
import signal
import sys
import termios
import tty
from collections.abc import Coroutine, Iterator
from typing import Any

import click
from rich.console import Console, Group
from rich.live import Live

from vizd.cli.asked import Asked, asking
from vizd.cli.paper import Paper
from vizd.cli.running import run
from vizd.cli.times import now_ms
from vizd.cli.top.model import Model
from vizd.cli.top.screen import draw
from vizd.client.api import Api
from vizd.client.subscriber import Subscriber
from vizd.client.subscription import Subscription
from vizd.client.trouble import DaemonError

__all__ = ["top"]

REFRESH_S = 0.25
PLAIN_REFRESH_S = 5.0
"""On a terminal that can't move its cursor."""
COVERAGE_S = 2.0
FIRST_S = 1.5
"""For what there is to come, where one screen is all."""
MAX_KBPS = 2_000
"""A flood costs no more than that; transitions all come."""
_KEY = re.compile(rb"\x1b[\[O].|.", re.DOTALL)
_DOWN, _UP = (b"\x1b[B", b"\x1bOB", b"j"), (b"\x1b[A", b"\x1bOA", b"k")


class Top:
    """One that runs."""

    def __init__(self, asked: Asked, console: Console, is_live: bool) -> None:
        self._asked = asked
        self._console = console
        self._is_live = is_live
        self._has_unicode = (console.encoding or "").lower().startswith("utf")
        self.model = Model()
        self._held: tuple[Model, int] | None = None
        self._scroll = 0
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()

    def picture(self) -> Group:
        """The screen as it is to be now."""
        width, height = self._console.size
        model, at_ms = self._held or (self.model, now_ms())
        return Group(
            *draw(
                model, at_ms, width, height if self._is_live else 10_000, url=self._asked.url,
                scroll=self._scroll, is_paused=self._held is not None, has_unicode=self._has_unicode,
                with_keys=self._is_live,
            )
        )  # fmt: skip

    async def listen(self, stream: Subscriber) -> None:
        """Take in what comes, for ever."""
        async for message in stream:
            self.model.hear(message, now_ms())

    async def look(self, api: Api) -> None:
        """Who publishes, now and then; for ever."""
        while True:
            with contextlib.suppress(DaemonError):  # The stream says so.
                self.model.know(await api.coverage())
            await asyncio.sleep(COVERAGE_S)

    def type(self, typed: bytes) -> None:
        """Keys, as the terminal sends them."""
        for key in _KEY.findall(typed):
            self.press(key)

    def press(self, key: bytes) -> None:
        """One of them."""
        if key in (b"q", b"Q", b"\x03"):
            self._ended.set()
        elif key == b"p":
            self._held = None if self._held else (copy.deepcopy(self.model), now_ms())
        elif key in _DOWN:
            self._scroll = min(self._scroll + 1, max(0, len(self.model.nodes) - 1))
        elif key in _UP:
            self._scroll = max(0, self._scroll - 1)
        self._changed.set()

    async def show(self) -> None:
        """Until a key or a signal ends it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ended.set)
        loop.add_signal_handler(signal.SIGWINCH, self._changed.set)
        with _keys() as keyboard, Live(console=self._console, screen=True, auto_refresh=False) as live:
            if keyboard is not None:
                loop.add_reader(keyboard, lambda: self.type(os.read(keyboard, 64)))
            while not self._ended.is_set():
                live.update(self.picture(), refresh=True)
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), REFRESH_S)
            if keyboard is not None:
                loop.remove_reader(keyboard)


@contextlib.contextmanager
def _keys() -> Iterator[int | None]:
    """The keyboard without echo and lines; as it was when it is over."""
    if not sys.stdin.isatty():
        yield None
        return
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        yield keyboard
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


@click.command()
@click.option("--once", is_flag=True, help="one screen, then end; so it is where nobody looks on")
@asking
def top(asked: Asked, once: bool) -> None:
    """The cluster on one screen: what is wrong, nodes, shards, rates."""
    context = click.get_current_context()
    console = Console(no_color=context.color is False or None, highlight=False)
    is_live = console.is_terminal and not console.is_dumb_terminal and not once and not asked.is_json

    async def work() -> None:
        screen = Top(asked, console, is_live)
        subscription = Subscription(findings=True, max_kbps=MAX_KBPS)
        async with asked.api() as api:
            screen.model.know(await api.coverage())
            async with asked.subscriber(subscription) as stream:
                tasks = [asyncio.create_task(screen.listen(stream)), asyncio.create_task(screen.look(api))]
                try:
                    await _first_of(_shown(screen, asked, console, once, is_live), tasks[0])
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)

    run(work(), is_endless=True)


async def _first_of(showing: Coroutine[Any, Any, None], listening: "asyncio.Task[None]") -> None:
    """Until the screen is closed; or the daemon refuses, which is raised."""
    shown = asyncio.create_task(showing)
    await asyncio.wait([shown, listening], return_when=asyncio.FIRST_COMPLETED)
    if not shown.done():
        shown.cancel()
        await asyncio.gather(shown, return_exceptions=True)
        listening.result()
    shown.result()


async def _shown(screen: Top, asked: Asked, console: Console, once: bool, is_live: bool) -> None:
    if is_live:
        await screen.show()
        return
    paper = Paper(asked.is_json)
    await asyncio.sleep(FIRST_S)
    while True:
        if asked.is_json:
            paper.item(_as_map(screen.model))
        else:
            console.print(screen.picture())
        if once or not (asked.is_json or console.is_terminal):
            return
        await asyncio.sleep(1.0 if asked.is_json else PLAIN_REFRESH_S)


def _as_map(model: Model) -> dict[str, object]:
    severity, sentence = model.verdict
    led = model.led_by()
    return {
        "at_ms": now_ms(),
        "severity": severity,
        "verdict": sentence,
        "nodes": [
            {
                "node": node.number,
                "name": node.name,
                "membership": node.membership,
                "connected": node.is_connected,
                "leads": led[node.number],
                "fsync_ms": node.fsync_ms,
                "pressure": node.pressure,
                "lost": node.lost,
            }
            for node in model.nodes.values()
        ],
        "leaderless": model.leaderless,
        "findings": [each.id for each in model.open_findings],
        "events_per_s": {name: counts[-1] for name, counts in model.rates(now_ms()).items()},
    }
