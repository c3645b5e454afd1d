"""A daemon that has a directory, and the next one that has it."""

import contextlib
import signal
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import Daemon, Publisher, hear, run_to_end
from tests.events.build import event_of
from tests.stream.made import said


class RestartTests(SynchronousTestCase):
    """Whatever ends the first."""

    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.directory = Path(place.name) / "data"

    def start(self) -> Daemon:
        daemon = Daemon("--coalesce-ms", "10", "--data-dir", str(self.directory))
        self.addCleanup(daemon.kill)
        return daemon

    def publish(self, node: Publisher, first: int, count: int = 20) -> None:
        """Events that can be told from each other, each in a message of its own; stored when this returns."""
        for number in range(first, first + count):
            node.send([event_of(said("Wal.Fsync", ts=number, node=1, ms=number))])
        node.wait_stored()

    def numbers(self, events: list[Any]) -> list[int]:
        return [event["event"]["data"]["kind"]["ms"] for event in events]

    def follow(self, ws: Any, expected: Iterable[int]) -> str:
        """Hear these, and nothing else; the position behind them."""
        left = list(expected)
        while left:
            message = hear(ws)
            self.assertEqual(message["type"], "batch")
            heard = self.numbers(message["data"]["events"])
            self.assertEqual(heard, left[: len(heard)])
            del left[: len(heard)]
        return str(message["position"])

    def history(self, daemon: Daemon) -> list[int]:
        status, answer = daemon.get("/api/history?types=wal")
        self.assertEqual((status, answer["gaps"]), (200, []))
        return self.numbers([event for batch in answer["batches"] for event in batch["events"]])

    def test_what_was_acked_is_there_and_everybody_goes_on_where_he_was(self) -> None:
        acked = 0
        position = ""
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            daemon = self.start()
            with contextlib.closing(daemon.publisher()) as node:
                self.assertEqual(node.welcome.stored_through, acked)
                node.seq = acked
                self.assertEqual(self.history(daemon), list(range(acked)))
                with daemon.watch(f"?json=true&state=false{position and '&position=' + position}") as ws:
                    begins = hear(ws)["position"]
                    self.assertEqual(begins, position or begins, "the one of before is still one")
                    self.publish(node, acked)
                    position = self.follow(ws, range(acked, acked + 20))
                acked += 20
                daemon.end(number)

    def test_who_was_connected_is_known_to_be_gone_since_the_last_window(self) -> None:
        daemon = self.start()
        with contextlib.closing(daemon.publisher(7, "seven")) as node:
            self.publish(node, 0)
            daemon.end(signal.SIGKILL)
        again = self.start()
        again.wait_for_stats(lambda stats: stats["buffer_size"] > 0)
        [of_node] = again.get("/api/coverage")[1]["nodes"]
        self.assertEqual((of_node["node"], of_node["name"], of_node["connected"]), (7, "seven", False))
        self.assertEqual(of_node["lost"], [])
        self.assertEqual(of_node["received"], 20)
        self.assertEqual(len(of_node["disconnected"]), 1)
        self.assertEqual(again.get("/api/state")[1]["unknown"], [7])

    def test_a_second_daemon_does_not_get_the_directory_of_the_first(self) -> None:
        self.start()
        ended = run_to_end("--port=0", "--grpc-port=0", "--data-dir", str(self.directory))
        self.assertEqual(ended.returncode, 1)
        self.assertEqual(
            ended.stderr.strip(), f"vizd: another daemon uses {self.directory}: each needs a directory of its own"
        )

    def test_a_directory_that_can_not_be_used_is_one_line_that_names_it(self) -> None:
        self.directory.mkdir()
        (self.directory / "log.sqlite3").mkdir()
        ended = run_to_end("--port=0", "--grpc-port=0", "--data-dir", str(self.directory))
        self.assertEqual(ended.returncode, 1)
        [line] = ended.stderr.strip().splitlines()
        self.assertRegex(line, rf"^vizd: {self.directory}/log.sqlite3 can't be used")
