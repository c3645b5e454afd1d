"""Tests of ``examples/python``: each program is run against a daemon as its first line says."""

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import TIMEOUT_S, Daemon
from tests.docs import DOCS
from vizd.wire.vizd_pb2 import SWIM_KIND_ALIVE, RaftEvt, SwimEvt, VizEvent

PLACE = DOCS.parent / "examples" / "python"


class Examples(SynchronousTestCase):
    """With a node that has said two things."""

    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.kill)
        self.publisher = self.daemon.publisher()
        self.addCleanup(self.publisher.close)
        elected = RaftEvt(shard=7, term=1, leader_elected=RaftEvt.LeaderElected(node=1))
        self.publisher.send([VizEvent(raft=elected), VizEvent(swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE))])
        self.publisher.wait_stored()
        self.url = f"http://127.0.0.1:{self.daemon.http_port}"

    def run_to_end(self, name: str, argument: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(PLACE / name), argument]
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    def first_line(self, name: str) -> str:
        """Of one that goes on for ever."""
        command = [sys.executable, str(PLACE / name), self.url]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            assert process.stdout is not None
            self.daemon.wait_for_stats(lambda stats: stats["connected_clients"] == 1)
            self.publisher.send([VizEvent(swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE))])
            return process.stdout.readline()
        finally:
            process.terminate()
            process.communicate(timeout=TIMEOUT_S)

    def test_all_are_run(self) -> None:
        names = {path.name for path in PLACE.glob("*.py")}
        self.assertEqual(names, {"ask.py", "node.py", "node_twisted.py", "watch.py", "watch_twisted.py"})

    def test_ask(self) -> None:
        done = self.run_to_end("ask.py", self.url)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "2 events\n", ""))

    def test_ask_where_nobody_is(self) -> None:
        done = self.run_to_end("ask.py", "http://127.0.0.1:1")
        self.assertEqual((done.returncode, done.stderr), (1, "no daemon at http://127.0.0.1:1: Connection refused\n"))

    def test_watch(self) -> None:
        self.assertEqual(self.first_line("watch.py"), "shard 7 is led by 1\n")

    def test_watch_twisted(self) -> None:
        self.assertEqual(self.first_line("watch_twisted.py"), "{'swim_count': 1}\n")

    def test_node(self) -> None:
        for name, node in (("node.py", 1), ("node_twisted.py", 2)):
            if node == 1:
                self.publisher.close()
            done = self.run_to_end(name, f"127.0.0.1:{self.daemon.grpc_port}")
            self.assertEqual((done.returncode, done.stdout), (0, "all stored\n"), done.stderr)
