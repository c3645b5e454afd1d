"""What is built from the tree, and that each way of installing it gives ``twistd`` the plugin."""

import functools
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from twisted.trial.unittest import TestCase

from vizd import __version__

ROOT = Path(__file__).parents[1]
PATIENCE_S = 300
"""For one step: the first installation fetches a dozen packages."""
LINE = ["vizd", "Live", "view", "into", "a", "running", "NoriKV", "cluster."]
"""Of ``twistd --help``."""
IMPORT_ALL = """
import importlib, pkgutil, vizd
names = [each.name for each in pkgutil.walk_packages(vizd.__path__, "vizd.") if not each.name.endswith("__main__")]
for name in names: importlib.import_module(name)
print(vizd.__version__, "vizd.wire.vizd_pb2" in names)
"""
SCRATCH = tempfile.TemporaryDirectory(prefix="vizd-packaging-")
"""Removed when the process ends."""


def run(*command: str | Path) -> str:
    """What a command prints; it runs outside of any tree, so that it finds only what is installed."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(each) for each in command],
        cwd=SCRATCH.name,
        env={**inherited, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}"
    return done.stdout


@functools.cache
def files() -> tuple[str, ...]:
    """What belongs to the tree, committed or about to be."""
    listed = [
        "git",
        "-c",
        "safe.directory=*",
        "-C",
        str(ROOT),
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    names = subprocess.run(listed, capture_output=True, check=True, text=True, timeout=PATIENCE_S).stdout.split("\0")
    return tuple(name for name in names if name and (ROOT / name).is_file())


@functools.cache
def copy() -> Path:
    """A copy of the tree, so that building leaves nothing behind in it."""
    tree = Path(SCRATCH.name, "tree")
    for name in files():
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return tree


@functools.cache
def built() -> tuple[Path, Path]:
    """The wheel and the sdist; the wheel is built from what the sdist holds."""
    out = Path(SCRATCH.name, "dist")
    run(sys.executable, "-m", "build", "--outdir", out, copy())
    [wheel], [sdist] = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


class Contents(TestCase):
    def test_the_wheel_adds_one_file_to_twisteds_own_package(self) -> None:
        with zipfile.ZipFile(built()[0]) as wheel:
            names = [name for name in wheel.namelist() if name.startswith("twisted/")]
        self.assertEqual(names, ["twisted/plugins/vizd_plugin.py"])

    def test_the_wheel_holds_all_of_vizd_and_nothing_else_of_the_tree(self) -> None:
        with zipfile.ZipFile(built()[0]) as wheel:
            names = set(wheel.namelist())
        self.assertEqual(
            {name for name in names if name.startswith("vizd/")}, {name for name in files() if name.startswith("vizd/")}
        )
        self.assertLessEqual({"vizd/py.typed", "vizd/wire/vizd_pb2.py", "vizd/wire/vizd_pb2.pyi"}, names)
        top = {name.split("/")[0] for name in names}
        self.assertEqual(top, {"vizd", "twisted", f"norikv_vizd-{__version__}.dist-info"})

    def test_the_sdist_holds_no_build_products(self) -> None:
        with tarfile.open(built()[1]) as sdist:
            names = {name.partition("/")[2] for name in sdist.getnames()}
        self.assertLessEqual({"LICENSE", "README.md", "pyproject.toml", "setup.cfg", "vizd/py.typed"}, names)
        self.assertEqual([name for name in names if "__pycache__" in name or name.endswith("dropin.cache")], [])


class Installing(TestCase):
    timeout = 4 * PATIENCE_S

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(dir=SCRATCH.name))
        run(sys.executable, "-m", "venv", self.directory)
        self.python = self.directory / "bin" / "python"

    def install(self, *what: str | Path) -> None:
        run(self.python, "-m", "pip", "install", "--quiet", *what)

    def twistd_lists_it(self) -> bool:
        return LINE in [line.split() for line in run(self.directory / "bin" / "twistd", "--help").splitlines()]

    def assertWorks(self) -> None:
        """twistd lists it, all of it can be imported, and Twisted is still Twisted's."""
        self.assertTrue(self.twistd_lists_it())
        self.assertEqual(run(self.python, "-c", IMPORT_ALL).split(), [__version__, "True"])
        ask = "import twisted.internet.reactor, twisted.plugins as p; print(twisted.__file__, p.__file__)"
        for path in run(self.python, "-c", ask).split():
            self.assertTrue(Path(path).resolve().is_relative_to(self.directory.resolve()), path)

    def test_wheel_sdist_and_editable_tree_each_give_twistd_the_plugin(self) -> None:
        wheel, sdist = built()
        for what in ([wheel], ["--no-deps", sdist], ["--no-deps", "--editable", copy()]):
            self.install(*what)
            self.assertWorks()
            run(self.python, "-m", "pip", "uninstall", "--quiet", "--yes", "norikv-vizd")
            self.assertFalse(self.twistd_lists_it(), "it goes without a trace")
