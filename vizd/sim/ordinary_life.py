"""Stories of a cluster that lives: flushes and compactions, heat that moves, leaderships handed over, now and then a
shard that moves. All of it goes on in every other story, too.
"""

from collections.abc import Mapping

from vizd.sim.cast import Cast, Scenario

__all__ = ["STORIES", "live_in_health"]


def _live(cast: Cast) -> None:
    stage, pace = cast.stage, cast.stage.pace
    stage.every(pace.cycle_ms, lambda: cast.some_engine().flush())
    stage.every(pace.heat_ms, lambda: cast.some_engine().move_heat())
    stage.every(pace.transfer_ms, lambda: stage.rng.choice(cast.groups).hand_over())
    stage.every(pace.move_ms, cast.moves.begin)


def live_in_health(cast: Cast) -> None:
    """Ordinary life, and nothing wrong in it: what befalls the cluster in other stories is all that is."""
    _live(cast)
    rng = cast.stage.rng
    cast.stage.every(
        cast.stage.pace.pressure_ms, lambda: cast.some_engine().come_under_pressure(rng.uniform(0.4, 0.7), 0)
    )


def _live_in_some_disorder(cast: Cast) -> None:
    _live(cast)
    stage, uniform = cast.stage, cast.stage.rng.uniform
    stage.every(
        stage.pace.pressure_ms,
        lambda: cast.some_engine().come_under_pressure(uniform(0.9, 1.0), uniform(2_000, 4_000)),
    )
    stage.every(stage.pace.disturbance_ms, cast.membership.disturb)


STORIES: Mapping[str, Scenario] = {
    "lively": Scenario(
        "a little of everything: every 40 s a node is suspected, crashes or leaves, and comes back; every 25 s an "
        "engine stalls for some seconds",
        _live_in_some_disorder,
    ),
    "healthy": Scenario("ordinary life, and nothing wrong in it", live_in_health),
}
