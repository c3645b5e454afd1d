"""The readings that make up nearly all of a cluster's events: fsyncs, heat, pressure, caches.

How many are wanted, and when, is said from outside. What costs time is prepared: most readings are a few
list look-ups and two pieces of bytes joined.
"""

from collections.abc import Iterable, Sequence
from random import Random

from vizd.events.catalogue import EventClass
from vizd.sim.encoded import EncodedEvent, ts_field
from vizd.sim.engine import StorageEngine
from vizd.wire.vizd_pb2 import CacheEvt, VizEvent

__all__ = ["Flood"]

_PATTERN = 1_000
_DURATIONS = 4_096
_FSYNC_MEDIAN_LOG_MS, _FSYNC_SIGMA = 0.7, 0.6
"""A median of 2 ms, and one in a hundred above 8."""
_OUTLIERS_MS = (27.0, 34.0, 45.0, 62.0)
"""One in a thousand waits for something else that the disk does."""
_CACHES = (("block", 0.93), ("row", 0.71), ("index", 0.985))
_FSYNC, _HEAT, _PRESSURE, _CACHE = range(4)
_GAUGE = EventClass.GAUGE
"""The class of them all."""


class Flood:
    """Takes readings of engines and nodes in turn."""

    def __init__(self, rng: Random, nodes: int, shards: int, rate: int, caches: bool = True) -> None:
        """
        :param nodes: in the cluster.
        :param shards: in the cluster.
        :param rate: events per second: what few shards can't give in heat and pressure is fsyncs.
        :param caches: whether they are read too.
        """
        self._rng = rng
        shares = {
            _HEAT: min(0.2, 6 * shards / rate),
            _PRESSURE: min(0.05, 0.5 * shards / rate),
        }
        if caches:
            shares[_CACHE] = min(0.03, 1.5 * nodes / rate)
        pattern = [kind for kind, share in shares.items() for _ in range(max(1, round(share * _PATTERN)))]
        pattern += [_FSYNC] * (_PATTERN - len(pattern))
        rng.shuffle(pattern)
        self._pattern = pattern
        usual_ms = [rng.lognormvariate(_FSYNC_MEDIAN_LOG_MS, _FSYNC_SIGMA) for _ in range(_DURATIONS)]
        usual_ms[:: _DURATIONS // len(_OUTLIERS_MS)] = _OUTLIERS_MS
        self._durations = usual_ms
        self._engines: list[StorageEngine] = []
        self._nodes: list[int] = []
        # Apart, so that each kind of reading comes round to every engine, whatever the pattern is.
        self._turn = 0
        self._engine_turns = [0, 0, 0]
        self._cache_turn = 0

    def draw_from(self, weighted_engines: Sequence[tuple[StorageEngine, int]], nodes: Sequence[int]) -> None:
        """Take readings of these from now on; at least one of each.

        :param weighted_engines: an engine of weight 3 is read three times as often as one of weight 1.
        """
        self._engines = [engine for engine, weight in weighted_engines for _ in range(weight)]
        self._rng.shuffle(self._engines)
        self._nodes = list(nodes)

    def read(self, times_ms: Iterable[int], into: list[tuple[int, EncodedEvent]]) -> None:
        """Take the next readings, one at each of ``times_ms``, and append each after the node that publishes it."""
        pattern, durations, engines, engine_turns = self._pattern, self._durations, self._engines, self._engine_turns
        turn, now_ms, ts, append = self._turn, -1, b"", into.append
        for ts_ms in times_ms:
            if ts_ms != now_ms:
                now_ms, ts = ts_ms, ts_field(ts_ms)
            turn += 1
            kind = pattern[turn % _PATTERN]
            if kind == _CACHE:
                node, reading = self._read_cache()
            else:
                engine_turn = engine_turns[kind] = engine_turns[kind] + 1
                engine = engines[engine_turn % len(engines)]
                node = engine.node
                if kind == _FSYNC:
                    reading = engine.fsync(durations[turn % _DURATIONS])
                else:
                    reading = engine.slot_heat() if kind == _HEAT else engine.write_pressure()
            append((node, (ts + reading, _GAUGE)))
        self._turn = turn

    def _read_cache(self) -> tuple[int, bytes]:
        turn = self._cache_turn = self._cache_turn + 1
        node = self._nodes[turn // len(_CACHES) % len(self._nodes)]
        name, usual = _CACHES[turn % len(_CACHES)]
        ratio = round(usual - self._rng.uniform(0, 0.05), 3)
        return node, VizEvent(cache=CacheEvt(name=name, hit_ratio=ratio)).SerializeToString()
