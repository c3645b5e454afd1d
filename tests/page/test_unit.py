"""The page's pure modules keep their promises: their own tests pass, under Node.js."""

import re
import shutil
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

TESTS = Path(__file__).parent / "unit"
TIMEOUT_S = 120
"""Hundreds of them take seconds; a machine that is busy may take much longer."""


class PureModules(SynchronousTestCase):
    def test_their_tests_pass(self) -> None:
        node = shutil.which("node")
        if node is None:
            self.fail("There is no `node` on the PATH: the page's modules are tested by Node.js 18 or newer.")
        files = sorted(TESTS.glob("*.test.mjs"))
        self.assertTrue(files, f"No *.test.mjs in {TESTS}.")
        ran = subprocess.run(
            [node, "--test", "--test-reporter=tap", *map(str, files)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
        )
        self.assertEqual(ran.returncode, 0, f"\n{ran.stdout}{ran.stderr}")
        passed = re.search(r"^# pass (\d+)$", ran.stdout, re.MULTILINE)
        self.assertIsNotNone(passed, f"Node.js did not say how many tests passed:\n{ran.stdout}")
        self.assertGreater(int(passed[1]), len(files), "Hardly a test ran.")
