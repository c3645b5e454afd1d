"""The simulated cluster as a process of its own, as a user starts it."""

import subprocess
import sys

from tests.daemon.process import TIMEOUT_S, environment

__all__ = ["Cluster"]


class Cluster:
    """``python -m vizd.sim``, always with the same seed; it runs until ``stop``."""

    def __init__(self, grpc_port: int, *options: str) -> None:
        """
        :param options: such as ``--scenario=node-crash``.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vizd.sim", f"--grpc=127.0.0.1:{grpc_port}", "--seed=1", *options],
            env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def stop(self) -> None:
        """At once: what it has not sent yet is of no interest."""
        self._process.kill()
        self._process.wait(TIMEOUT_S)
