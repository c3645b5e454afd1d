"""What a command writes: lines for people or JSON for programs on standard output, all else on standard error."""

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vizd.cli.words import SHORT_TYPES, clean, kind_of, said, whose
from vizd.client.messages import Disconnected
from vizd.client.moments import clock
from vizd.events.catalogue import TYPES_BY_NAME, EventClass

__all__ = ["Paper"]

_COLOURS = {EventClass.TRANSITION: "yellow", EventClass.PHASE: "cyan"}
_NARROW = 60
"""Columns; below that a line has no date."""


class Paper:
    """Where to write.

    :ivar names: of the nodes, by number.
    """

    def __init__(self, is_json: bool) -> None:
        self.is_json = is_json
        self.names: dict[int, str] = {}
        self._is_narrow = shutil.get_terminal_size((120, 24)).columns < _NARROW

    def named(self, node: int) -> str:
        """What people call it."""
        return clean(self.names.get(node, f"node {node}"))

    def item(self, item: Any) -> None:
        """A line of JSON."""
        click.echo(msgspec.json.encode(item).decode())

    def event(self, event: dict[str, Any]) -> None:
        """A line."""
        if self.is_json:
            self.item(event)
            return
        name = event["event"]["type"]
        moment = clock(event["ts"])
        event_class = _class_of(event)
        colour = None if event_class is None else _COLOURS.get(event_class)
        text = said(event, self.named)
        if self._is_narrow:
            click.echo(f"{moment[11:19]} {whose(event, self.named)} {_coloured(text, colour)}")
        else:
            subject = whose(event, self.named) + (f" s{event['shard']}" if "shard" in event else "")
            click.echo(f"{moment}  {SHORT_TYPES.get(name, clean(name)):<5} {subject:<12} {_coloured(text, colour)}")

    def gap(self, gap: dict[str, Any]) -> None:
        """A line of its own."""
        if self.is_json:
            self.item({"gap": gap})
            return
        events, windows = gap.get("events"), gap.get("windows")
        lost = "nobody knows how much" if events is None else f"{events:,} events in {windows:,} windows"
        since = "" if gap.get("from_ms") is None else f" from {clock(gap['from_ms'])} to {clock(gap.get('to_ms'))}"
        click.echo(_coloured(f"-- missing{since}: {lost} ({clean(gap['reason'])})", "red"))

    def finding(self, text: str, severity: str, is_open: bool) -> None:
        """A finding's line."""
        colour = {"critical": "red", "warning": "yellow"}.get(severity) if is_open else "bright_black"
        click.echo(_coloured(clean(text), colour))

    def aside(self, text: str) -> None:
        """For people, on standard error; programs are not told."""
        if not self.is_json:
            click.echo(_coloured(clean(text), "bright_black"), err=True)

    def away(self, message: Disconnected) -> None:
        """The daemon is, and is waited for."""
        self.aside(f"{message.reason}; again in {message.retry_s:.1f} s")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """As wide as the terminal; where that is narrow, a row is a few lines. Numbers are given as text."""
        if self._is_narrow and len(columns) > 2:
            self._list(columns, rows)
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(clean(cell)) for cell in row))
        context = click.get_current_context(silent=True)
        is_plain = context is not None and context.color is False
        Console(no_color=is_plain or None, highlight=False).print(table)

    def _list(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        width = max(8, shutil.get_terminal_size().columns)
        for row in rows:
            for index, (column, cell) in enumerate(zip(columns, row, strict=True)):
                text = clean(f"{column} {cell}".strip())
                for line in textwrap.wrap(text, width, initial_indent="  " if index else "", subsequent_indent="  "):
                    click.echo(line)


def _class_of(event: dict[str, Any]) -> EventClass | None:
    """``None``: of a type or kind that a newer daemon knows."""
    found = TYPES_BY_NAME.get(event["event"]["type"].lower())
    kinds = () if found is None else found.kinds
    name = kind_of(event)
    return next((kind.event_class for kind in kinds if kind.name in ("", name)), None)


def _coloured(text: str, colour: str | None) -> str:
    return click.style(text, fg=colour) if colour else text
