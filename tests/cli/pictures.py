"""``python -m tests.cli.pictures FOLDER``: ``vizctl top`` of a daemon that plays the recorded incident, as SVG."""

import asyncio
import io
import re
import sys
from pathlib import Path

from rich.console import Console

from tests.daemon.process import Daemon
from tests.incident.test_recorded import RECORDED
from vizd.cli.asked import Asked
from vizd.cli.top.run import Top
from vizd.client.subscription import Subscription

SIZES = {"top": (124, 22), "top-narrow": (60, 26)}


async def draw(daemon: Daemon, folder: Path) -> None:
    """At the moment when a node is dead."""
    asked = Asked(url=f"http://127.0.0.1:{daemon.http_port}")
    consoles = {
        name: Console(file=io.StringIO(), record=True, width=size[0], height=size[1], force_terminal=True)
        for name, size in SIZES.items()
    }
    tops = {name: Top(asked, console, is_live=True) for name, console in consoles.items()}
    async with asked.api() as api, asked.subscriber(Subscription(findings=True)) as stream:
        first, *others = tops.values()
        for other in others:
            other.model = first.model
        listening = asyncio.create_task(first.listen(stream))
        while not any(each.rule == "node-dead" for each in first.model.open_findings):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await asyncio.sleep(2.0)
        first.model.know(await api.coverage())
        listening.cancel()
    for name, console in consoles.items():
        console.print(tops[name].picture(), end="")
        # Whoever shows it has a font of his own; none is to be loaded from elsewhere.
        text = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="vizctl top"), flags=re.DOTALL)
        (folder / f"{name}.svg").write_text(re.sub(r"(?m)^ +$\n", "", text), encoding="utf-8")


def main() -> None:
    """Until the pictures are there."""
    daemon = Daemon("--demo-file", str(RECORDED))
    try:
        asyncio.run(draw(daemon, Path(sys.argv[1])))
    finally:
        daemon.kill()


if __name__ == "__main__":
    main()
