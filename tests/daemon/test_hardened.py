"""A daemon that may not make memory both writable and executable, as in systemd's unit, speaks TLS on both ports."""

import contextlib
import http.client
import json
import ssl
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import TestCase
from websockets.sync.client import connect

from tests.access.authority import Authority
from tests.daemon import without_executable_memory
from tests.daemon.process import TIMEOUT_S, Daemon, hear
from vizd.client.credentials import tls_credentials
from vizd.client.publisher import Publisher
from vizd.wire.vizd_pb2 import SWIM_KIND_ALIVE, SwimEvt, VizEvent

THROUGH = (sys.executable, without_executable_memory.__file__)


class HardenedTests(TestCase):
    """With certificates made here."""

    timeout = 60

    def test_such_memory_is_refused(self) -> None:
        """Else the next test would show nothing."""
        both = "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)"
        for through, status in (((), 0), (THROUGH, 1)):
            ran = subprocess.run([*through, sys.executable, "-c", both], capture_output=True, timeout=60, check=False)
            self.assertEqual(ran.returncode, status, ran.stderr)

    def test_https_websockets_and_grpc_are_served(self) -> None:
        authority = Authority(Path(self.mktemp()).absolute())
        cert, key = authority.signed("localhost", "127.0.0.1")
        daemon = Daemon("--tls-cert", str(cert), "--tls-key", str(key), through=THROUGH)
        self.addCleanup(daemon.kill)
        publisher = Publisher(f"localhost:{daemon.grpc_port}", 1, "node-1", credentials=tls_credentials(authority.path))
        publisher.start()
        publisher.emit(VizEvent(ts_ms=1, swim=SwimEvt(node=1, kind=SWIM_KIND_ALIVE)))
        self.assertTrue(publisher.close(TIMEOUT_S))
        context = ssl.create_default_context(cafile=str(authority.path))
        asking = http.client.HTTPSConnection("localhost", daemon.http_port, timeout=TIMEOUT_S, context=context)
        with contextlib.closing(asking):
            asking.request("GET", "/api/stats")
            self.assertEqual(json.loads(asking.getresponse().read())["total_events_received"], 1)
        address = f"wss://localhost:{daemon.http_port}/ws/events?json=true"
        with connect(address, ssl=context, open_timeout=TIMEOUT_S) as ws:
            self.assertEqual([hear(ws)["type"] for _ in range(2)], ["connected", "batch"])
        self.assertEqual(daemon.end(), 0)
        self.assertEqual([line for line in daemon.lines if "rror" in line or "Traceback" in line], [])
