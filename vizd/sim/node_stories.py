"""Stories of nodes that the others lose: one that dies, some that are cut off, one that comes and goes."""

from collections.abc import Mapping, Sequence
from functools import partial

from vizd.sim.cast import MINUTE_MS, Cast, Scenario
from vizd.sim.ordinary_life import live_in_health
from vizd.sim.raft import RaftGroup

__all__ = ["STORIES"]

_LARGEST_MINORITY = 20
"""As many as a rack has."""
_QUORUM_TIMEOUT_MS = 300
_CATCH_UP_MS = 6_000
_FLAPS = 6
_FLAP_MS = 8_000
"""Above what one takes, that it is seen alive in between."""


def _node_crash(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(5_000, MINUTE_MS, _crash)


def _crash(cast: Cast) -> None:
    victim = cast.first_leader()
    led = cast.led_by(victim)
    cast.membership.crash(victim, then=lambda: _catch_up(cast, victim, led))


def _catch_up(cast: Cast, node: int, led: Sequence[RaftGroup]) -> None:
    """What it missed is flushed; then it gets back what it led."""
    after, pace = cast.stage.timeline.after, cast.stage.pace
    flushes = cast.engines_of(node)[: round(_CATCH_UP_MS / pace.cycle_ms)]
    for turn, engine in enumerate(flushes):
        after(turn * pace.cycle_ms, engine.flush)
    for turn, group in enumerate(led):
        after(_CATCH_UP_MS + turn * max(200, pace.election_ms), partial(group.hand_over, node))


def _partition(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(5_000, MINUTE_MS, _part)


def _part(cast: Cast) -> None:
    first = cast.first_leader()
    others = [node for node in cast.nodes if node != first]
    minority = min((len(cast.nodes) - 1) // 2, _LARGEST_MINORITY)
    cast.membership.part([first, *cast.stage.rng.sample(others, minority - 1)], for_ms=15_000)
    for group in cast.groups:
        cast.stage.timeline.after(_QUORUM_TIMEOUT_MS, group.check_quorum)


def _flapping(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(5_000, 10 * MINUTE_MS, _flap)


def _flap(cast: Cast) -> None:
    node = cast.stage.rng.choice(cast.nodes)
    for turn in range(_FLAPS):
        cast.stage.timeline.after(turn * _FLAP_MS, partial(cast.membership.suspect_for_a_while, node))


STORIES: Mapping[str, Scenario] = {
    "node-crash": Scenario(
        "5 s in, and then every minute, the node that leads most shards dies: it is suspected, confirmed dead, its "
        "shards elect elsewhere; 8 to 15 s later its process is back, catches up and leads again",
        _node_crash,
        fewest_nodes=3,
    ),
    "partition": Scenario(
        "5 s in, and then every minute, a minority of the nodes is cut off for 15 s: both sides suspect each other, "
        "leaders without a majority step down, and each shard elects where its majority is",
        _partition,
        fewest_nodes=3,
    ),
    "flapping": Scenario(
        "5 s in, and then every ten minutes, one node is suspected and seen alive again, six times within 50 s; then "
        "it stays",
        _flapping,
        fewest_nodes=3,
    ),
}
