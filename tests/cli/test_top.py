"""Tests of ``vizctl top``: what it knows, what it draws at any size, and how it lives in a terminal."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from typing import Any

import pyte
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.cli.test_vizctl import NAME, VIZCTL, Case, environment
from tests.daemon.process import TIMEOUT_S, Daemon
from vizd.cli.top.model import KEPT_S, Model
from vizd.cli.top.screen import KEYS, draw
from vizd.client.messages import Batch, Connected, Disconnected, FindingUpdate, Gap, Windows
from vizd.wire.vizd_pb2 import SWIM_KIND_ALIVE, SWIM_KIND_CONFIRM, RaftEvt, SwimEvt, VizEvent

NOW_MS = 1_700_000_000_000


def event(type_name: str, data: dict[str, Any], node: int = 1, **more: Any) -> dict[str, Any]:
    return {"ts": NOW_MS, "node": node, "event": {"type": type_name, "data": data}, **more}


def batch(*events: dict[str, Any], **options: Any) -> Batch:
    summary = {"wal_count": sum(each["event"]["type"] == "Wal" for each in events)}
    return Batch(data=Windows(window_start=0, window_end=1, events=list(events), summary=summary), **options)


def finding(number: int, severity: str = "critical", is_open: bool = True) -> FindingUpdate:
    return FindingUpdate(
        id=f"x/{number}", rule="x", severity=severity, subject={}, first_ms=NOW_MS - 60_000 + number, last_ms=NOW_MS,
        open=is_open, conclusive=True, detail=f"Finding {number} is \x1b[31mopen.",
    )  # fmt: skip


def alive(node: int) -> dict[str, Any]:
    return event("Swim", {"node": node, "kind": "Alive"}, node)


def elected(shard: int, node: int) -> dict[str, Any]:
    return event("Raft", {"shard": shard, "term": 1, "kind": {"kind": "LeaderElected", "node": node}}, node)


def fsync(node: int, ms: int) -> dict[str, Any]:
    return event("Wal", {"node": node, "seg": 1, "kind": {"kind": "Fsync", "ms": ms}}, node)


class Models(SynchronousTestCase):
    def setUp(self) -> None:
        self.model = Model()
        self.model.hear(Connected(version="x"), NOW_MS)

    def test_the_verdict_is_the_worst_that_is_open_and_how_many_more_there_are(self) -> None:
        self.assertEqual(self.model.verdict, ("unknown", "No node has published anything yet."))
        self.model.hear(batch(alive(1)), NOW_MS)
        self.assertEqual(self.model.verdict, ("well", "Nothing is found wrong."))
        for each in (finding(1, "warning"), finding(2), finding(3, is_open=False)):
            self.model.hear(each, NOW_MS)
        severity, sentence = self.model.verdict
        self.assertEqual((severity, sentence[:9], sentence[-11:]), ("critical", "Finding 2", "And 1 more."))
        self.model.hear(finding(2, is_open=False), NOW_MS)
        self.assertEqual(self.model.verdict[0], "warning")

    def test_it_does_not_say_that_all_is_well_where_it_does_not_know(self) -> None:
        self.model.hear(batch(alive(1)), NOW_MS)
        node = {"node": 1, "name": "one", "connected": False, "lost": [{"events": 7}, {"events": None}]}
        self.model.know({"nodes": [node]})
        self.assertEqual(self.model.verdict, ("unknown", "Nothing is found wrong, but nothing is heard of one."))
        self.assertEqual(self.model.nodes[1].lost, 7)
        self.model.hear(Disconnected(reason="gone", retry_s=1), NOW_MS)
        self.assertEqual(self.model.verdict[0], "unknown")

    def test_nodes_shards_and_moves_follow_the_events(self) -> None:
        self.model.hear(batch(elected(1, 2), elected(2, 2), alive(2), fsync(2, 9)), NOW_MS)
        down = event("Raft", {"shard": 1, "term": 2, "kind": {"kind": "StepDown"}}, 2)
        moving = event("Shard", {"shard": 2, "kind": "SnapshotStart"})
        running = event("Compaction", {"node": 2, "level": 1, "kind": {"kind": "Progress", "pct": 5}}, 2, shard=2)
        self.model.hear(batch(down, moving, running), NOW_MS)
        self.assertEqual((self.model.leaderless, dict(self.model.led_by())), ([1], {2: 1}))
        self.assertEqual(self.model.moves, {2: "SnapshotStart"})
        node = self.model.nodes[2]
        self.assertEqual((node.membership, node.fsync_ms, node.compactions), ("alive", 9, {(2, 1)}))
        over = event("Compaction", {"node": 2, "level": 1, "kind": {"kind": "Finish"}}, 2, shard=2)
        self.model.hear(batch(over, event("Shard", {"shard": 2, "kind": "Cutover"})), NOW_MS)
        self.assertEqual((node.compactions, self.model.moves), (set(), {}))

    def test_rates_are_of_whole_seconds_and_not_of_the_state(self) -> None:
        self.model.hear(batch(fsync(1, 1), snapshot=True), NOW_MS)
        self.assertEqual(self.model.rates(NOW_MS), {})
        for second in range(100):
            self.model.hear(batch(*[fsync(1, 1)] * 3), NOW_MS + 1_000 * second)
        self.assertEqual(self.model.rates(NOW_MS + 100_000), {"Wal": [3] * KEPT_S})


class Screens(SynchronousTestCase):
    @given(
        st.integers(1, 250), st.integers(1, 80), st.integers(0, 300), st.integers(0, 300), st.integers(0, 30),
        st.integers(0, 400), st.booleans(),
    )  # fmt: skip
    def test_at_any_size_nothing_is_wider_or_longer_and_nothing_steers_the_terminal(
        self, width: int, height: int, nodes: int, shards: int, findings: int, scroll: int, has_unicode: bool
    ) -> None:
        model = Model()
        model.hear(Connected(version="x"), NOW_MS)
        model.hear(batch(*map(alive, range(nodes)), *(elected(each, each) for each in range(shards))), NOW_MS - 1_000)
        model.hear(Gap(reason="slow"), NOW_MS)
        model.know({"nodes": [{"node": 0, "name": NAME * 9, "connected": True, "lost": []}]})
        for number in range(findings):
            model.hear(finding(number), NOW_MS)
        lines = draw(model, NOW_MS, width, height, url="http://x", scroll=scroll, has_unicode=has_unicode)
        self.assertLessEqual(len(lines), height)
        for line in lines:
            self.assertLessEqual(line.cell_len, width)
            self.assertTrue(line.plain.isprintable(), line.plain)
            self.assertTrue(has_unicode or line.plain.isascii(), line.plain)
        self.assertIn(lines[0].plain[:1], ("!", "o", "?"))

    def test_ten_thousand_shards_and_nodes_are_drawn_in_a_moment(self) -> None:
        model = Model()
        model.hear(batch(*map(alive, range(10_000)), *(elected(each, each) for each in range(10_000))), NOW_MS)
        began_s = time.process_time()
        draw(model, NOW_MS, 200, 50)
        self.assertLess(time.process_time() - began_s, 5, "it would hang")


class Terminal:
    """One with ``top`` in it, and what stands on it."""

    def __init__(self, case: Case, columns: int, rows: int, *arguments: str, **extra: str) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._changed = threading.Condition()
        self._far, near = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(near)
        self.process = subprocess.Popen(
            [VIZCTL, "--url", case.url, "top", *arguments], stdin=near, stdout=near, stderr=near, close_fds=True,
            start_new_session=True, env=environment(**({"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | extra)),
        )  # fmt: skip
        self._near = near
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        case.addCleanup(self._end)

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._far, 1 << 16)
            except OSError:
                return
            with self._changed:
                self._stream.feed(piece)
                self._changed.notify_all()

    def _end(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._near)
        self._reader.join(TIMEOUT_S)
        os.close(self._far)

    def resize(self, columns: int, rows: int) -> None:
        """As a window does."""
        with self._changed:
            self.screen.resize(rows, columns)
        fcntl.ioctl(self._far, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, key: bytes) -> None:
        os.write(self._far, key)

    def wait_for(self, text: str, is_there: bool = True) -> list[str]:
        """The lines, when this is on one of them; or is on none."""

        def found() -> bool:
            return any(text in line for line in self.screen.display) is is_there

        with self._changed:
            if not self._changed.wait_for(found, TIMEOUT_S):
                raise AssertionError(f"{text!r}: {self.screen.display}")
            return list(self.screen.display)

    def wait_end(self) -> int:
        return self.process.wait(TIMEOUT_S)

    @property
    def mode(self) -> list[Any]:
        return termios.tcgetattr(self._near)


class Terminals(Case):
    def cluster(self) -> Any:
        publisher = self.publish()
        publisher.send(
            [
                *(VizEvent(swim=SwimEvt(node=each, kind=SWIM_KIND_ALIVE)) for each in range(2, 40)),
                VizEvent(raft=RaftEvt(shard=8, term=3, step_down=RaftEvt.StepDown())),
            ]
        )
        publisher.wait_stored()
        return publisher

    def test_it_shows_what_happens_and_ends_with_q(self) -> None:
        publisher = self.cluster()
        terminal = Terminal(self, 100, 30)
        lines = terminal.wait_for("no\\x1b[31mde")
        self.assertTrue(lines[0].startswith("ok Nothing is found wrong."), lines[0])
        publisher.send([VizEvent(swim=SwimEvt(node=9, kind=SWIM_KIND_CONFIRM))])
        lines = terminal.wait_for("confirmed dead")
        self.assertTrue(lines[0].startswith("!! "), lines[0])
        terminal.wait_for("no leader: s8")
        terminal.press(b"q")
        self.assertEqual(terminal.wait_end(), 0)
        self.assertEqual(terminal.mode, terminal.before)

    def test_it_follows_the_size_of_the_window(self) -> None:
        self.cluster()
        terminal = Terminal(self, 130, 40)
        terminal.wait_for("nodes (39)")
        for columns, rows in ((80, 24), (40, 12), (20, 5), (130, 40)):
            terminal.resize(columns, rows)
            os.kill(terminal.process.pid, signal.SIGWINCH)
            terminal.wait_for(KEYS[:columns])
        terminal.wait_for("nodes (39)")
        self.assertIsNone(terminal.process.poll())

    def test_keys_scroll_and_pause(self) -> None:
        publisher = self.cluster()
        terminal = Terminal(self, 80, 20)
        terminal.wait_for("node 2 ")
        for _ in range(3):
            terminal.press(b"j")
        terminal.wait_for("node 2 ", is_there=False)
        terminal.press(b"\x1b[A")
        terminal.press(b"p")
        terminal.wait_for("paused")
        publisher.send([VizEvent(swim=SwimEvt(node=4, kind=SWIM_KIND_CONFIRM))])
        publisher.wait_stored()
        self.daemon.wait_until(lambda: bool(self.daemon.get("/api/insight")[1]["findings"]))
        self.assertFalse(any("confirmed dead" in line for line in terminal.screen.display))
        terminal.press(b"p")
        terminal.wait_for("confirmed dead")

    def test_signals_leave_the_terminal_as_it_was(self) -> None:
        self.cluster()
        for number in (signal.SIGINT, signal.SIGTERM):
            terminal = Terminal(self, 80, 24)
            terminal.wait_for("live")
            terminal.process.send_signal(number)
            self.assertEqual(terminal.wait_end(), 0)
            self.assertEqual(terminal.mode, terminal.before)

    def test_a_daemon_that_goes_is_said_to_and_comes_back(self) -> None:
        self.cluster()
        terminal = Terminal(self, 100, 30)
        terminal.wait_for("live")
        port = self.daemon.http_port
        self.daemon.kill()
        terminal.wait_for("not connected")
        self.daemon = Daemon("--port", str(port))
        self.addCleanup(self.daemon.kill)
        terminal.wait_for("live")

    def test_where_nobody_looks_on_it_is_one_screen_and_a_map_for_programs(self) -> None:
        self.cluster()
        text = self.ask("top")
        self.assertIn("nodes (39)", text)
        self.assertNotIn("\x1b", text)
        process = self.start("top", "--json")
        self.assertIn('"leaderless":[8]', self.line(process))
        self.assertEqual(self.end(process)[0], 0)
        dumb = Terminal(self, 80, 24, "--once", TERM="dumb")
        dumb.wait_for("node 39")
        self.assertEqual(dumb.wait_end(), 0)

    def test_where_no_daemon_is(self) -> None:
        self.assertIn("no daemon at", self.trouble("top", "--url", "http://127.0.0.1:1"))
