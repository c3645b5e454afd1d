"""Schemathesis asks a real daemon all that its OpenAPI allows, and much that it does not."""

import json
import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import Daemon
from tests.web.test_descriptions import published

SEED = 9
EXAMPLES = 15
"""Of each endpoint and phase: all of it takes some ten seconds."""
TIMEOUT_S = 150
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "positive_data_acceptance", "unsupported_method",
)  # fmt: skip
SETTINGS = """
# What a schema can't say: that `from` must not be behind `to`, and which instants the buffer still has.
[[operations]]
include-path-regex = "^/api/(history|timeline|coverage)$"
checks.positive_data_acceptance.expected-statuses = ["200", "400", "503"]

[[operations]]
include-path = "/api/state"
checks.positive_data_acceptance.expected-statuses = ["200", "410", "503"]
"""


class Asked(SynchronousTestCase):
    """One that has events of every kind."""

    def test_no_question_finds_it_other_than_it_is_described(self) -> None:
        place = Path(self.mktemp())
        place.mkdir()
        (place / "schemathesis.toml").write_text(SETTINGS)
        daemon = Daemon("--coalesce-ms", "10")
        self.addCleanup(daemon.kill)
        node = published(daemon)
        self.addCleanup(node.close)
        document = place / "openapi.json"
        document.write_text(json.dumps(daemon.get("/api/openapi.json")[1]))
        asked = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", str(document.absolute()),
                "--url", f"http://127.0.0.1:{daemon.http_port}",
                "--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing",
                "--max-examples", str(EXAMPLES), "--seed", str(SEED), "--generation-deterministic", "--no-color",
                "--request-timeout", "10",
            ],
            cwd=place, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=os.environ,
        )  # fmt: skip
        self.assertEqual(asked.returncode, 0, asked.stdout[-6_000:] + asked.stderr[-2_000:])
        self.assertIn("No issues found", asked.stdout)
        self.assertEqual(daemon.get("/health")[0], 200)
        self.assertEqual([line for line in daemon.lines if "Traceback" in line], [])
