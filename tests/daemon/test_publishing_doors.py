"""A daemon with tokens and TLS on its gRPC port, as a user starts it, and who gets in."""

import json
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import grpc
from twisted.trial.unittest import SynchronousTestCase

from tests.access.authority import Authority
from tests.channels import let_go
from tests.daemon.process import TIMEOUT_S, Daemon, environment, run_to_end
from vizd.client.credentials import tls_credentials

VIEWING, PUBLISHING = "viewing-token-0123456789", "publishing-token-0123456789"


class Doors(SynchronousTestCase):
    def setUp(self) -> None:
        self.place = Path(self.mktemp()).absolute()
        self.authority = Authority(self.place, "daemons")
        cert, key = self.authority.signed("vizd.example", "127.0.0.1")
        self.viewing = self.file("viewing", VIEWING)
        self.publishing = self.file("publishing", PUBLISHING)
        self.options = (
            *("--interface", "127.0.0.1", "--tls-cert", str(cert), "--tls-key", str(key)),
            *("--token-file", str(self.viewing), "--publish-token-file", str(self.publishing)),
        )

    def file(self, name: str, text: str) -> Path:
        path = self.place / name
        path.write_text(text)
        return path

    def daemon(self, *options: str) -> Daemon:
        daemon = Daemon(*self.options, *options)
        self.addCleanup(daemon.kill)
        return daemon

    def stats(self, daemon: Daemon) -> dict[str, Any]:
        request = urllib.request.Request(
            f"https://127.0.0.1:{daemon.http_port}/api/stats", headers={"Authorization": f"Bearer {VIEWING}"}
        )
        context = ssl.create_default_context(cafile=str(self.authority.path))
        with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=context) as answer:
            stats: dict[str, Any] = json.load(answer)
        return stats

    def simulate(self, daemon: Daemon, token_file: Path, *more: str) -> "subprocess.CompletedProcess[str]":
        options = ("--grpc", f"127.0.0.1:{daemon.grpc_port}", "--token-file", str(token_file), "--seconds", "1.5")
        return subprocess.run(
            [sys.executable, "-m", "vizd.sim", *options, "--tls-ca", str(self.authority.path), "--nodes", "3", *more],
            env=environment(), capture_output=True, text=True, timeout=3 * TIMEOUT_S, check=False,
        )  # fmt: skip

    def test_a_viewer_s_token_does_not_publish_and_a_publisher_s_does(self) -> None:
        daemon = self.daemon()
        self.assertEqual(self.simulate(daemon, self.publishing).returncode, 0)
        refused = self.simulate(daemon, self.viewing)
        self.assertEqual(refused.returncode, 1)
        self.assertNotIn(VIEWING, refused.stdout + refused.stderr)
        daemon.wait_for(r"gRPC calls were refused since this was last said \(grpc_token \d+\); the last one of 127")
        stats = self.stats(daemon)
        self.assertGreaterEqual(stats["refusals"]["grpc_token"], 3)
        self.assertGreater(stats["total_events_received"], 0)
        for token in (VIEWING, PUBLISHING):
            self.assertNotIn(token, "\n".join(daemon.lines))

    def test_handshakes_that_fail_leave_no_line(self) -> None:
        daemon = self.daemon()
        stranger = tls_credentials(Authority(self.place, "a stranger").path)
        for credentials in (stranger, None):
            channel = (
                grpc.secure_channel(f"127.0.0.1:{daemon.grpc_port}", credentials)
                if credentials
                else grpc.insecure_channel(f"127.0.0.1:{daemon.grpc_port}")
            )
            self.addCleanup(let_go, channel)
            with self.assertRaises(grpc.RpcError) as raised:
                channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=TIMEOUT_S)
            self.assertIs(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(daemon.end(), 0)
        self.assertEqual([line for line in daemon.lines if "andshake" in line], [])

    def test_the_demo_comes_in_through_the_same_door(self) -> None:
        self.daemon("--demo").wait_for(r"5 of 5 simulated nodes are connected")

    def test_the_demo_has_no_certificate_to_bring(self) -> None:
        options = (*self.options, "--tls-client-ca", str(self.authority.path))
        ended = run_to_end(*options, "--demo")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("--demo", ended.stderr)
        self.assertIn("--tls-client-ca", ended.stderr)
