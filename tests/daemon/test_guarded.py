"""Checking, starting and stopping with everything that guards the doors: tokens, TLS, certificates of nodes."""

import json
import signal
import ssl
import threading
from pathlib import Path
from typing import Any

import grpc
from twisted.trial.unittest import SynchronousTestCase
from websockets.sync.client import connect

from tests.access.authority import Authority
from tests.channels import let_go
from tests.daemon.process import TIMEOUT_S, Daemon, close_of, run_to_end
from tests.events.build import event_of
from tests.stream.made import said
from vizd.config import OPTIONS
from vizd.service import DRAIN_TIMEOUT_S
from vizd.wire.vizd_pb2 import Events, Hello, PublishRequest, PublishResponse

TOKENS = {"token": "a-token-of-a-viewer", "publish-token": "a-token-of-a-node"}


class GuardedTests(SynchronousTestCase):
    """One with all of it."""

    def setUp(self) -> None:
        place = Path(self.mktemp()).absolute()
        self.authority = Authority(place)
        cert, key = self.authority.signed("localhost", "127.0.0.1")
        self.node_cert, self.node_key = self.authority.signed("one")
        self.options = {"tls-cert": str(cert), "tls-key": str(key), "tls-client-ca": str(self.authority.path)}
        for name, token in TOKENS.items():
            file = place / name
            file.write_text(token + "\n")
            self.options[f"{name}-file"] = str(file)

    def arguments(self) -> list[str]:
        return [text for name, value in self.options.items() for text in (f"--{name}", value)]

    def test_check_takes_every_option_at_once_and_starts_nothing(self) -> None:
        thresholds = Path(self.options["token-file"]).with_name("thresholds")
        thresholds.write_text("{}")
        given = {option.name: option.default for option in OPTIONS if option.default is not None} | self.options
        given |= {
            "interface": "0.0.0.0", "grpc-interface": "::1", "allowed-origins": "https://a.example",
            "allowed-hosts": "a.example", "insight-config": str(thresholds), "log-format": "json",
            "data-dir": "no-such-directory",
        }  # fmt: skip
        # What plays a file has no certificate to bring for a client CA.
        self.assertEqual(set(given), {option.name for option in OPTIONS} - {"demo-file"})
        ended = run_to_end("--check", *(text for name, value in given.items() for text in (f"--{name}", value)))
        self.assertEqual((ended.returncode, ended.stdout), (0, "vizd: the configuration is valid\n"), ended.stderr)

    def test_sigterm_drains_encrypted_clients_and_publishers_in_time(self) -> None:
        daemon = Daemon("--coalesce-ms", "10", *self.arguments())
        self.addCleanup(daemon.kill)
        trusting = ssl.create_default_context(cafile=str(self.authority.path))
        url = f"wss://localhost:{daemon.http_port}/ws/events?json=true&state=false"
        bearer = {"Authorization": f"Bearer {TOKENS['token']}"}
        with connect(url, ssl=trusting, additional_headers=bearer, open_timeout=TIMEOUT_S) as ws:
            self.assertEqual(json.loads(ws.recv(TIMEOUT_S))["type"], "connected")
            responses = self.publish(daemon.grpc_port, 100)
            self.assertEqual(next(responses).WhichOneof("message"), "welcome")
            self.assertTrue(any(each.ack.stored_through == 100 for each in responses))
            daemon.process.send_signal(signal.SIGTERM)
            messages, code, _ = close_of(ws)
        self.assertEqual(daemon.process.wait(DRAIN_TIMEOUT_S), 0)
        self.assertEqual(code, 1001)
        self.assertEqual(sum(len(each["data"]["events"]) for each in messages if each["type"] == "batch"), 100)
        with self.assertRaises(grpc.RpcError) as raised:
            list(responses)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
        daemon.wait()
        self.assertEqual([line for line in daemon.lines if "Traceback" in line or "Unhandled" in line], [])
        self.assertEqual([line for line in daemon.lines for token in TOKENS.values() if token in line], [])

    def publish(self, port: int, count: int) -> Any:
        """What the daemon says to a node that has sent so many events and stays."""
        credentials = grpc.ssl_channel_credentials(
            self.authority.path.read_bytes(), self.node_key.read_bytes(), self.node_cert.read_bytes()
        )
        channel = grpc.secure_channel(f"localhost:{port}", credentials)
        self.addCleanup(let_go, channel)
        done = threading.Event()
        self.addCleanup(done.set)
        events = [event_of(said("Wal.Fsync", ts=1, node=1, ms=number)) for number in range(count)]

        def requests() -> Any:
            yield PublishRequest(hello=Hello(node=1, node_name="one", incarnation=99, next_seq=1))
            yield PublishRequest(events=Events(first_seq=1, events=events))
            done.wait(TIMEOUT_S)  # Its end would be the stream's.

        publish = channel.stream_stream(
            "/norikv.viz.v1.VizIngestService/Publish",
            request_serializer=PublishRequest.SerializeToString,
            response_deserializer=PublishResponse.FromString,
        )
        metadata = (("authorization", f"Bearer {TOKENS['publish-token']}"),)
        return iter(publish(requests(), timeout=60, metadata=metadata))
