"""How clients behave: each kind is a way to read, drawn from what dashboards, scripts and networks do.

Chance is each client's own, from its seed.
"""

from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle
from random import Random

from bench.filters import SUMMARY_NAMES, Asked
from bench.law.client import Client, Plan
from bench.law.events import SHARDS, Forms

__all__ = ["KINDS", "plans"]

REFERENCE = "reference"
_SMALL_BUFFER_BYTES = 4096
_FILTERS_TO_CHANGE_TO = 8
_ASKED_MS = (0, 500, 1_000, 2_000, 5_000, None)
"""What those may say as ``max_lag_ms`` who can fall behind."""


async def reading(client: Client) -> None:
    """Takes everything at once."""
    while client.runs:
        await client.take(1.0)


async def changing(client: Client) -> None:
    """Takes everything at once, and asks for something else now and then: at the head, and while it catches up."""
    while client.runs:
        await client.take(client.random.uniform(0.3, 3))
        if client.runs and client.random.random() < 0.4:
            await client.pause()
            await client.take(client.random.uniform(0.5, 4))
            await client.resume(catch_up=True)
        if client.runs:
            await client.change_filter(client.random.choice(client.plan.others))


async def stalled(client: Client) -> None:
    """Reads nothing for some time, shorter and longer than it may."""
    while client.runs:
        await client.take(client.random.uniform(0.2, 2))
        longest_s = min(client.plan.seconds / 3, 15)
        await client.idle(client.random.choice((0.3, 1, longest_s / 2, longest_s)) * client.random.uniform(0.7, 1.3))


async def slow(client: Client) -> None:
    """Reads a few bytes at a time."""
    while client.runs:
        await client.take_slowly(client.random.uniform(2, 8))
        await client.take(client.random.uniform(0, 2))


async def reconnecting(client: Client) -> None:
    """Loses its connection, and comes back with its position: at once, later, or too late."""
    chance = client.random
    while client.runs:
        await client.take(chance.uniform(0.2, 3))
        client.leave()
        way = chance.random()
        if 0.4 < way < 0.75:
            await client.idle(_before_it_is_trimmed(client))
        elif way > 0.75 and client.plan.retention_s < client.plan.seconds / 2:
            await client.idle(client.plan.retention_s * chance.uniform(1, 1.6))
        if way < 0.05:
            await client.connect("not-a-position", is_stranger=True)
        else:
            await client.connect(client.position)


async def pausing(client: Client) -> None:
    """Holds its live cursor, and goes on where it was held, or at the head."""
    chance = client.random
    while client.runs:
        await client.take(chance.uniform(0.2, 3))
        await client.pause()
        is_long = chance.random() < 0.3 and client.plan.retention_s < client.plan.seconds / 2
        late_s = client.plan.retention_s * chance.uniform(1, 1.5)
        await client.take(late_s if is_long else _before_it_is_trimmed(client))
        if client.runs:
            await client.resume(catch_up=chance.random() < 0.6)


def _before_it_is_trimmed(client: Client) -> float:
    """Seconds; what is behind by more than two is no longer among the plain windows of the log."""
    return client.random.uniform(0.1, min(6.0, 0.8 * client.plan.retention_s))


async def looking_back(client: Client) -> None:
    """Reads parts of the past beside the live stream, at once or at a pace, and sometimes has enough of it."""
    chance = client.random
    await client.take(client.plan.seconds / 4, until=lambda: len(client.starts_ms) > 10)
    while client.runs:
        starts_ms = client.starts_ms
        if len(starts_ms) > 1:
            newer = chance.random() ** 2 if chance.random() < 0.7 else chance.random()
            first = min(len(starts_ms) - 2, int(len(starts_ms) * (1 - newer)))
            last = chance.randrange(first + 1, min(len(starts_ms), first + 400))
            _ask(client, starts_ms[first], starts_ms[last], chance)
            await client.take(chance.uniform(0.1, 0.5))
            if client.is_history_open and chance.random() < 0.2:
                client.say({"type": "history_cancel"})
            # Now and then the next request comes before the end of this one.
            if chance.random() < 0.8:
                await client.take(20, until=lambda: not client.is_history_open)
        await client.take(chance.uniform(0.1, 1.5))


