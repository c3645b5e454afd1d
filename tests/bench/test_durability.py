"""``python -m bench.durability``, a few seconds of it."""

import re
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import environment

TIMEOUT_S = 120
ROOT = Path(__file__).parents[2]


class DurabilityTests(SynchronousTestCase):
    def test_it_prints_each_row_of_the_page_and_that_nothing_is_lost(self) -> None:
        ran = subprocess.run(
            [sys.executable, "-m", "bench.durability", "--minutes=0.1", "--rounds=2", "--seconds=1"],
            cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(ran.stdout, r"acked events lost over 2 SIGKILL \| 0 of [1-9][\d,]*; 0 twice")
        page = (ROOT / "docs" / "durability.md").read_text()
        for row in re.findall(r"^\| ([a-z]+ [a-z]+)", ran.stdout, re.MULTILINE):
            self.assertIn(f"| {row}", page)
