"""The law, for a few seconds: real clients of all kinds, publishers that are killed, and a log that trims.

``python -m bench.law`` is the same for as long as one likes; the checks themselves are tested in ``tests/bench``.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import environment

TIMEOUT_S = 90
ROOT = Path(__file__).parents[2]


class LawTests(SynchronousTestCase):
    """Every reader is a cursor."""

    def check(self, *more: str) -> dict[str, Any]:
        """Run it; what it reports, of which nothing is a violation."""
        options = ["--seconds=5", "--clients=13", "--rate=1200", "--seed=4", "--json", *more]
        ran = subprocess.run(
            [sys.executable, "-m", "bench.law", *options],
            cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        self.assertTrue(ran.stdout, ran.stderr)
        report: dict[str, Any] = json.loads(ran.stdout)
        self.assertEqual(report["violations"], [])
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return report

    def test_the_same_while_the_daemon_is_killed_and_goes_on_with_its_directory(self) -> None:
        report = self.check("--fault=killed", "--seconds=10")
        self.assertGreater(report["daemon_kills"], 1)

    def test_the_same_while_the_disk_is_slow(self) -> None:
        report = self.check("--fault=slow", "--seconds=10")
        self.assertGreater(report["stalled_looks"], 0)
        self.assertGreater(report["clients"][0]["shown"], 0)

    def test_the_same_while_the_disk_is_full_now_and_then(self) -> None:
        report = self.check("--fault=full", "--seconds=10")
        self.assertGreater(report["stalled_looks"], 0)
        self.assertGreater(report["clients"][0]["shown"], 0)

    def test_delivered_windows_and_declared_gaps_are_the_whole_log_in_order_each_once(self) -> None:
        report = self.check("--retention-s=2.4")
        # It has put to the test what it was to.
        for kind in report["clients"]:
            self.assertGreater(kind["events"], 0, kind)
        self.assertEqual(report["clients"][0]["events"], 6_000)
        self.assertGreater(sum(kind["reconnects"] for kind in report["clients"]), 0)
        self.assertGreater(report["publishers"]["kills"], 0)
