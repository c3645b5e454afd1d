"""``python -m vizd.sim``, started as a user starts it."""

import json
import os
import signal
import subprocess
import sys

import grpc

from tests.client.peer import PATIENCE_S, PeerTestCase, store_all
from tests.client.test_publisher import aborting
from vizd.sim.scenarios import SCENARIOS
from vizd.sim.today import number_of

COMMAND = [sys.executable, "-m", "vizd.sim"]
# Where this package is found, also when trial runs in a directory of its own.
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "GRPC_VERBOSITY": "ERROR"}


def run(*options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *options], env=ENVIRONMENT, capture_output=True, text=True, timeout=3 * PATIENCE_S, check=False
    )


class CommandTests(PeerTestCase):
    def test_it_ends_after_its_seconds_with_one_line_of_json(self) -> None:
        peer = self.converse(store_all)
        ended = run("--grpc", peer.target, "--nodes", "3", "--rate", "500", "--seconds", "0.5", "--json")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        (line,) = ended.stdout.splitlines()
        accounting = json.loads(line)
        stored = sum(map(len, peer.logs.values()))
        self.assertEqual((accounting["emitted"], accounting["acked"]), (stored, stored))
        self.assertEqual([node["node_name"] for node in accounting["nodes"]], ["node-1", "node-2", "node-3"])

    def test_as_of_today_it_publishes_under_the_hash_of_the_name(self) -> None:
        peer = self.converse(store_all)
        options = ("--nodes", "3", "--scenario", "healthy", "--as-of-today", "--seconds", "0.5", "--json")
        ended = run("--grpc", peer.target, *options)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual({node["node"] for node in json.loads(ended.stdout)["nodes"]}, set(peer.logs))
        self.assertIn(number_of("node-1"), peer.logs)

    def test_the_help_tells_every_scenario(self) -> None:
        ended = run("--help")
        self.assertEqual(ended.returncode, 0)
        told = " ".join(ended.stdout.split())
        for name, scenario in SCENARIOS.items():
            self.assertIn(f"{name} {scenario.sentence}", told)

    def end_with(self, signal_number: int) -> None:
        peer = self.converse(store_all)
        process = subprocess.Popen(
            [*COMMAND, "--grpc", peer.target],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        peer.until(lambda: len(peer.logs) == 5 and all(peer.logs.values()))
        process.send_signal(signal_number)
        said, complained = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 0, complained)
        self.assertRegex(
            said, r"^5 nodes: [\d,]+ events emitted, [\d,]+ stored, 0 dropped, 0 undelivered, 0 rejected\n$"
        )
        self.assertNotIn("Traceback", complained)

    def test_ctrl_c_ends_it_cleanly(self) -> None:
        self.end_with(signal.SIGINT)

    def test_sigterm_ends_it_cleanly(self) -> None:
        self.end_with(signal.SIGTERM)

    def test_without_a_daemon_it_says_so_and_fails(self) -> None:
        ended = run("--grpc", "127.0.0.1:1", "--seconds", "0.3")
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(
            ended.stderr, r"python -m vizd.sim: no daemon at 127.0.0.1:1 took anything \(UNAVAILABLE: .*\)\n$"
        )

    def test_when_it_is_fenced_it_says_so_and_fails(self) -> None:
        peer = self.converse(aborting(grpc.StatusCode.FAILED_PRECONDITION))
        ended = run("--grpc", peer.target, "--nodes", "1", "--seconds", "0.3")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("python -m vizd.sim: another process publishes as these nodes\n", ended.stderr)

    def test_a_bad_option_is_one_line_that_names_it(self) -> None:
        for options, complaint in (
            (["--nodes", "0"], "argument --nodes: '0': a whole number from 1 to 1000 is needed"),
            (["--rate", "fast"], "argument --rate: 'fast': a whole number from 10 to 100000 is needed"),
            (["--seconds", "nan"], "argument --seconds: 'nan': a number of seconds above 0 is needed"),
            (["--grpc", "9091"], "argument --grpc: '9091': HOST:PORT is needed, such as 127.0.0.1:9091"),
            (
                ["--scenario", "flood"],
                f"argument --scenario: 'flood': one of {', '.join(SCENARIOS)} is needed",
            ),
            (["--scenario", "partition", "--nodes", "2"], "argument --nodes: partition needs 3 or more"),
            (["--colour"], "unrecognized arguments: --colour"),
        ):
            ended = run(*options)
            self.assertEqual((ended.returncode, ended.stderr), (2, f"python -m vizd.sim: {complaint}\n"))
