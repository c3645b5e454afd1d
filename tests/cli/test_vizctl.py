"""Tests of ``vizctl`` as people and programs run it, against a daemon."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.process import TIMEOUT_S, Daemon
from vizd.wire.vizd_pb2 import (
    SWIM_KIND_ALIVE,
    SWIM_KIND_CONFIRM,
    CacheEvt,
    RaftEvt,
    SwimEvt,
    VizEvent,
    WalEvt,
)

VIZCTL = shutil.which("vizctl", path=sysconfig.get_path("scripts")) or "vizctl"
NAME = "no\x1b[31mde"
"""A node that would like to colour a terminal."""


def environment(**extra: str) -> dict[str, str]:
    """Without what would change what is said."""
    dropped = ("VIZCTL_", "NO_COLOR", "COLUMNS", "LINES")
    return {name: text for name, text in os.environ.items() if not name.startswith(dropped)} | extra


class Case(SynchronousTestCase):
    """A node has said three things."""

    options: tuple[str, ...] = ()

    def setUp(self) -> None:
        self.daemon = Daemon(*self.options)
        self.addCleanup(self.daemon.kill)

    def publish(self) -> Any:
        publisher = self.daemon.publisher(1, NAME)
        self.addCleanup(publisher.close)
        elected = RaftEvt(shard=7, term=3, leader_elected=RaftEvt.LeaderElected(node=1))
        publisher.send(
            [
                VizEvent(ts_ms=1_700_000_000_001, raft=elected),
                VizEvent(
                    ts_ms=1_700_000_000_002, owner_shard=2, wal=WalEvt(node=1, seg=1, fsync=WalEvt.Fsync(ms=1_240))
                ),
                VizEvent(ts_ms=1_700_000_000_003, cache=CacheEvt(name="blo[red]ck\x07", hit_ratio=0.5)),
            ]
        )
        publisher.wait_stored()
        return publisher

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.daemon.http_port}"

    def vizctl(self, *arguments: str, status: int = 0, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run to its end."""
        done = subprocess.run(
            [VIZCTL, *arguments],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            env=environment(**extra),
            check=False,
        )
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        return done

    def ask(self, *arguments: str, **extra: str) -> str:
        return self.vizctl("--url", self.url, *arguments, **extra).stdout

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """A map a line."""
        return [json.loads(line) for line in self.ask("--json", *arguments).splitlines()]

    def trouble(self, *arguments: str, status: int = 1, **extra: str) -> str:
        """The one line of it."""
        done = self.vizctl(*arguments, status=status, **extra)
        [line] = done.stderr.splitlines()
        self.assertTrue(line.startswith("vizctl: "), line)
        return line

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """One that goes on."""
        process = subprocess.Popen(
            [VIZCTL, "--url", self.url, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
        )  # fmt: skip
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def end(self, process: "subprocess.Popen[str]", number: int = signal.SIGINT) -> tuple[int, str]:
        """Exit status and what was said on standard error."""
        process.send_signal(number)
        _, said = process.communicate(timeout=TIMEOUT_S)
        return process.returncode, said

    @staticmethod
    def line(process: "subprocess.Popen[str]") -> str:
        assert process.stdout is not None
        return process.stdout.readline()


class Answers(Case):
    """What it says."""

    def test_history_is_a_line_an_event_and_what_nodes_say_does_not_steer_the_terminal(self) -> None:
        self.publish()
        done = self.vizctl("history", "--url", self.url)
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "2023-11-14T22:13:20.001Z  Raft  s7           no\\x1b[31mde elected, term 3",
                "2023-11-14T22:13:20.002Z  Wal   no\\x1b[31mde s2 fsync 1,240 ms",
                "2023-11-14T22:13:20.003Z  Cache no\\x1b[31mde blo[red]ck\\x07 cache, 0.50 hit",
            ],
        )
        self.assertEqual(done.stderr, "3 events\n")

    def test_filters_and_limits_are_the_daemon_s(self) -> None:
        self.publish()
        self.assertEqual(len(self.ask("history", "--types", "RAFT,wal").splitlines()), 2)
        self.assertEqual(len(self.ask("history", "--shards", "2", "--types", "wal,raft").splitlines()), 1)
        self.assertEqual(self.ask("history", "--nodes", "9"), "")
        self.assertEqual(self.ask("history", "--to", "2020-01-01"), "")
        self.assertEqual(len(self.ask("history", "--from", "-5m", "--to", "now", "--limit", "1").splitlines()), 3)

    def test_state_is_a_table_at_any_instant(self) -> None:
        self.publish()
        lines = self.ask("state", "--types", "raft,cache").splitlines()
        self.assertEqual(lines[0].split(), ["type", "of", "since"])
        self.assertIn("blo[red]ck\\x07 cache", lines[1])
        self.assertRegex(lines[2], r"^Raft +s7 +no\\x1b\[31mde elected, term 3 +2023-11-14T22:13:20.001Z")
        self.assertIn("410", self.trouble("state", "--at", "1000", "--url", self.url))

    def test_stats_is_a_table(self) -> None:
        self.publish()
        text = self.ask("stats")
        self.assertRegex(text, r"events +3 stored; 0 lost")
        self.assertRegex(text, r"1 +no\\x1b\[31mde +connected +3 +0 +0")

    def test_every_command_has_an_item_a_line_for_programs(self) -> None:
        self.publish()
        [stats] = self.items("stats")
        self.assertEqual(stats["total_events_received"], 3)
        *events, rest = self.items("state")
        self.assertEqual((len(events), rest["truncated"]), (3, False))
        *events, totals = self.items("history")
        self.assertEqual([each["ts"] % 10 for each in events], [1, 2, 3])
        self.assertEqual(totals, {"total_events": 3, "next_from": None})
        self.assertEqual(self.items("findings"), [])
        after = self.vizctl("history", "--json", "--url", self.url)
        self.assertEqual((len(after.stdout.splitlines()), after.stderr), (4, ""))

    def test_findings_are_told_with_since_when_and_followed(self) -> None:
        self.assertEqual(self.vizctl("findings", "--url", self.url).stderr.splitlines()[0], "nothing was found wrong")
        following = self.start("findings", "--follow", "--json")
        publisher = self.publish()
        self.daemon.wait_for_stats(lambda stats: stats["connected_clients"] == 1)
        publisher.send([VizEvent(swim=SwimEvt(node=2, kind=each)) for each in (SWIM_KIND_ALIVE, SWIM_KIND_CONFIRM)])
        publisher.wait_stored()
        self.assertEqual(json.loads(self.line(following))["rule"], "node-dead")
        self.assertEqual(self.end(following)[0], 0)
        self.assertRegex(self.ask("findings"), r"(?m)^critical .*\[node-dead, for \d+ s, since 20\d\d-")

    def test_tail_says_what_happens_from_now_on_and_ends_with_ctrl_c(self) -> None:
        publisher = self.publish()
        process = self.start("tail", "--types", "swim")
        self.daemon.wait_for_stats(lambda stats: stats["connected_clients"] == 1)
        publisher.send([VizEvent(ts_ms=1_700_000_000_004, swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE))])
        self.assertEqual(self.line(process), "2023-11-14T22:13:20.004Z  Swim  no\\x1b[31mde alive\n")
        self.assertEqual(self.end(process), (0, ""))

    def test_tail_goes_on_when_the_daemon_comes_back_and_says_what_is_missing(self) -> None:
        process = self.start("tail")
        self.daemon.wait_for_stats(lambda stats: stats["connected_clients"] == 1)
        port = self.daemon.http_port
        self.daemon.kill()
        self.daemon = Daemon("--port", str(port))
        self.addCleanup(self.daemon.kill)
        self.assertEqual(self.line(process), "-- missing: nobody knows how much (restart)\n")
        status, said = self.end(process)
        self.assertEqual(status, 0)
        self.assertRegex(said, r"again in \d")

    def test_history_that_follows_may_begin_before_there_is_any(self) -> None:
        process = self.start("history", "--follow", "--from", "-1h")
        self.daemon.wait_for_stats(lambda stats: stats["connected_clients"] == 1)
        self.publish()
        self.assertIn("elected", self.line(process))
        self.assertEqual(self.end(process), (0, ""))

    def test_history_that_follows_has_no_seam(self) -> None:
        publisher = self.publish()
        process = self.start("history", "--follow", "--json", "--from", "-1h")
        heard = [json.loads(self.line(process))["ts"] for _ in range(3)]
        publisher.send([VizEvent(ts_ms=1_700_000_000_004, swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE))])
        heard.append(json.loads(self.line(process))["ts"])
        self.assertEqual([each % 10 for each in heard], [1, 2, 3, 4])
        self.assertEqual(self.end(process), (0, ""))


