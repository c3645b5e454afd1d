"""``--nodes``, ``--types`` and ``--shards``: lists with commas, checked before anybody is asked."""

from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from vizd.events.catalogue import TYPES, TYPES_BY_NAME

__all__ = ["filtering"]


class _Numbers(click.ParamType):  # type: ignore[type-arg] # Generic since 8.2 only.
    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if not all(part.isascii() and part.isdigit() and int(part) < 2**32 for part in parts):
            self.fail(f"{value!r}: numbers with commas between them are needed, such as 1,2", param, ctx)
        return tuple(map(int, parts))


class _Types(click.ParamType):  # type: ignore[type-arg] # Generic since 8.2 only.
    name = "types"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        for part in parts:
            if part.lower() not in TYPES_BY_NAME:
                known = ", ".join(each.name for each in TYPES)
                self.fail(f"{part!r}: some of {known} are needed, with commas between them", param, ctx)
        return tuple(parts)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, begun = incomplete.rpartition(",")
        names = (each.name.lower() for each in TYPES)
        return [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(begun.lower())]


def filtering(command: Callable[..., Any]) -> Callable[..., Any]:
    """``command`` takes ``nodes``, ``types`` and ``shards``; empty: no limit."""
    for option in (
        click.option("--shards", type=_Numbers(), default=(), metavar="N,..", help="only events of these"),
        click.option("--types", type=_Types(), default=(), metavar="TYPE,..", help="such as raft,swim"),
        click.option("--nodes", type=_Numbers(), default=(), metavar="N,..", help="only events about these"),
    ):
        command = option(command)
    return command
