"""Stories of how nodes publish: the cluster is well, and what it says of itself does not arrive as it should."""

from collections.abc import Mapping

from vizd.sim.cast import MINUTE_MS, Cast, Scenario
from vizd.sim.ordinary_life import live_in_health
from vizd.sim.uplink import Uplink

__all__ = ["STORIES"]

_SHORT_BUFFER_S = 1.5
"""Enough for a daemon that is busy for a moment."""
_SHORT_BUFFER_LEAST = 50
"""For two flushes and compactions at once, and half of it for what is on its way."""
_SHORT_BREAK_MS = 4_000
"""Below what counts as silence, 5 s, and above what the short buffer holds."""
_CLOCK_OFF_MS = 3_000


def _silent_node(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(5_000, MINUTE_MS, lambda cast: _stand_still(cast, cast.some_uplink(), 20_000))


def _stand_still(cast: Cast, uplink: Uplink, for_ms: float) -> None:
    def go_on() -> None:
        uplink.stands_still = False

    uplink.stands_still = True
    cast.stage.timeline.after(for_ms, go_on)


def _lossy_node(cast: Cast) -> None:
    live_in_health(cast)
    # At the start each node says at once of which shards it is the leader, and that has to fit.
    least = _SHORT_BUFFER_LEAST + 2 * len(cast.groups) // len(cast.nodes)
    for uplink in cast.uplinks.values():
        uplink.max_buffered_events = max(least, round(_SHORT_BUFFER_S * cast.rate / len(cast.nodes)))
    cast.again(5_000, 2 * MINUTE_MS, lambda cast: _stand_still(cast, cast.some_uplink(), _SHORT_BREAK_MS))


def _twin(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(5_000, 2 * MINUTE_MS, _double)


def _double(cast: Cast) -> None:
    node = cast.stage.rng.choice(cast.nodes)
    uplink = cast.uplinks[node]

    def be_one_again() -> None:
        uplink.is_doubled = False

    uplink.is_doubled = True
    cast.stage.timeline.after(20_000, be_one_again)
    for group in cast.led_by(node):  # The second process knows of no lead.
        group.lose_leader()


def _clock_skew(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(5_000, MINUTE_MS, _set_a_clock_wrong)


def _set_a_clock_wrong(cast: Cast) -> None:
    rng, clocks_off_ms = cast.stage.rng, cast.clocks_off_ms
    clocks_off_ms[rng.choice(cast.nodes)] = rng.choice((-1, 1)) * _CLOCK_OFF_MS
    cast.stage.timeline.after(20_000, clocks_off_ms.clear)


STORIES: Mapping[str, Scenario] = {
    "silent-node": Scenario(
        "5 s in, and then every minute, one node says nothing for 20 s, though its stream stays open; then all that it "
        "kept arrives",
        _silent_node,
    ),
    "lossy-node": Scenario(
        "5 s in, and then every two minutes, one node can't publish for 4 s, and its buffer, which holds what a node "
        "says in 1.5 s, overflows",
        _lossy_node,
    ),
    "twin": Scenario(
        "5 s in, and then every two minutes, a second process with the identity of one node takes over its stream, and "
        "the first one is refused when it comes again; its shards elect elsewhere; 20 s later only the second is left",
        _twin,
        fewest_nodes=3,
    ),
    "clock-skew": Scenario(
        "5 s in, and then every minute, the clock of one node is wrong by three seconds, and set right after 20",
        _clock_skew,
    ),
}
