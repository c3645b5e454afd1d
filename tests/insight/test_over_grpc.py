"""What goes wrong in how nodes publish, over real streams: ``/api/insight`` of a daemon shows it, and its end.

The stories are told faster than they are elsewhere, and the thresholds are lower, so that nobody waits.
"""

import http.client
import json
import logging
import time
from contextlib import closing
from dataclasses import replace
from typing import Any

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.insight.simulated import troubled_node
from tests.sim.hasty import HastyCluster
from vizd.config import Config
from vizd.ingest import publish
from vizd.insight.thresholds import Thresholds
from vizd.service import Vizd
from vizd.sim.runner import SimulationRunner

PATIENCE_S = 20.0
SILENT_AFTER_S = 0.5


class PublishingTests(TestCase):
    timeout = 3 * PATIENCE_S

    def setUp(self) -> None:
        self.patch(publish, "SILENT_AFTER_S", SILENT_AFTER_S)
        logging.getLogger("vizd.sim").addHandler(handler := logging.NullHandler())
        self.addCleanup(logging.getLogger("vizd.sim").removeHandler, handler)

    def daemon(self, thresholds: Thresholds) -> Vizd:
        config = Config.read({"port": "0", "grpc-port": "0", "interface": "127.0.0.1"}, {})
        daemon = Vizd(replace(config, insight_config=thresholds), reactor)
        daemon.startService()
        self.addCleanup(daemon.stopService)
        return daemon

    async def tell(self, scenario: str, rule: str, times: int, rate: int = 100, **limits: int) -> None:
        """A story, until the first finding of a rule was seen open, and then closed."""
        node = troubled_node(scenario, rate, HastyCluster.SEED)
        subject = {"node": node, "name": f"node-{node}"}
        daemon = self.daemon(Thresholds({rule: limits}))
        runner = SimulationRunner(HastyCluster(scenario, times, rate), f"127.0.0.1:{daemon.grpc_port}")
        runner.start()
        self.addCleanup(deferToThread, runner.stop, 0)
        opened = await deferToThread(self.wait_for, daemon.http_port, rule=rule, subject=subject, open=True)
        self.assertTrue(opened["positions"])
        closed = await deferToThread(self.wait_for, daemon.http_port, id=opened["id"], open=False)
        self.assertEqual((closed["rule"], closed["subject"]), (rule, subject))
        self.assertGreaterEqual(closed["last_ms"], opened["last_ms"])

    def wait_for(self, port: int, **fields: Any) -> dict[str, Any]:
        """The first finding that has these fields, once there is one."""
        give_up_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_s:
            findings = self.findings(port)
            for finding in findings:
                if fields.items() <= finding.items():
                    return finding
            time.sleep(0.05)  # Between two looks: nothing tells that there is something new.
        raise AssertionError(f"waited in vain for {fields}: {findings}")

    def findings(self, port: int) -> list[dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        with closing(connection):
            connection.request("GET", "/api/insight")
            said = json.loads(connection.getresponse().read())
        findings: list[dict[str, Any]] = said["findings"]
        return findings

    async def test_a_node_that_stands_still_is_silent_until_it_goes_on(self) -> None:
        await self.tell("silent-node", "node-silent", times=8, after_s=0)

    async def test_a_node_whose_buffer_overflows_is_lossy_for_a_while(self) -> None:
        await self.tell("lossy-node", "node-lossy", times=2, rate=500, quiet_s=1)

    async def test_two_processes_with_one_identity_are_told_until_there_is_one(self) -> None:
        await self.tell("twin", "two-processes", times=8, quiet_s=2)

    async def test_a_clock_is_wrong_until_it_is_set_right(self) -> None:
        await self.tell("clock-skew", "clock-skew", times=8, after_s=0)
