"""Pictures of the page in every state worth a look, for people to judge.

    python -m tests.page.pictures FOLDER [--only NAME,NAME] [--minutes 2]

Each scene is a real daemon and a simulated cluster. Some are played at once; after ``--minutes`` their pictures are
taken one by one. Those of trouble wait until there is some.
"""

import argparse
import base64
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from selenium.webdriver.common.keys import Keys

from tests.daemon.process import Daemon
from tests.page.browser import Page, open_page
from tests.page.cluster import Cluster
from vizd.sim.scenarios import SCENARIOS

AT_ONCE = 6
"""Scenes: together they take about a core."""
TROUBLE_WITHIN_S = 150
"""The rarest story is told every two minutes."""
INTO_TROUBLE_S = 3.0
"""So that the curves show it, too."""


def _nothing(page: Page, daemon: Daemon) -> None:
    """As it is."""


def _is_trouble(page: Page) -> bool:
    return not page.part("verdict").startswith("All ") or "nothing open" not in page.part("attention")


def _in_trouble(page: Page, daemon: Daemon) -> None:
    # A story that neither the verdict nor the findings tell of is a picture worth a look, too.
    with contextlib.suppress(AssertionError):
        page.wait_for("something is wrong", lambda: _is_trouble(page), TROUBLE_WITHIN_S)
    time.sleep(INTO_TROUBLE_S)


def _in_the_past(page: Page, daemon: Daemon) -> None:
    for _ in range(30):
        page.press(Keys.ARROW_LEFT)
    page.wait_for("it is in the past", lambda: page.mode == "past")
    time.sleep(1.0)  # Until the last of the past has come; nothing says when that is.


def _gone_stale(page: Page, daemon: Daemon) -> None:
    daemon.process.send_signal(signal.SIGSTOP)
    page.wait_for("it is stale", lambda: page.mode == "stale")
    time.sleep(10.0)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a scene. :ivar act: what is done before."""

    name: str
    width: int = 1440
    height: int = 900
    scheme: str = "dark"
    act: Callable[[Page, Daemon], None] = _nothing


@dataclass(frozen=True, slots=True)
class Scene:
    """:ivar cluster: options of the simulator; ``None``: nobody publishes."""

    name: str
    cluster: Sequence[str] | None
    shots: Sequence[Shot] = (Shot("dark"),)


LOOKS = (
    Shot("dark"),
    Shot("light", scheme="light"),
    Shot("420", width=420, height=900),
    Shot("420-light", width=420, height=900, scheme="light"),
    Shot("1180", width=1180, height=760),
    Shot("2560", width=2560, height=1300),
)
USUAL = ("--nodes=5", "--shards=24", "--rate=500")
SCENES = [
    Scene("healthy", (*USUAL, "--scenario=healthy"), LOOKS),
    *(
        Scene(name, (*USUAL, f"--scenario={name}"), (Shot("dark", act=_in_trouble), Shot("light", scheme="light")))
        for name in SCENARIOS
        if name != "healthy"
    ),
    Scene("past", (*USUAL, "--scenario=node-crash"), [replace(look, act=_in_the_past) for look in LOOKS[:3]]),
    Scene("empty", None, LOOKS[:3]),
    Scene("small", ("--nodes=3", "--shards=8", "--rate=300")),
    Scene("rows-of-44", ("--nodes=9", "--shards=96", "--rate=500")),
    Scene(
        "large",
        ("--nodes=100", "--shards=1024", "--rate=5000", "--scenario=partition"),
        [replace(look, act=_in_trouble) for look in LOOKS],
    ),
    Scene("today", (*USUAL, "--as-of-today"), LOOKS[:3]),
    # The last: its daemon is stopped for good.
    Scene("stale", (*USUAL, "--scenario=healthy"), [Shot("dark", act=_gone_stale)]),
]


@contextlib.contextmanager
def played(scene: Scene) -> Iterator[Daemon]:
    """Its daemon, while its cluster publishes."""
    with contextlib.ExitStack() as stack:
        daemon = Daemon()
        stack.callback(daemon.kill)
        if scene.cluster is not None:
            stack.callback(Cluster(daemon.grpc_port, *scene.cluster).stop)
        yield daemon


def take(shot: Shot, daemon: Daemon, file: Path) -> list[str]:
    """One picture; what the console says."""
    page = open_page(f"http://127.0.0.1:{daemon.http_port}/", shot.width, shot.height, shot.scheme)
    with contextlib.closing(page):
        page.wait_for("the page has a mode", lambda: page.mode)
        if page.mode != "empty":
            page.first_data_ms()
        shot.act(page, daemon)
        time.sleep(1.0)  # The strips come second by second.
        file.write_bytes(base64.b64decode(page.command("Page.captureScreenshot", format="png")["data"]))
        return page.complaints()


def take_all(scenes: Sequence[Scene], minutes: float, folder: Path) -> bool:
    """Play these at once; whether a page complained."""
    complained = False
    with contextlib.ExitStack() as stack:
        daemons = [stack.enter_context(played(scene)) for scene in scenes]
        time.sleep(minutes * 60)
        for scene, daemon in zip(scenes, daemons, strict=True):
            for shot in scene.shots:
                file = folder / f"{scene.name}-{shot.name}.png"
                complaints = take(shot, daemon, file)
                complained |= bool(complaints)
                print(file, *complaints, sep="\n    ", flush=True)  # noqa: T201
    return complained


def main() -> int:
    """Take them; 1 if a page complained."""
    parser = argparse.ArgumentParser(prog="python -m tests.page.pictures", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help=", ".join(scene.name for scene in SCENES))
    parser.add_argument("--minutes", type=float, default=2, help="how long each cluster has lived (%(default)s)")
    options = parser.parse_args()
    wanted = options.only and options.only.split(",")
    names = {scene.name for scene in SCENES}
    if unknown := set(wanted or ()) - names:
        parser.error(f"--only: there is no {', '.join(sorted(unknown))}: use some of {', '.join(sorted(names))}")
    scenes = [scene for scene in SCENES if not wanted or scene.name in wanted]
    options.folder.mkdir(parents=True, exist_ok=True)
    complained = False
    for first in range(0, len(scenes), AT_ONCE):
        complained |= take_all(scenes[first : first + AT_ONCE], options.minutes, options.folder)
    return int(complained)


if __name__ == "__main__":
    sys.exit(main())
