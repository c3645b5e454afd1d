"""``simulate``: a cluster that is none, for any daemon. It is ``python -m vizd.sim``."""

import sys

import click

from vizd.cli.running import PIPE_CLOSED

__all__ = ["simulate"]


@click.command(
    add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def simulate(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Publish as a simulated cluster, until Ctrl-C; see its --help for scenarios."""
    from vizd.sim.__main__ import main  # Loads all of gRPC.

    said = [*arguments, *(["--json"] if (context.obj or {}).get("is_json") else [])]
    try:
        sys.exit(main(said, "vizctl simulate"))
    except BrokenPipeError:
        sys.exit(PIPE_CLOSED)
