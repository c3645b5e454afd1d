"""What ``replay`` does; apart from its command, since it loads all of gRPC."""

from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as NotYet
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import click

from vizd.cli.asked import Asked
from vizd.cli.paper import Paper
from vizd.cli.progress import bar
from vizd.cli.running import INTERRUPTED, fail
from vizd.cli.times import lasting
from vizd.client.credentials import tls_credentials
from vizd.incident.chunks import NotAnIncident
from vizd.incident.reader import Incident
from vizd.incident.replay import CannotReplay, Replay, Replayed

__all__ = ["replay_file"]

_LOOK_EVERY_S = 0.2
"""For a Ctrl-C: waiting for another thread would hold it up."""


def replay_file(asked: Asked, file: Path, target: str, speed: float | None, keep_times: bool) -> NoReturn:
    """Play it, say what became of it, and end.

    :param target: of a daemon's gRPC port. :param speed: as in ``Replay``.
    """
    try:
        credentials = None if asked.ca is None else tls_credentials(asked.ca)
        with file.open("rb") as source, bar() as tell:
            incident = Incident(source)

            def progress(at_ms: int) -> None:
                header = incident.header
                tell(at_ms, header.get("from_ms", at_ms), header.get("to_ms") or header.get("at_ms", at_ms))

            player = Replay(
                incident, target, speed=speed, shift=not keep_times, token=asked.token(), credentials=credentials,
                progress=progress,
            )  # fmt: skip
            status = _play(player)
    except OSError as why:
        fail(f"{str(file)!r} can't be read: {why.strerror or why}")
    except NotAnIncident as why:
        fail(f"{str(file)!r}: {why}")
    except (CannotReplay, ValueError) as why:
        fail(str(why))
    _print_done(Paper(asked.is_json), player.done, incident, speed)
    for each in incident.damage:
        click.echo(f"vizctl: {str(file)!r}: {each}", err=True)
    raise SystemExit(status or (1 if incident.damage or not player.done.stored else 0))


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


def _print_done(paper: Paper, done: Replayed, incident: Incident, speed: float | None) -> None:
    if paper.is_json:
        paper.item(asdict(done) | {"damage": incident.damage})
        return
    paper.aside(f"{done.events:,} events in {done.windows:,} windows{'' if done.stored else ', not all stored'}")
    if done.behind_s >= 1 and speed:
        paper.aside(f"the speed could not be kept: {lasting(done.behind_s * 1_000)} behind")
    if done.skipped:
        paper.aside(f"{done.skipped:,} events are of kinds that this version does not know: left out")