class Troubles(Case):
    """What it says when it can't."""

    def test_where_no_daemon_is(self) -> None:
        self.assertEqual(
            self.trouble("stats", "--url", "http://127.0.0.1:1"),
            "vizctl: no daemon at http://127.0.0.1:1: Connection refused",
        )
        for command in ("state", "history", "tail", "findings"):
            self.assertIn("no daemon at", self.trouble(command, VIZCTL_URL="http://127.0.0.1:1"))
        self.assertIn("http://HOST:PORT", self.trouble("stats", "--url", "localhost"))

    def test_options_that_are_wrong(self) -> None:
        for arguments, said in (
            (("history", "--from", "yesterday"), "2026-01-31T12:00:00Z, now, or -5m"),
            (("state", "--types", "walrus"), "Compaction"),
            (("tail", "--nodes", "one"), "numbers with commas"),
            (("history", "--follow", "--limit", "3"), "--follow"),
            (("look",), "look"),
            (("stats", "--colour"), "--colour"),
        ):
            self.assertIn(said, self.trouble(*arguments, status=2))

    def test_whoever_reads_no_more_ends_it_without_a_word(self) -> None:
        publisher = self.publish()
        for _ in range(20):
            publisher.send([VizEvent(wal=WalEvt(node=1, seg=1, fsync=WalEvt.Fsync(ms=1)))] * 1_000)
        publisher.wait_stored()
        script = f'"{VIZCTL}" --url {self.url} history | head -n 1; echo "${{PIPESTATUS[0]}}"'
        done = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, timeout=TIMEOUT_S, env=environment(), check=False
        )
        self.assertEqual((done.stdout.splitlines()[1:], done.stderr), (["141"], ""))

    def test_a_disk_that_is_full(self) -> None:
        self.publish()
        script = f'"{VIZCTL}" --url {self.url} stats --json > /dev/full'
        done = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, timeout=TIMEOUT_S, env=environment(), check=False
        )
        self.assertEqual((done.returncode, done.stderr), (1, "vizctl: standard output: No space left on device\n"))

    def test_simulate_is_the_simulator_under_another_name(self) -> None:
        target = f"127.0.0.1:{self.daemon.grpc_port}"
        done = self.vizctl("--json", "simulate", "--grpc", target, "--seconds", "1", "--nodes", "2", "--rate", "100")
        self.assertGreater(json.loads(done.stdout)["acked"], 0)
        self.assertIn("node-crash", self.vizctl("simulate", "--help").stdout)
        self.assertIn("vizctl simulate: ", self.vizctl("simulate", "--nodes", "0", status=2).stderr)
        process = self.start("simulate", "--grpc", target, "--nodes", "2")
        self.daemon.wait_for_stats(lambda stats: stats["connected_publishers"] == 2)
        self.assertEqual(self.end(process)[0], 0)


