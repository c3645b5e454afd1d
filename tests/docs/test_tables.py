"""Tables in ``docs/`` that say again what the code says."""

from twisted.trial.unittest import SynchronousTestCase

from tests.docs import DOCS
from vizd.config import OPTIONS
from vizd.events.table import markdown
from vizd.insight.table import markdown as markdown_of_rules
from vizd.metrics.table import markdown as markdown_of_metrics


def rows(page: str) -> list[list[str]]:
    """The cells of every line of a table, without the marks of code."""
    lines = [line for line in (DOCS / page).read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]


class Events(SynchronousTestCase):
    def test_the_table_of_kinds_is_the_one_that_the_catalogue_prints(self) -> None:
        _, table = (DOCS / "events.md").read_text().split("<!-- python -m vizd.events.table -->\n")
        self.assertEqual(table, markdown())


class Insight(SynchronousTestCase):
    def test_the_tables_of_rules_and_thresholds_are_those_that_the_rules_print(self) -> None:
        _, rules, thresholds = (DOCS / "insight.md").read_text().split("<!-- python -m vizd.insight.table -->\n")
        self.assertEqual(f"{rules.partition('## ')[0]}{thresholds}", markdown_of_rules())


class Metrics(SynchronousTestCase):
    def test_the_table_of_metrics_is_the_one_that_the_catalogue_prints(self) -> None:
        _, table = (DOCS / "metrics.md").read_text().split("<!-- python -m vizd.metrics.table -->\n")
        self.assertEqual(table, markdown_of_metrics())


class Configuration(SynchronousTestCase):
    def test_each_option_has_a_row_with_its_variable_and_default(self) -> None:
        by_option = {row[0]: row[1:3] for row in rows("configuration.md")}
        for option in OPTIONS:
            variable, default = by_option[f"--{option.name}"]
            self.assertEqual(variable, option.variable)
            if option.default is not None:
                self.assertEqual(default, option.default, option.name)
            else:  # Said in words, on both sides.
                self.assertEqual(bool(default), "[default: " in option.help, option.name)

    def test_every_variable_of_the_page_is_one_of_an_option(self) -> None:
        named = {row[1] for row in rows("configuration.md") if row[1].startswith("VIZD_")}
        self.assertEqual(named, {option.variable for option in OPTIONS})
