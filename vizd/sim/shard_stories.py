"""Stories of shards: who leads them, and where they are. Some of them are of what Raft and a move must never do."""

from collections.abc import Mapping

from vizd.sim.cast import MINUTE_MS, Cast, Scenario
from vizd.sim.ordinary_life import live_in_health

__all__ = ["STORIES"]

_DIVIDED_MS = 10_000
"""How long what Raft forbids lasts: time to see it."""


def _election_storm(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(5_000, MINUTE_MS / 2, lambda cast: cast.stage.rng.choice(cast.groups).contend(8_000))


def _split_brain(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(5_000, MINUTE_MS, _split)


def _split(cast: Cast) -> None:
    group = cast.stage.rng.choice([group for group in cast.groups if group.leader is not None])
    group.elect_second()
    cast.stage.timeline.after(_DIVIDED_MS, group.step_down)


def _old_term(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(5_000, MINUTE_MS, _relapse)


def _relapse(cast: Cast) -> None:
    led = [group for group in cast.groups if group.leader is not None]
    max(led, key=lambda group: group.term).relapse(_DIVIDED_MS)


def _shard_move(cast: Cast) -> None:
    live_in_health(cast)
    for turn in range(3):
        cast.again(3_000 + 2_000 * turn, MINUTE_MS / 2, lambda cast: cast.moves.begin(with_lead=True))


def _torn_move(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(3_000, MINUTE_MS, lambda cast: cast.moves.begin(torn=True))


STORIES: Mapping[str, Scenario] = {
    "election-storm": Scenario(
        "5 s in, and then every half minute, the candidates of one shard ask against each other for 8 s: terms race "
        "up, and only then one is elected",
        _election_storm,
        fewest_nodes=3,
    ),
    "split-brain": Scenario(
        "5 s in, and then every minute, voters of one shard who forgot that they had voted elect a second leader in "
        "the same term; 10 s later a higher term ends it",
        _split_brain,
        fewest_nodes=3,
    ),
    "old-term": Scenario(
        "5 s in, and then every minute, the leader of the shard with the highest term is set back to an old copy of "
        "its disk, and elected in a term that was over; 10 s later the terms go on where they were",
        _old_term,
        fewest_nodes=3,
    ),
    "shard-move": Scenario(
        "3 s in, and then every half minute, three shards move, each planned, copied and cut over within 10 s, and "
        "the new replica takes the lead",
        _shard_move,
        fewest_nodes=2,
    ),
    "torn-move": Scenario(
        "3 s in, and then every minute, a shard is cut over before its snapshot is done; 20 s later it moves once "
        "more, and whole",
        _torn_move,
    ),
}
