"""On what it was measured, and with which versions: figures without them say nothing."""

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["machine", "versions"]

_PACKAGES = (
    "norikv-vizd", "Twisted", "autobahn", "grpcio", "protobuf", "msgspec", "msgpack", "zstandard", "websockets",
    "picows",
)  # fmt: skip


def machine() -> str:
    """Processor, cores, memory, kernel."""
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0))
    return (
        f"{found[1].strip() if found else platform.machine()}, {cores} cores, {memory_bytes / 2**30:.0f} GiB,"
        f" Linux {platform.release()}"
    )


def versions() -> str:
    """Of all that takes part."""
    told = [f"Python {platform.python_version()}"]
    for name in _PACKAGES:
        try:
            told.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    node = shutil.which("node")
    if node is not None:
        told.append(f"node {subprocess.run([node, '--version'], capture_output=True, text=True).stdout.strip()}")
    return ", ".join(told)
