"""``export`` and ``replay``: an incident in a file."""

import threading
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from vizd.cli.asked import Asked, asking
from vizd.cli.paper import Paper
from vizd.cli.running import INTERRUPTED, fail, run
from vizd.cli.times import INSTANT, clock, lasting, now_ms
from vizd.client.credentials import tls_credentials
from vizd.incident.chunks import NotAnIncident
from vizd.incident.export import Exported
from vizd.incident.export import export as write_incident
from vizd.incident.place import new_file
from vizd.incident.reader import Incident
from vizd.incident.replay import CannotReplay, Replay

__all__ = ["export", "replay"]

FASTEST = 60.0
_LOOK_EVERY_S = 0.2


def bar() -> Progress:
    """On standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--from", "from_ms", type=INSTANT, metavar="TIME", help="milliseconds, ISO 8601 or -5m  [the oldest]")
@click.option("--to", "to_ms", type=INSTANT, metavar="TIME", help="likewise; windows that begin before it  [now]")
@click.option("--force", is_flag=True, help="in place of a file that is there")
@asking
def export(asked: Asked, file: Path, from_ms: int | None, to_ms: int | None, force: bool) -> None:
    """Write what happened, and how it was before, into FILE."""

    async def work() -> None:
        at_ms = 0
        try:
            with bar() as progress, new_file(file, force) as out:
                task = progress.add_task("")

                def tell(now_at_ms: int, began_ms: int) -> None:
                    nonlocal at_ms
                    at_ms = now_at_ms
                    progress.update(task, completed=at_ms - began_ms, total=max(1, (to_ms or now_ms()) - began_ms))

                async with asked.api() as api:
                    done = await write_incident(api, out, from_ms=from_ms, to_ms=to_ms, progress=tell)
        except FileExistsError as why:
            fail(str(why))
        except OSError as why:
            reached = f"; it had come to {clock(at_ms)}, and is gone" if at_ms else ""
            fail(f"{str(file)!r} can't be written: {why.strerror or why}{reached}")
        _print_exported(Paper(asked.is_json), done, file.stat().st_size)  # noqa: ASYNC240 -- nothing else goes on.

    run(work())


def _print_exported(paper: Paper, done: Exported, size_bytes: int) -> None:
    if paper.is_json:
        paper.item({name: getattr(done, name) for name in done.__slots__} | {"bytes": size_bytes})
        return
    paper.aside(
        f"{done.events:,} events in {done.windows:,} windows from {clock(done.from_ms)} to {clock(done.to_ms)}, "
        f"{done.keys:,} keys of the state before; {size_bytes:,} bytes"
    )
    if done.gaps:
        paper.aside(f"{done.gaps} parts of it the daemon did not have any more; the file says which")


class _Speed(click.ParamType):  # type: ignore[type-arg] # Generic since 8.2 only.
    name = "speed"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        if value == "max":
            return None
        try:
            speed = float(value)
        except (TypeError, ValueError):
            speed = 0.0
        if not 0 < speed <= FASTEST:
            self.fail(f"{value!r}: a number above 0 up to {FASTEST:g}, or max, is needed", param, ctx)
        return speed


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--grpc", required=True, metavar="HOST:PORT", help="where nodes publish, such as 127.0.0.1:9091")
@click.option("--speed", type=_Speed(), default="1", metavar="N", help="times real time, up to 60; or max  [1]")
@click.option("--keep-times", is_flag=True, help="of the events; else they are moved so that it begins now")
@asking
def replay(asked: Asked, file: Path, grpc: str, speed: float | None, keep_times: bool) -> None:
    """Publish what is in FILE, as its nodes did.

    --token-file is of who may publish, --ca of the gRPC port; without --ca it is spoken in the clear.
    """
    paper = Paper(asked.is_json)
    try:
        credentials = None if asked.ca is None else tls_credentials(asked.ca)
        with file.open("rb") as source, bar() as progress:
            incident = Incident(source)
            task = progress.add_task("")
            lock = threading.Lock()

            def tell(at_ms: int) -> None:
                with lock:
                    began_ms = incident.header.get("from_ms", at_ms)
                    end_ms = incident.header.get("to_ms") or incident.header.get("at_ms", at_ms)
                    progress.update(task, completed=at_ms - began_ms, total=max(1, end_ms - began_ms))

            player = Replay(
                incident, grpc, speed=speed, shift=not keep_times, token=asked.token(), credentials=credentials,
                progress=tell,
            )  # fmt: skip
            status = _play(player)
    except OSError as why:
        fail(f"{str(file)!r} can't be read: {why.strerror or why}")
    except (CannotReplay, NotAnIncident, ValueError) as why:
        fail(f"{str(file)!r}: {why}" if isinstance(why, NotAnIncident) else str(why))
    done = player.done
    if asked.is_json:
        said = {name: getattr(done, name) for name in done.__slots__}
        paper.item(said | {"damage": incident.damage})
    else:
        paper.aside(f"{done.events:,} events in {done.windows:,} windows{'' if done.stored else ', not all stored'}")
        if done.behind_s >= 1 and speed:
            paper.aside(f"the speed could not be kept: {lasting(done.behind_s * 1_000)} behind")
        if done.skipped:
            paper.aside(f"{done.skipped:,} events are of kinds that this version does not know: left out")
    for each in incident.damage:
        click.echo(f"vizctl: {str(file)!r}: {each}", err=True)
    raise SystemExit(status or (1 if incident.damage or not done.stored else 0))


def _play(player: Replay) -> int:
    """The exit status: 0 if it was played to its end."""
    playing = player.start()
    try:
        while True:
            try:
                playing.result(_LOOK_EVERY_S)
                return 0
            except NotYet:
                continue
    except (KeyboardInterrupt, CancelledError):
        playing.cancel()
        return INTERRUPTED
    finally:
        player.close()
