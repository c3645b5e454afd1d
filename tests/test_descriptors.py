"""A daemon makes room for its connections, or says that there is none. A limit is for good: each has a process."""

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.daemon.process import TWISTD, environment

_MADE = """
import resource
from vizd.descriptors import make_room
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(make_room({dashboards}, {nodes}))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def made(soft: int, hard: int, dashboards: int, nodes: int) -> tuple[str, int]:
    """What is said, and the soft limit afterwards."""
    program = _MADE.format(soft=soft, hard=hard, dashboards=dashboards, nodes=nodes)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    text, limit = done.stdout.splitlines()
    return text, int(limit)


class MakeRoomTests(TestCase):
    def test_the_soft_limit_rises_to_what_is_needed(self) -> None:
        self.assertEqual(made(256, 1_000, 100, 400), ("None", 564))

    def test_it_never_falls(self) -> None:
        self.assertEqual(made(800, 1_000, 100, 400), ("None", 800))

    def test_fewer_nodes_are_no_trouble_but_fewer_dashboards_are_told(self) -> None:
        self.assertEqual(made(256, 512, 100, 4_000), ("None", 512))
        text, limit = made(256, 512, 300, 4_000)
        self.assertEqual(limit, 512)
        self.assertIn("only 512 files may be open, so 192 connections of dashboards and HTTP fit, and 300 are", text)


class DaemonTests(TestCase):
    timeout = 60

    def test_a_daemon_says_at_its_start_that_its_clients_will_not_fit(self) -> None:
        command = ["sh", "-c", 'ulimit -n 700; exec "$@"', "sh", *TWISTD, "vizd", "--port=0", "--grpc-port=0"]
        place = self.mktemp()
        Path(place).mkdir()
        daemon = subprocess.Popen(command, cwd=place, env=environment(), text=True, stdout=subprocess.PIPE)
        assert daemon.stdout is not None
        self.addCleanup(daemon.stdout.close)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        said = next(line for line in daemon.stdout if "files may be open" in line or "listening" in line)
        self.assertIn("only 700 files may be open, so 286 connections of dashboards and HTTP fit, and 1256 are", said)
