"""The lines that a daemon writes, of which its users read every one."""

import http.client
import json
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import grpc
from twisted.trial.unittest import SynchronousTestCase
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.channels import let_go
from tests.daemon.process import TIMEOUT_S, TWISTD, Daemon, environment, hear, run_to_end
from tests.events.build import event_of
from tests.stream.made import said

_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warn|error|critical) +(\S+) +\S.*")
SECRET = "s3cr3tT0kenThatNobodyMaySee"
TOKEN = "theRealTokenOfThisDaemon"


class JournalCase(SynchronousTestCase):
    def start(self, *options: str) -> Daemon:
        daemon = Daemon(*options)
        self.addCleanup(daemon.kill)
        return daemon

    def live(self, daemon: Daemon) -> None:
        """A dashboard and a node come and go, and something is wrong in the cluster."""
        with daemon.watch() as ws:
            hear(ws)
            node = daemon.publisher(7, "node-seven")
            node.send([event_of(said("Swim.Confirm", ts=1, node=2))])
            node.wait_stored()
            node.close()
            daemon.wait_for("node-seven.* has gone")
        daemon.wait_for("after .* batches of json")


class TextTests(JournalCase):
    def test_an_ordinary_life_has_a_line_for_each_thing_and_no_other(self) -> None:
        daemon = self.start()
        self.live(daemon)
        self.assertEqual(daemon.end(), 0)
        lines = daemon.lines[:-1]
        for line in lines:
            self.assertTrue(_LINE.fullmatch(line), line)
        wanted = (
            r"info  service   listening: http://\S+:\d+ and gRPC on \S+:\d+",
            r"critical findings  node-dead: .*",
            r"info  publish   node-seven \(node 7, ipv4:127\.0\.0\.1:\d+\) has gone after 1 events of this process: .*",
            r"info  dashboard \S+ has gone after 1 batches of json: 1000 ",
            r"info  service   draining: 0 dashboards, 0 nodes",
            r"info  service   stopped",
        )
        for pattern in wanted:
            self.assertEqual(len([each for each in lines if re.search(f"{pattern}$", each)]), 1, (pattern, lines))
        self.assertEqual(len(lines), len(wanted), lines)

    def test_the_level_is_the_least_that_is_written(self) -> None:
        self.assertIn("use debug, info, warn or error", run_to_end("--log-level", "loud").stderr)
        daemon = self.start("--log-level", "debug")
        self.live(daemon)
        self.assertEqual(daemon.end(), 0)
        self.assertEqual([each for each in daemon.lines[:-1] if not _LINE.fullmatch(each)], [])

    def test_a_client_that_breaks_the_protocol_has_one_line_too(self) -> None:
        daemon = self.start()
        with daemon.watch() as ws:
            hear(ws)
            ws.socket.sendall(b"\xf1\x80\0\0\0\0")  # Its reserved bits are set.
            daemon.wait_for(r"info  dashboard .* has gone after 0 batches of json: 1002")
        self.assertEqual(daemon.end(), 0)
        self.assertEqual(
            [each.split()[2] for each in daemon.lines[:-1]], ["service", "dashboard", "service", "service"]
        )

    def test_warn_leaves_what_is_wrong(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        path = Path(place.name) / "vizd.log"
        command = [
            *TWISTD,
            f"--logfile={path}",
            "vizd",
            "--port=0",
            "--grpc-port=0",
            "--log-level=warn",
            "--interface=::",
        ]
        process = subprocess.Popen(command, cwd=place.name, env=environment(), stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        give_up_s = time.monotonic() + TIMEOUT_S
        while not (path.exists() and path.read_text()):
            self.assertLess(time.monotonic(), give_up_s)
            self.assertIsNone(process.poll())
            time.sleep(0.02)
        process.terminate()
        self.assertEqual(process.wait(TIMEOUT_S), 0)
        [line] = path.read_text().splitlines()
        self.assertRegex(line, r"^\S+Z warn  service   .*neither a token nor TLS")
        self.assertEqual(process.stdout.read(), "")


class JsonTests(JournalCase):
    def test_each_line_is_an_object(self) -> None:
        daemon = self.start("--log-format", "json")
        self.live(daemon)
        self.assertEqual(daemon.end(), 0)
        objects = [json.loads(line) for line in daemon.lines[:-1]]
        for each in objects:
            self.assertLessEqual({"time", "level", "source", "message"}, set(each))
        [finding] = [each for each in objects if each["source"] == "findings"]
        self.assertEqual((finding["level"], finding["fields"]["rule"]), ("critical", "node-dead"))
        [gone] = [each for each in objects if each["source"] == "publish"]
        self.assertEqual((gone["fields"]["name"], gone["fields"]["events"]), ("node-seven", 1))


class SecretTests(JournalCase):
    def test_no_token_is_in_any_line_wherever_a_client_puts_it_and_at_any_level(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        tokens = Path(place.name) / "tokens"
        tokens.write_text(f"{TOKEN}\n")
        for form in ("text", "json"):
            daemon = self.start("--token-file", str(tokens), "--log-level", "debug", "--log-format", form)
            self.bring(daemon, SECRET)
            self.bring(daemon, TOKEN)
            daemon.process.send_signal(signal.SIGTERM)
            daemon.wait()
            written = "\n".join(daemon.lines)
            self.assertGreater(len(daemon.lines), 3)
            self.assertNotIn(SECRET, written)
            self.assertNotIn(TOKEN, written)

    def bring(self, daemon: Daemon, token: str) -> None:
        """Everything that a client could do with a token, rightly or wrongly."""
        where = f"127.0.0.1:{daemon.http_port}"
        for target, headers in (
            ("/api/stats", {"Authorization": f"Bearer {token}"}),
            ("/api/stats", {"Authorization": token}),
            ("/api/stats", {"User-Agent": token, "Referer": f"http://x/?token={token}", "Cookie": f"token={token}"}),
            ("/api/stats", {"Host": token}),
            ("/api/stats", {"Origin": f"http://{token}.example"}),
            (f"/api/history?token={token}&from={token}", {"Authorization": f"Bearer {token}"}),
            (f"/{token}", {}),
        ):
            connection = http.client.HTTPConnection("127.0.0.1", daemon.http_port, timeout=TIMEOUT_S)
            connection.request("GET", target, headers=headers)
            connection.getresponse().read()
            connection.close()
        for query, headers, protocols in (
            ("", {"Authorization": f"Bearer {token}"}, []),
            ("", {}, ["norikv.viz.v1", f"bearer.{token}"]),
            (f"?token={token}", {}, []),
            (f"?json=true&position={token}", {"Authorization": f"Bearer {token}"}, [token]),
        ):
            try:
                with connect(
                    f"ws://{where}/ws/events{query}", additional_headers=headers, subprotocols=protocols
                ) as ws:
                    ws.send(token)
                    hear(ws)
                    ws.close(1000, token)
            except InvalidStatus:
                pass  # As it should be of a wrong one.
        with socket.create_connection(("127.0.0.1", daemon.http_port), TIMEOUT_S) as raw:
            raw.sendall(f"GET / {token}\r\n{token}\r\n\r\n".encode())
            raw.recv(1_000)
        channel = grpc.insecure_channel(f"127.0.0.1:{daemon.grpc_port}")
        publish = channel.stream_stream("/norikv.viz.v1.VizIngestService/Publish")
        for said_as in (("authorization", f"Bearer {token}"), ("authorization", token), ("user-agent", token)):
            with self.assertRaises(grpc.RpcError):
                list(publish(iter([token.encode()]), metadata=[said_as], timeout=TIMEOUT_S))
        let_go(channel)


class ForgeryTests(JournalCase):
    def test_a_node_or_dashboard_can_not_forge_a_line(self) -> None:
        forged = "x\r\n2026-01-01T00:00:00.000Z info  service   all is well\x1b[2K"
        for form in ("text", "json"):
            daemon = self.start("--log-format", form)
            node = daemon.publisher(1, forged)
            node.close()
            daemon.wait_for("all is well.* has gone")
            with daemon.watch() as ws:
                hear(ws)
                ws.close(1000, forged)
            daemon.wait_for("batches of json: 1000")
            self.assertEqual(daemon.end(), 0)
            for line in daemon.lines[:-1]:
                self.assertTrue(line.isprintable(), line)
                if form == "json":
                    json.loads(line)
                else:
                    found = _LINE.fullmatch(line)
                    self.assertTrue(found and not (found[2] == "service" and "all is well" in line), line)
