"""Stories of storage engines and disks that can't keep up."""

from collections.abc import Mapping

from vizd.sim.cast import MINUTE_MS, Cast, Scenario
from vizd.sim.engine import StorageEngine
from vizd.sim.ordinary_life import live_in_health

__all__ = ["STORIES"]

_ENGINES_BEHIND = 3


def _compaction_backlog(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(3_000, 2 * MINUTE_MS, _fall_behind)


def _fall_behind(cast: Cast) -> None:
    for engine in _some_of_one_node(cast, _ENGINES_BEHIND):
        engine.fall_behind(80_000)


def _l0_stall(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(3_000, MINUTE_MS, lambda cast: cast.some_engine().fall_behind(30_000, compacting=False))


def _stuck_compaction(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(3_000, 15 * MINUTE_MS, lambda cast: cast.some_engine().hang(11 * MINUTE_MS))


def _slow_disk(cast: Cast) -> None:
    live_in_health(cast)
    cast.again(3_000, MINUTE_MS, lambda cast: cast.disks[cast.first_leader()].ail(cast.stage.timeline, 40, 15_000))


def _some_of_one_node(cast: Cast, count: int) -> list[StorageEngine]:
    rng = cast.stage.rng
    engines = cast.engines_of(rng.choice([node for node in cast.nodes if cast.engines_of(node)]))
    return rng.sample(engines, min(count, len(engines)))


STORIES: Mapping[str, Scenario] = {
    "compaction-backlog": Scenario(
        "3 s in, and then every two minutes, three engines of a node wait 80 s for a compaction: files pile up in L0, "
        "write pressure passes its threshold, writes stall in bursts; then it drains within 10 s",
        _compaction_backlog,
    ),
    "l0-stall": Scenario(
        "3 s in, and then every minute, one engine begins no compaction for 30 s: files pile up in L0 and writes stall "
        "in bursts; then it drains within 10 s",
        _l0_stall,
    ),
    "stuck-compaction": Scenario(
        "3 s in, and then every 15 minutes, a compaction starts and gets no further for 11 minutes; then it finishes",
        _stuck_compaction,
    ),
    "slow-disk": Scenario(
        "3 s in, and then every minute, fsyncs of one node become 40 times slower within 12 s, stay so for 15 s, and "
        "recover in 12",
        _slow_disk,
    ),
}
