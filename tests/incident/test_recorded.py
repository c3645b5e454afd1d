"""Tests of the incident that is recorded beside this file, and of ``--demo-file``, which plays it."""

import io
import shutil
from pathlib import Path

from tests.daemon.process import run_to_end
from tests.incident.test_replay import Case, events_in, exported

RECORDED = Path(__file__).with_name("node-crash.viz")


class Recorded(Case):
    def test_what_it_shows_is_found_again(self) -> None:
        file, daemon = io.BytesIO(RECORDED.read_bytes()), self.daemon()
        player = self.replay(file, daemon, shift=False)
        self.assertEqual((player.done.windows, player.done.events, player.done.skipped), (900, 13_516, 0))
        self.assertEqual(events_in(exported(daemon)), events_in(file))
        rules = {each["rule"] for each in daemon.get("/api/insight")[1]["findings"]}
        self.assertIn("node-dead", rules)
        nodes = daemon.get("/api/coverage")[1]["nodes"]
        self.assertEqual(sorted(each["name"] for each in nodes), [f"node-{number}" for number in range(1, 6)])


class DemoFiles(Case):
    def test_it_is_played_at_its_own_speed_with_its_times_moved_to_now(self) -> None:
        daemon = self.daemon("--demo-file", str(RECORDED))
        daemon.wait_for_stats(lambda stats: stats["total_events_received"] > 300)
        stats = daemon.get("/api/stats")[1]
        self.assertLess(abs(stats["oldest_event_ms"] - events_in(exported(daemon))[0]["ts"]), 5_000)
        self.assertEqual(daemon.end(), 0)
        self.assertEqual([line for line in daemon.lines if "Traceback" in line], [])

    def test_it_comes_in_through_the_same_door_as_all(self) -> None:
        tokens = Path(self.mktemp()).absolute()
        tokens.write_text("one\n")
        daemon = self.daemon("--demo-file", str(RECORDED), "--publish-token-file", str(tokens))
        daemon.wait_for_stats(lambda stats: stats["total_events_received"] > 10)

    def test_one_that_is_cut_off_is_played_and_said_to_be(self) -> None:
        cut = Path(self.mktemp()).absolute()
        content = RECORDED.read_bytes()
        cut.write_bytes(content[: len(content) // 20])
        daemon = self.daemon("--demo-file", str(cut))
        daemon.wait_for(r"the end is missing")

    def test_what_can_t_be_played_stops_the_start(self) -> None:
        gone = Path(self.mktemp()).absolute()
        shutil.copy(RECORDED, gone)
        for options, said in (
            (("--demo-file", "absent"), "vizctl export"),
            (("--demo-file", __file__), "not an incident"),
            (("--demo-file", str(gone), "--demo"), "--demo and --demo-file"),
        ):
            ended = run_to_end(*options)
            self.assertEqual(ended.returncode, 1)
            self.assertIn(said, ended.stderr)
