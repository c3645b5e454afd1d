"""``stats``, ``state`` and ``findings``: how it is."""

from typing import Any

import click
import msgspec

from vizd.cli.asked import Asked, asking
from vizd.cli.filters import filtering
from vizd.cli.naming import learn_names
from vizd.cli.paper import Paper
from vizd.cli.running import run
from vizd.cli.times import INSTANT, lasting, now_ms
from vizd.cli.words import SHORT_TYPES, said, whose
from vizd.client.api import Api
from vizd.client.messages import Disconnected, FindingUpdate
from vizd.client.moments import clock
from vizd.client.subscription import Subscription

__all__ = ["findings", "state", "stats"]


@click.command()
@asking
def stats(asked: Asked) -> None:
    """How the daemon is: what it has stored, and who is connected."""

    async def work() -> None:
        async with asked.api() as api:
            found = await api.stats()
        paper = Paper(asked.is_json)
        if asked.is_json:
            paper.item(found)
        else:
            _print_stats(paper, found)

    run(work())


def _print_stats(paper: Paper, found: dict[str, Any]) -> None:
    ingest = found["ingest"]
    troubles = ", ".join(f"{ingest[name]:,} {name}" for name in ("lost", "duplicates", "invalid", "unknown"))
    rows = [
        ("version", found["version"]),
        ("up for", lasting(found["uptime_ms"])),
        ("events", f"{found['total_events_received']:,} stored; {troubles}"),
        (
            "history",
            f"{found['buffer_events']:,} events in {found['buffer_size']:,} windows, "
            f"{lasting(found['retention_ms'])}, {found['buffer_bytes'] / (1 << 20):,.1f} MiB",
        ),
        ("dashboards", f"{found['connected_clients']:,}; {found['total_events_sent']:,} events sent"),
        ("nodes", f"{found['connected_publishers']:,} connected"),
        ("tick", f"{found['tick_late_ms']:,} ms late, {found['tick_failures']:,} failures"),
    ]
    paper.table(("", ""), rows)
    if found["publishers"]:
        click.echo()
        columns = ("node", "name", "stream", "stored", "lost", "invalid", "clock off by")
        paper.table(
            columns,
            [
                (
                    str(each["node"]), each["name"], "connected" if each["connected"] else "gone",
                    f"{each['received']:,}", f"{each['lost']:,}", f"{each['invalid']:,}",
                    "-" if each["skew_ms"] is None else f"{each['skew_ms']:,} ms",
                )
                for each in found["publishers"]
            ],
        )  # fmt: skip


@click.command()
@click.option("--at", type=INSTANT, metavar="TIME", help="as of then: milliseconds, ISO 8601 or -5m  [now]")
@filtering
@asking
def state(
    asked: Asked, at: int | None, nodes: tuple[int, ...], types: tuple[str, ...], shards: tuple[int, ...]
) -> None:
    """The newest event of each key: leaders, members, compactions, readings."""

    async def work() -> None:
        paper = Paper(asked.is_json)
        async with asked.api() as api:
            found = await api.state(at_ms=at, nodes=nodes, types=types, shards=shards)
            if not asked.is_json:
                await learn_names(paper, api)
        if asked.is_json:
            for event in found.pop("events"):
                paper.item(event)
            paper.item(found)
            return
        order = sorted(found["events"], key=lambda each: (each["event"]["type"], whose(each, paper.named)))
        paper.table(
            ("type", "of", "", "since"),
            [
                (
                    SHORT_TYPES.get(each["event"]["type"], each["event"]["type"]),
                    whose(each, paper.named),
                    said(each, paper.named),
                    clock(each["ts"]),
                )
                for each in order
            ],
        )
        paper.aside(f"{len(order):,} keys as of {clock(found['at'])}")
        if found["unknown"]:
            names = ", ".join(paper.named(node) for node in found["unknown"])
            paper.aside(f"no open stream, so it may have changed: {names}")
        if found["truncated"]:
            paper.aside("more keys than are kept: some are missing")

    run(work())


@click.command()
@click.option("--follow", is_flag=True, help="go on until Ctrl-C")
@asking
def findings(asked: Asked, follow: bool) -> None:
    """What is wrong, the worst first; then what was."""

    async def work() -> None:
        paper = Paper(asked.is_json)
        async with asked.api() as api:
            if not follow:
                await _print_findings(paper, api)
                return
            await api.insight()  # What is wrong with the address is said at once.
        async with asked.subscriber(Subscription(state="none", findings=True)) as stream:
            await stream.pause()
            async for message in stream:
                if isinstance(message, FindingUpdate):
                    _print_finding(paper, msgspec.structs.asdict(message))
                elif isinstance(message, Disconnected):
                    paper.away(message)

    run(work(), is_endless=follow)


async def _print_findings(paper: Paper, api: Api) -> None:
    found = await api.insight()
    for finding in found["findings"]:
        _print_finding(paper, finding)
    if not found["findings"]:
        paper.aside("nothing was found wrong")
    if found["no_data"]:
        paper.aside("nothing was ever heard of what these rules look at: " + ", ".join(found["no_data"]))


def _print_finding(paper: Paper, finding: dict[str, Any]) -> None:
    if paper.is_json:
        paper.item(finding)
        return
    doubt = "" if finding["conclusive"] else " (something is missing of what was published)"
    if finding["open"]:
        since = f"for {lasting(now_ms() - finding['first_ms'])}, since {clock(finding['first_ms'])}"
    else:
        since = f"over, from {clock(finding['first_ms'])} to {clock(finding['last_ms'])}"
    paper.finding(
        f"{finding['severity']:<9}{finding['detail']}{doubt} [{finding['rule']}, {since}]",
        finding["severity"],
        finding["open"],
    )
