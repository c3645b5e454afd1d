"""Real processes and what ``/proc`` says of them: the daemon, started as a user starts it, and the cluster."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["Daemon", "busy_cpu_s", "cpu_s", "rss_bytes", "rss_peak_bytes"]

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 30.0
REQUEST_TIMEOUT_S = 30.0
_LISTENING = re.compile(r"listening: http://\S+:(\d+) and gRPC on \S+:(\d+)")
_COMPLAINT = re.compile(r"Traceback|^\S+Z (error|critical) +(?!findings )|Unhandled")
"""What is wrong in the cluster is told at these levels, too, and is no complaint of the daemon about itself."""

_RUN_TWISTD = "from twisted.scripts.twistd import run; run()"
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_CPUCLOCK_SCHED = 2
"""With a process's number it makes the id of that process's CPU clock, as clock_getcpuclockid(3) does."""


def cpu_s(pid: int) -> float:
    """What the process and all its threads have used so far, to the nanosecond; 0 if it is gone."""
    try:
        return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)
    except OSError:
        return 0.0


def busy_cpu_s() -> float:
    """What all processes of the machine have used so far."""
    user, nice, system, _idle, _wait, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / _TICKS_PER_S


def rss_bytes(pid: int) -> int:
    """Resident memory now."""
    return _status(pid, "VmRSS")


def rss_peak_bytes(pid: int) -> int:
    """The most that it ever was, as the kernel saw it: between two samples too."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/{pid}/status has no {name}")


class Daemon:
    """``twistd vizd`` as a process of its own, on ports that are free.

    :ivar pid: of the process. :ivar http_port: as it logged. :ivar grpc_port: as it logged.
    """

    def __init__(self, directory: Path, *options: str, before: str = "") -> None:
        """Returns when it listens.

        :param directory: to run in; its log is kept there. :param options: of the daemon, such as ``--buffer-mb=64``.
        :param before: Python that its process runs first.
        :raises RuntimeError: it did not start.
        """
        self._log = directory / "daemon.log"
        start = [_twistd()] if not before else [sys.executable, "-c", f"{before}\n{_RUN_TWISTD}"]
        command = [*start, "--nodaemon", "--pidfile=", "vizd", "--port=0", "--grpc-port=0", "--interface=127.0.0.1"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([*command, *options], cwd=directory, stdout=log, stderr=log)
        self.pid = self._process.pid
        self.http_port, self.grpc_port = self._ports()

    def _ports(self) -> tuple[int, int]:
        give_up_s = time.monotonic() + START_TIMEOUT_S
        while self._process.poll() is None and time.monotonic() < give_up_s:
            found = _LISTENING.search(self._log.read_text())
            if found:
                return int(found[1]), int(found[2])
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"the daemon did not start:\n{self._log.read_text()[-2000:]}")

    def get(self, path: str) -> bytes:
        """The body of a GET.

        :raises RuntimeError: the answer is not a 200.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=REQUEST_TIMEOUT_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status} {body[:200]!r}")
        return body

    def stats(self) -> dict[str, Any]:
        """``/api/stats``."""
        answer: dict[str, Any] = json.loads(self.get("/api/stats"))
        return answer

    @property
    def complaints(self) -> list[str]:
        """Lines of its log that tell of an error."""
        return [line for line in self.lines if _COMPLAINT.search(line)]

    @property
    def lines(self) -> list[str]:
        """Of its log, so far."""
        return self._log.read_text().splitlines()

    def stop(self) -> int:
        """SIGTERM, and wait for the drain; the exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        """If it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _twistd() -> str:
    """The one that belongs to this interpreter."""
    beside = Path(sys.executable).with_name("twistd")
    found = str(beside) if beside.exists() else shutil.which("twistd")
    if found is None:
        raise RuntimeError("there is no twistd: install norikv-vizd into this environment")
    return found
