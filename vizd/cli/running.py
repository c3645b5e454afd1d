"""How a command runs: what goes wrong is one line on standard error, and an exit status."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

import click

from vizd.cli.words import clean
from vizd.client.trouble import DaemonError

__all__ = ["INTERRUPTED", "PIPE_CLOSED", "fail", "run"]

INTERRUPTED = 130
PIPE_CLOSED = 141
"""As a shell counts who dies of SIGINT, and of SIGPIPE."""


def fail(text: str, status: int = 1) -> NoReturn:
    """Say it, and end."""
    click.echo(f"vizctl: {clean(text)}", err=True)
    sys.exit(status)


def run(work: Coroutine[Any, Any, None], is_endless: bool = False) -> None:
    """Until it is done, or ends the process.

    :param is_endless: Ctrl-C is how it ends.
    """
    try:
        asyncio.run(work)
        sys.stdout.flush()
    except (DaemonError, ValueError) as why:
        fail(str(why))
    except KeyboardInterrupt:
        sys.exit(0 if is_endless else INTERRUPTED)
    except BrokenPipeError:
        # Python flushes at its end, and would say that nobody reads.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(PIPE_CLOSED)
    except OSError as why:
        fail(f"standard output: {why.strerror or why}")
