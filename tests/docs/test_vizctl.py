"""``docs/vizctl.md`` names the commands and options that there are."""

import re

import click
from twisted.trial.unittest import SynchronousTestCase

from tests.docs import DOCS
from vizd.cli.main import vizctl

PAGE = (DOCS / "vizctl.md").read_text()


def options_of(command: click.Command) -> set[str]:
    return {name for option in command.params for name in option.opts if name.startswith("--")} - {"--help"}


class Vizctl(SynchronousTestCase):
    def test_the_options_of_all_commands(self) -> None:
        rows = dict(re.findall(r"^\| `(--[\w-]+)` \| (?:`(\w+)`)?", PAGE, re.MULTILINE))
        self.assertEqual(set(rows), options_of(vizctl) - {"--version"})
        variables = {option.opts[0]: option.envvar or "" for option in vizctl.params if option.opts[0] in rows}
        self.assertEqual({**rows, "--no-color": ""}, variables)

    def test_the_commands_and_theirs(self) -> None:
        rows = re.findall(r"^\| `(\w+)` \|.*\|(.*)\|$", PAGE, re.MULTILINE)
        self.assertEqual({name for name, _ in rows}, set(vizctl.commands))
        for name, options in rows:
            if name != "simulate":
                own = options_of(vizctl.commands[name]) - options_of(vizctl)
                self.assertEqual(set(re.findall(r"`(--[\w-]+)`", options)), own, name)
