"""``export`` and ``replay``: an incident in a file."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from vizd.cli.asked import Asked, asking
from vizd.cli.paper import Paper
from vizd.cli.progress import bar
from vizd.cli.running import fail, run
from vizd.cli.times import INSTANT, now_ms
from vizd.client.moments import clock
from vizd.incident.export import Exported
from vizd.incident.export import export as write_incident
from vizd.incident.place import new_file

__all__ = ["export", "replay"]

FASTEST = 60.0


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
            with bar() as tell, new_file(file, force) as out:

                def progress(now_at_ms: int, began_ms: int) -> None:
                    nonlocal at_ms
                    at_ms = now_at_ms
                    tell(at_ms, began_ms, to_ms or now_ms())

                async with asked.api() as api:
                    done = await write_incident(api, out, from_ms=from_ms, to_ms=to_ms, progress=progress)
        except FileExistsError as why:
            fail(str(why))
        except OSError as why:
            reached = f"; it had come to {clock(at_ms)}, and is gone" if at_ms else ""
            fail(f"{str(file)!r} can't be written: {why.strerror or why}{reached}")
        _print_exported(Paper(asked.is_json), done, file.stat().st_size)  # noqa: ASYNC240 -- nothing else goes on.

    run(work())


def _print_exported(paper: Paper, done: Exported, size_bytes: int) -> None:
    if paper.is_json:
        paper.item(asdict(done) | {"bytes": size_bytes})
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
    from vizd.cli.replaying import replay_file  # Loads all of gRPC.

    replay_file(asked, file, grpc, speed, keep_times)
