"""What ``docs/operations.md`` promises to have."""

import re

from twisted.trial.unittest import SynchronousTestCase

from tests.docs import DOCS
from vizd.config import OPTIONS

PAGE = (DOCS / "operations.md").read_text()


def anchors() -> set[str]:
    """Of its sections, as a reader of Markdown makes them."""
    titles = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


class Operations(SynchronousTestCase):
    def test_every_alert_has_its_section_and_points_there(self) -> None:
        alerts = (DOCS / "alerts.yml").read_text()
        names = re.findall(r"alert: (\w+)", alerts)
        self.assertGreater(len(names), 5)
        self.assertEqual(re.findall(r"^### (.+)$", PAGE, re.MULTILINE), names)
        targets = re.findall(r"runbook: docs/operations\.md#(\S+)", alerts)
        self.assertEqual(targets, [name.lower() for name in names])
        self.assertLessEqual(set(targets), anchors())

    def test_its_links_lead_somewhere(self) -> None:
        for target in re.findall(r"\]\(([^)]+)\)", PAGE):
            file, _, anchor = target.partition("#")
            if file:
                self.assertTrue((DOCS / file).exists(), target)
            else:
                self.assertIn(anchor, anchors())

    def test_the_options_and_metrics_that_it_names_are_there(self) -> None:
        options = {option.name for option in OPTIONS} | {"check"}
        ours = set(re.findall(r"`--([a-z-]+)`", PAGE)) - {"memory", "read-only", "stop-timeout"}
        self.assertLessEqual(ours, options)
        metrics = set(re.findall(r"`(norikv_vizd_\w+)`", PAGE))
        self.assertTrue(metrics)
        self.assertLessEqual(metrics, set(re.findall(r"`(norikv_vizd_\w+)`", (DOCS / "metrics.md").read_text())))