class Doors(Case):
    """A daemon that asks for a token."""

    def setUp(self) -> None:
        self.tokens = Path(self.mktemp()).absolute()
        self.tokens.write_text("secret-one\n")
        self.options = ("--token-file", str(self.tokens))
        super().setUp()

    def test_a_token_comes_from_a_file_before_or_after_the_command_or_from_the_environment(self) -> None:
        for said in (("--token-file", str(self.tokens), "stats"), ("stats", "--token-file", str(self.tokens))):
            self.assertIn("version", self.ask(*said))
        self.assertIn("version", self.ask("stats", VIZCTL_TOKEN_FILE=str(self.tokens)))

    def test_without_the_right_one_it_says_so(self) -> None:
        wrong = Path(self.mktemp())
        wrong.write_text("secret-two\n")
        for arguments in ((), ("--token-file", str(wrong))):
            for command in ("stats", "tail"):
                line = self.trouble("--url", self.url, command, *arguments)
                self.assertIn("401", line)
                self.assertNotIn("secret", line)
        self.assertIn("absent", self.trouble("--url", self.url, "stats", "--token-file", "absent"))


class Terminals(Case):
    """What people see."""

    def in_terminal(self, columns: int, *arguments: str, **extra: str) -> str:
        """All that a terminal of this width gets."""
        far, near = pty.openpty()
        process = subprocess.Popen(
            [VIZCTL, "--url", self.url, *arguments], stdin=near, stdout=near, stderr=near, close_fds=True,
            env=environment(TERM="xterm-256color", COLUMNS=str(columns), **extra),
        )  # fmt: skip
        os.close(near)
        heard = b""
        try:
            while piece := os.read(far, 1 << 16):
                heard += piece
        except OSError:  # So ends a terminal whose other end has gone.
            pass
        os.close(far)
        self.assertEqual(process.wait(TIMEOUT_S), 0)
        return heard.decode()

    def test_colours_are_for_terminals_that_want_them(self) -> None:
        self.publish()
        self.assertIn("\x1b[33m", self.in_terminal(120, "history"))
        self.assertNotIn("\x1b", self.ask("history"))
        for options, extra in ((("--no-color",), {}), ((), {"NO_COLOR": "1"})):
            self.assertNotIn("\x1b[3", self.in_terminal(120, "history", *options, **extra))
            self.assertNotIn("\x1b[3", self.in_terminal(120, "stats", *options, **extra))

    def test_twenty_columns_are_enough(self) -> None:
        self.publish()
        lines = self.in_terminal(20, "stats", NO_COLOR="1").splitlines()
        self.assertLessEqual(max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines), 20)
        self.assertIn("22:13:20 s7 ", self.in_terminal(20, "history", NO_COLOR="1"))