def _ask(client: Client, from_ms: int, to_ms: int, chance: Random) -> None:
    message: dict[str, object] = {"type": "history", "from_ms": from_ms, "to_ms": to_ms}
    if chance.random() < 0.3:
        message["speed"] = max(0.5, (to_ms - from_ms) / chance.uniform(500, 3_000))
    client.is_history_open = client.wire is not None
    client.say(message)


KINDS: dict[str, Callable[[Client], Awaitable[None]]] = {
    REFERENCE: reading,
    "reading": reading,
    "changing": changing,
    "stalled": stalled,
    "slow": slow,
    "reconnecting": reconnecting,
    "pausing": pausing,
    "history": looking_back,
}

_OPEN = ("reading", "reconnecting", "stalled", "pausing")
"""With the reference, the clients that ask for everything: each costs as much as fifty of the others."""
_OPEN_ASKED_MS = (0, None, 1_000, 500, 2_000)
_MAX_HISTORIES = 8
"""The daemon reads no more at once; beyond it the answer is ``busy``, of which a transcript shows nothing."""
_FILTERED = ("reading", "changing", "stalled", "reconnecting", "history", "slow", "pausing", "reading")


def plans(
    clients: int, rate: int, max_events_per_s: int, forms: Forms, seed: int, retention_s: float, seconds: float
) -> list[Plan]:
    """So many clients, the reference first.

    :param rate: of all events together, per second. :param max_events_per_s: of a client with a filter.
    """
    chance = Random(seed)
    found = [
        Plan(REFERENCE, REFERENCE, Asked(""), 0, max_lag_ms=0, retention_s=retention_s, seconds=seconds,
             takes_always=True)
    ]  # fmt: skip
    kinds = cycle(_FILTERED)
    while len(found) < clients:
        number = len(found)
        is_open = number <= len(_OPEN)
        kind = _OPEN[number - 1] if is_open else next(kinds)
        if kind == "history" and sum(each.kind == kind for each in found) == _MAX_HISTORIES:
            kind = "reading"
        asked = Asked("") if is_open else _filter(chance, forms, max_events_per_s / rate)
        is_json = number % 2 == 0
        found.append(_planned(kind, number, _in(asked, is_json), chance, rate, max_events_per_s, forms, found[0]))
    return found


def _planned(
    kind: str, number: int, asked: Asked, chance: Random, rate: int, max_events_per_s: int, forms: Forms, like: Plan
) -> Plan:
    is_slow, takes_always = kind in ("stalled", "slow"), kind in ("reading", "changing")
    events_per_s = max(20.0, forms.share(asked) * rate)
    return Plan(
        name=f"{kind}-{number}",
        kind=kind,
        asked=asked,
        seed=chance.getrandbits(32),
        others=tuple(
            _in(_filter(chance, forms, max_events_per_s / rate), asked.is_json) for _ in range(_FILTERS_TO_CHANGE_TO)
        )
        if kind == "changing"
        else (),
        max_lag_ms=None if takes_always else _OPEN_ASKED_MS[number] if asked.is_open else chance.choice(_ASKED_MS),
        receive_bytes=_SMALL_BUFFER_BYTES if is_slow else None,
        # From a fifth of what comes to somewhat more than it.
        bytes_per_s=int(events_per_s * 100 * chance.uniform(0.2, 1.3)),
        retention_s=like.retention_s,
        seconds=like.seconds,
        takes_always=takes_always,
    )


def _in(asked: Asked, is_json: bool) -> Asked:
    return Asked("", asked.types, asked.nodes, asked.shards, is_json, asked.by_message)


def _filter(chance: Random, forms: Forms, max_share: float) -> Asked:
    """One that lets through no more than that; by chance nothing at all."""
    while True:
        types: Sequence[str] = chance.sample(list(SUMMARY_NAMES), chance.randint(0, 3))
        asked = Asked(
            "",
            types=tuple(chance.choice((each, each.lower())) for each in types),
            nodes=tuple(chance.sample(range(1, forms.nodes + 2), chance.randint(0, 2))),
            shards=tuple(chance.sample(range(SHARDS), chance.randint(0, 4))),
            by_message=chance.random() < 0.5,
        )
        share = forms.share(asked)
        if 0 < share <= max_share or (share == 0 and chance.random() < 0.02):
            return asked
