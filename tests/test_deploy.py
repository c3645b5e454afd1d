"""What is deployed fits what is deployed: the units and the recipe of the container, against the daemon itself."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vizd.config import OPTIONS
from vizd.readiness import SIGNS_PER_WATCHDOG
from vizd.service import DRAIN_TIMEOUT_S
from vizd.status import MAX_LATE_S

DEPLOY = Path(__file__).parents[1] / "deploy"
EXPOSURE_TENTHS = 15
"""At most, of 100: as systemd-analyze counts."""


def analyze(*arguments: str | Path) -> tuple[int, str]:
    """Exit status and all output of systemd-analyze."""
    done = subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


class Unit(SynchronousTestCase):
    """Under systemd."""

    def setUp(self) -> None:
        place = Path(self.enterContext(tempfile.TemporaryDirectory()))
        # Installed elsewhere it can't be verified here: the program has to exist.
        self.text = (DEPLOY / "norikv-vizd.service").read_text()
        self.unit = place / "norikv-vizd.service"
        self.unit.write_text(self.text.replace("/opt/norikv-vizd/bin/twistd", sys.executable))
        drop_in = place / "norikv-vizd.service.d" / "access.conf"
        drop_in.parent.mkdir()
        shutil.copy(DEPLOY / "access.conf", drop_in)

    def seconds(self, name: str) -> int:
        found = re.findall(rf"^{name}=(\d+)$", self.text, re.MULTILINE)
        self.assertEqual(len(found), 1, name)
        return int(found[0])

    def test_systemd_understands_all_of_it(self) -> None:
        self.assertNotIn("/opt/norikv-vizd/bin/twistd", self.unit.read_text())
        self.assertEqual(analyze("verify", self.unit), (0, ""))

    def test_a_directive_that_systemd_does_not_know_would_be_seen(self) -> None:
        self.unit.write_text(self.unit.read_text().replace("PrivateTmp=", "PrivateTemp="))
        self.assertIn("PrivateTemp", analyze("verify", self.unit)[1])

    def test_what_is_left_open_is_little(self) -> None:
        status, said = analyze("security", "--offline=true", f"--threshold={EXPOSURE_TENTHS}", self.unit)
        self.assertEqual(status, 0, said[-2_000:])

    def test_its_times_leave_room_for_a_drain_and_for_a_late_tick(self) -> None:
        self.assertGreater(self.seconds("TimeoutStopSec"), DRAIN_TIMEOUT_S)
        watchdog_s = self.seconds("WatchdogSec")
        self.assertGreater(watchdog_s - watchdog_s / SIGNS_PER_WATCHDOG, MAX_LATE_S)

    def test_every_credential_is_given_to_an_option_and_every_variable_is_one(self) -> None:
        access = (DEPLOY / "access.conf").read_text()
        given = dict(re.findall(r"(VIZD_\w+)=%d/(\S+)", access))
        self.assertEqual(sorted(given.values()), sorted(re.findall(r"^LoadCredential=([^:]+):", access, re.MULTILINE)))
        self.assertLessEqual(set(given), {option.variable for option in OPTIONS})


class Container(SynchronousTestCase):
    """The recipe, as far as it can be read."""

    def setUp(self) -> None:
        text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
        self.lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]

    def values(self, word: str) -> list[str]:
        return [each[1] for each in self.lines if each[0] == word]

    def test_what_runs_is_not_root_and_ends_with_a_drain(self) -> None:
        self.assertEqual(len(self.values("FROM")), 2)
        [user] = self.values("USER")
        self.assertGreater(int(user.split(":")[0]), 0)
        self.assertEqual(self.values("STOPSIGNAL"), ["SIGTERM"])

    def test_its_variables_and_ports_are_those_of_the_options(self) -> None:
        variables = {name for each in self.values("ENV") for name in re.findall(r"\b(VIZD_\w+)=", each)}
        self.assertIn("VIZD_INTERFACE", variables)
        self.assertLessEqual(variables, {option.variable for option in OPTIONS})
        ports = [option.default for option in OPTIONS if option.name in ("port", "grpc-port")]
        self.assertEqual(" ".join(self.values("EXPOSE")).split(), ports)

    def test_its_health_check_is_python_that_compiles(self) -> None:
        [check] = self.values("HEALTHCHECK")
        [program] = re.findall(r'"-c", "(.+)"\]', check)
        compile(program, "HEALTHCHECK", "exec")