class Completion(SynchronousTestCase):
    """Of a shell."""

    def complete(self, *words: str) -> list[str]:
        variables = {
            "_VIZCTL_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(("vizctl", *words)),
            "COMP_CWORD": str(len(words)),
        }
        done = subprocess.run(
            [VIZCTL], capture_output=True, text=True, timeout=60, env=environment(**variables), check=False
        )
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    def test_commands_and_types(self) -> None:
        self.assertEqual(self.complete("st"), ["state", "stats"])
        self.assertEqual(self.complete("tail", "--types", "raft,s"), ["raft,swim", "raft,shard", "raft,slotheat"])


class Incidents(Case):
    """``export`` and ``replay``."""

    def exported(self) -> Path:
        self.publish()
        file = Path(self.mktemp())
        self.ask("export", str(file))
        return file

    def test_out_of_one_daemon_and_into_another(self) -> None:
        file = self.exported()
        [said] = self.items("export", str(file), "--force")
        self.assertEqual((said["events"], said["bytes"]), (3, file.stat().st_size))
        other = Daemon()
        self.addCleanup(other.kill)
        target = f"127.0.0.1:{other.grpc_port}"
        done = self.vizctl("replay", str(file), "--grpc", target, "--speed", "max", "--keep-times", "--json")
        said = json.loads(done.stdout)
        self.assertEqual((said["events"], said["stored"], said["damage"]), (3, True, []))
        theirs = self.vizctl("history", "--url", f"http://127.0.0.1:{other.http_port}").stdout
        self.assertEqual(theirs, self.ask("history"))

    def test_a_file_that_is_there_is_not_replaced_unasked(self) -> None:
        file = self.exported()
        content = file.read_bytes()
        self.assertIn("--force", self.trouble("--url", self.url, "export", str(file)))
        self.assertEqual(file.read_bytes(), content)

    def test_what_can_t_be_exported_leaves_nothing_behind(self) -> None:
        file = Path(self.mktemp())
        self.assertIn("nothing happened", self.trouble("--url", self.url, "export", str(file)))
        self.publish()
        self.assertIn("nothing happened", self.trouble("--url", self.url, "export", str(file), "--to", "1000"))
        self.assertIn("No such file", self.trouble("--url", self.url, "export", str(file / "absent" / "x")))
        self.assertEqual([each.name for each in file.parent.glob(f"{file.name}*")], [])

    def test_an_export_larger_than_there_is_room_for(self) -> None:
        publisher = self.publish()
        for number in range(30):
            publisher.send(
                [VizEvent(wal=WalEvt(node=1, seg=number * 7_919**2 + each * 104_729, fsync=WalEvt.Fsync(ms=each)))
                 for each in range(2_000)]
            )  # fmt: skip
        publisher.wait_stored()
        file = Path(self.mktemp()).absolute()
        script = f'ulimit -f 64; exec "{VIZCTL}" --url {self.url} export {file}'
        done = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, timeout=TIMEOUT_S, env=environment(), check=False
        )
        self.assertEqual(done.returncode, 1, done.stderr)
        [line] = done.stderr.splitlines()
        self.assertRegex(line, r"can't be written: File too large; it had come to 20\d\d-.*, and is gone")
        self.assertEqual(list(file.parent.glob(f"{file.name}*")), [])

    def test_what_is_cut_off_is_played_as_far_as_it_is_whole_and_said_to_be(self) -> None:
        file = self.exported()
        file.write_bytes(file.read_bytes()[:-40])
        done = self.vizctl("replay", str(file), "--grpc", f"127.0.0.1:{self.daemon.grpc_port}", status=1)
        self.assertIn("3 events in", done.stderr)
        self.assertIn("the end is missing", done.stderr)

    def test_what_can_t_be_replayed(self) -> None:
        file = self.exported()
        other = Path(self.mktemp())
        other.write_text("something else\n")
        self.assertIn("not an incident", self.trouble("replay", str(other), "--grpc", "127.0.0.1:1"))
        self.assertIn("No such file", self.trouble("replay", "absent", "--grpc", "127.0.0.1:1"))
        self.assertIn("no daemon at 127.0.0.1:1", self.trouble("replay", str(file), "--grpc", "127.0.0.1:1"))
        for wrong in ("0", "61", "fast"):
            self.assertIn("max", self.trouble("replay", str(file), "--grpc", "x:1", "--speed", wrong, status=2))

    def test_ctrl_c_ends_a_replay(self) -> None:
        publisher = self.publish()
        first_ms = self.daemon.get("/api/stats")[1]["oldest_event_ms"]
        self.daemon.wait_for_stats(lambda stats: stats["uptime_ms"] > 4_000)
        publisher.send([VizEvent(swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE))])
        publisher.wait_stored()
        file = Path(self.mktemp())
        self.ask("export", str(file), "--from", str(first_ms))
        other = Daemon()
        self.addCleanup(other.kill)
        process = self.start("replay", str(file), "--grpc", f"127.0.0.1:{other.grpc_port}", "--speed", "0.1")
        other.wait_for_stats(lambda stats: stats["total_events_received"] == 3)
        self.assertEqual(self.end(process)[0], 130)
