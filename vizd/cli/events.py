"""``history`` and ``tail``: what happened, a line an event."""

import sys
import time
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

import click

from vizd.cli.asked import Asked, asking
from vizd.cli.filters import filtering
from vizd.cli.naming import learn_names
from vizd.cli.paper import Paper
from vizd.cli.progress import bar
from vizd.cli.running import run
from vizd.cli.times import INSTANT, now_ms
from vizd.client.api import Api
from vizd.client.messages import Batch, Disconnected, Error, Gap
from vizd.client.subscription import Subscription
from vizd.client.trouble import DaemonError

__all__ = ["history", "tail"]

POSITION_TRIES = 3
"""The oldest window may be trimmed while it is asked for."""
NAMES_EVERY_S = 5.0
"""A node that is new gets its name so late, at most."""


@click.command()
@filtering
@asking
def tail(asked: Asked, nodes: tuple[int, ...], types: tuple[str, ...], shards: tuple[int, ...]) -> None:
    """What happens from now on, until Ctrl-C."""
    run(_follow(asked, Subscription(nodes, types, shards, state="none")), is_endless=True)


@click.command()
@click.option("--from", "from_ms", type=INSTANT, metavar="TIME", help="milliseconds, ISO 8601 or -5m  [the oldest]")
@click.option("--to", "to_ms", type=INSTANT, metavar="TIME", help="likewise; events before it  [now]")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="end at the window with the Nth event")
@click.option("--follow", is_flag=True, help="then what happens from now on, without a seam, until Ctrl-C")
@filtering
@asking
def history(
    asked: Asked,
    from_ms: int | None,
    to_ms: int | None,
    limit: int | None,
    follow: bool,
    nodes: tuple[int, ...],
    types: tuple[str, ...],
    shards: tuple[int, ...],
) -> None:
    """What happened."""
    if follow and (to_ms is not None or limit is not None):
        raise click.UsageError("--follow goes on: it has no --to and no --limit")

    async def work() -> None:
        if follow:
            subscription = Subscription(nodes, types, shards, state="none", max_lag_ms=0)
            await _follow(asked, subscription, from_ms or 0)
            return
        paper = Paper(asked.is_json)
        async with asked.api() as api:
            if not asked.is_json:
                await learn_names(paper, api)
            whole = api.history(from_ms=from_ms, to_ms=to_ms, nodes=nodes, types=types, shards=shards, limit=limit)
            begin_ms = from_ms
            async with aclosing(whole) as items:
                # Who sees the lines needs no bar.
                with bar(is_wanted=not sys.stdout.isatty()) as tell:
                    async for item in items:
                        if start_ms := item.get("window_start"):
                            begin_ms = begin_ms or start_ms
                            tell(start_ms, begin_ms, to_ms or now_ms())
                        _print_item(paper, item)

    run(work(), is_endless=follow)


def _print_item(paper: Paper, item: dict[str, Any]) -> None:
    if "gap" in item:
        paper.gap(item["gap"])
    elif "events" in item:
        for event in item["events"]:
            paper.event(event)
    elif paper.is_json:
        paper.item(item)
    else:
        rest = "" if item["next_from"] is None else f"; more with --from {item['next_from']}"
        paper.aside(f"{item['total_events']:,} events{rest}")


async def _follow(asked: Asked, subscription: Subscription, from_ms: int | None = None) -> None:
    paper = Paper(asked.is_json)
    async with asked.api() as api:
        known_s = float("-inf")
        if not asked.is_json:
            await learn_names(paper, api)
            known_s = time.monotonic()
        stream = asked.subscriber(subscription)
        if from_ms is not None:
            stream.course.position = await _position_at(api, from_ms)
        is_stalled = False
        async with stream:
            async for message in stream:
                match message:
                    case Batch(provisional=True):
                        if not is_stalled:
                            paper.aside("the daemon can't store now: what happens is shown when it can")
                        is_stalled = True
                    case Batch(data=windows):
                        is_stalled = False
                        is_new = any(event["node"] not in paper.names for event in windows.events)
                        if is_new and not asked.is_json and time.monotonic() - known_s > NAMES_EVERY_S:
                            known_s = time.monotonic()
                            await _learn_again(paper, api)
                        for event in windows.events:
                            paper.event(event)
                        sys.stdout.flush()
                    case Gap():
                        paper.gap(
                            {
                                name: getattr(message, name)
                                for name in ("from_ms", "to_ms", "windows", "events", "reason")
                            }
                        )
                    case Disconnected():
                        paper.away(message)
                    case Error():
                        raise DaemonError(f"{asked.url}: {message.message}")


async def _learn_again(paper: Paper, api: Api) -> None:
    try:
        await learn_names(paper, api)
    except DaemonError:  # The stream will say so, if it is one for long.
        return


async def _position_at(api: Api, from_ms: int) -> str:
    """Where the windows begin that are not over by then; the oldest where that has been trimmed."""
    for tries_left in reversed(range(POSITION_TRIES)):
        oldest_ms = (await api.stats())["oldest_event_ms"]
        at_ms = None if oldest_ms is None else max(from_ms, oldest_ms)
        try:
            # A shard that nobody has: it is the position that is wanted, not the state.
            found = await api.state(at_ms=at_ms, types=("shard",), shards=(2**32 - 1,))
        except DaemonError as why:
            if why.status != HTTPStatus.GONE or not tries_left:
                raise
            continue
        return str(found["position"])
    raise AssertionError
