"""``vizctl``: what is looked at and fed from a terminal. Each command is in a module of its subject."""

import sys
from typing import Any, NoReturn

import click

from vizd import __version__
from vizd.cli.asked import of_all, remember
from vizd.cli.events import history, tail
from vizd.cli.incident import export, replay
from vizd.cli.looking import findings, state, stats
from vizd.cli.running import INTERRUPTED, fail
from vizd.cli.simulate import simulate
from vizd.cli.top.run import top

__all__ = ["main", "vizctl"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="vizctl")
@click.pass_context
def vizctl(context: click.Context, /, **said: Any) -> None:
    """Look into a running NoriKV cluster, through its norikv-vizd.

    Options of all commands stand before or after the command.
    """
    remember(context, said)


for _option in reversed(of_all(is_group=True)):
    vizctl = _option(vizctl)
for _command in (top, stats, state, history, tail, findings, export, replay, simulate):
    vizctl.add_command(_command)


def main() -> NoReturn:
    """The program. What is wrong with an option is one line, too."""
    try:
        sys.exit(vizctl.main(prog_name="vizctl", standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as help_wanted:
        help_wanted.show()
        sys.exit(help_wanted.exit_code)
    except click.ClickException as why:
        hint = f" (see {why.ctx.command_path} --help)" if isinstance(why, click.UsageError) and why.ctx else ""
        fail(f"{why.format_message()}{hint}", why.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
