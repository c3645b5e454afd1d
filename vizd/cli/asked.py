"""What every command takes: where the daemon is, how to come in, and what the answer looks like.

These options stand before the command or after it; what stands after it counts.
"""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from vizd.client.address import Token
from vizd.client.api import Api
from vizd.client.credentials import first_token
from vizd.client.subscriber import Subscriber
from vizd.client.subscription import Subscription

__all__ = ["Asked", "asking", "of_all", "remember"]

DEFAULT_URL = "http://127.0.0.1:9090"


@dataclass(frozen=True, slots=True)
class Asked:
    """By the options.

    :ivar is_json: a line an item, for programs.
    """

    url: str = DEFAULT_URL
    token_file: Path | None = None
    ca: Path | None = None
    is_json: bool = False

    def api(self) -> Api:
        """
        :raises ValueError: an option can't be used.
        """
        return Api(self.url, token=self.token(), ca=self.ca)

    def subscriber(self, subscription: Subscription) -> Subscriber:
        """
        :raises ValueError: an option can't be used.
        """
        return Subscriber(self.url, subscription, token=self.token(), ca=self.ca)

    def token(self) -> Token | None:
        """Read again for each connection: a file's content may change."""
        return None if self.token_file is None else partial(first_token, self.token_file)


def _without_colour(context: click.Context, _option: click.Parameter, is_asked: bool) -> None:
    """In this command and around it."""
    at: click.Context | None = context
    while at is not None and (is_asked or os.environ.get("NO_COLOR")):
        at.color = False
        at = at.parent


def of_all(is_group: bool = False) -> list[Callable[[Any], Any]]:
    """The options; the environment counts where none is said."""
    variables: dict[str, Any] = (
        {"url": "VIZCTL_URL", "token": "VIZCTL_TOKEN_FILE", "ca": "VIZCTL_CA"} if is_group else {}
    )
    file = click.Path(path_type=Path, dir_okay=False)
    return [
        click.option("--url", metavar="URL", envvar=variables.get("url"), help=f"of the daemon  [{DEFAULT_URL}]"),
        click.option(
            "--token-file",
            type=file,
            metavar="FILE",
            envvar=variables.get("token"),
            help="the first token in it is sent",
        ),
        click.option(
            "--ca",
            type=file,
            metavar="FILE",
            envvar=variables.get("ca"),
            help="PEM: who signed the daemon's certificate",
        ),
        click.option("--json", "is_json", is_flag=True, default=None, help="a line of JSON an item"),
        click.option(
            "--no-color", is_flag=True, expose_value=False, callback=_without_colour, help="also where NO_COLOR is set"
        ),
    ]


def remember(context: click.Context, said: dict[str, Any]) -> None:
    """What stands before the command."""
    context.obj = {name: value for name, value in said.items() if value is not None}


def asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """``command`` gets an ``Asked`` first, and takes the options of all."""

    @click.pass_context
    @functools.wraps(command)
    def with_asked(context: click.Context, /, **said: Any) -> Any:
        names = ("url", "token_file", "ca", "is_json")
        after = {name: said.pop(name) for name in names}
        before = context.obj or {}
        asked = Asked(**(before | {name: value for name, value in after.items() if value is not None}))
        return command(asked, **said)

    for option in reversed(of_all()):
        with_asked = option(with_asked)
    return with_asked
