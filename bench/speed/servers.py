"""What is measured, and what it is measured beside: servers as processes of their own, on the server's core."""

import selectors
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.daemon import Daemon, cpu_s
from bench.speed.cores import SERVER, on

__all__ = ["Server", "Unavailable", "daemon", "node_reference", "reference"]

START_TIMEOUT_S = 20.0
NPM_TIMEOUT_S = 60.0
_WS = Path(__file__).parent / "references" / "ws"


class Unavailable(Exception):
    """A peer can't be had on this machine: why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A process that listens.

    :ivar query: of ``/ws/events``, for its clients.
    """

    name: str
    pid: int
    port: int
    query: str = ""

    @property
    def cpu_s(self) -> float:
        """What it has used so far."""
        return cpu_s(self.pid)


@contextmanager
def daemon(directory: Path, *options: str, before: str = "") -> Iterator[Daemon]:
    """The real one, pinned to its core; see ``bench.daemon.Daemon``."""
    with on(SERVER):
        running = Daemon(directory, *options, before=before)
    try:
        yield running
    finally:
        running.kill()


@contextmanager
def reference(module: str, name: str, *arguments: str) -> Iterator[Server]:
    """One of ``bench.speed.references``.

    :raises Unavailable: it did not start; with its last words.
    """
    with _started(name, [sys.executable, "-m", f"bench.speed.references.{module}", *arguments]) as server:
        yield server


@contextmanager
def node_reference(name: str, *arguments: str) -> Iterator[Server]:
    """``ws`` under node, installed for this run by npm.

    :raises Unavailable: there is no node, no npm or no network.
    """
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise Unavailable("there is no node with npm on this machine")
    with TemporaryDirectory(prefix="vizd-ws-") as directory:
        shutil.copytree(_WS, directory, dirs_exist_ok=True)
        try:
            subprocess.run(
                [npm, "install", "--no-audit", "--no-fund", "--silent"],
                cwd=directory, check=True, capture_output=True, timeout=NPM_TIMEOUT_S,
            )  # fmt: skip
        except subprocess.SubprocessError as why:
            raise Unavailable(f"npm could not install ws: {why}") from None
        with _started(name, [node, str(Path(directory) / "server.mjs"), *arguments]) as server:
            yield server


@contextmanager
def _started(name: str, command: list[str]) -> Iterator[Server]:
    with on(SERVER):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield Server(name, process.pid, _port(process))
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _port(process: "subprocess.Popen[bytes]") -> int:
    assert process.stdout is not None and process.stderr is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        is_there = selector.select(START_TIMEOUT_S)
    line = process.stdout.readline() if is_there else b""
    if not line.startswith(b"port "):
        process.kill()
        words = process.stderr.read().decode().strip().splitlines()
        raise Unavailable(words[-1] if words else f"it did not listen within {START_TIMEOUT_S:g} s")
    return int(line.split()[1])
