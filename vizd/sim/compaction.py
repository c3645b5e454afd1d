"""The compactions of a storage engine: chosen by a bandit, run through their phases, rewarded."""

from collections.abc import Callable

from vizd.sim.heat import SLOTS, Heat
from vizd.sim.replica import Replica
from vizd.wire.vizd_pb2 import CompEvt, LsmEvt

__all__ = ["Compactor"]

LEVELS = 4
_EXPLORING_CHANCE = 0.1
_ADJUSTING_CHANCE = 0.3


class Compactor:
    """Runs one compaction at a time; that the next one waits for it is its caller's care."""

    def __init__(self, replica: Replica, heat: Heat) -> None:
        """
        :param replica: whose files are compacted.
        :param heat: of its slots, for the rewards.
        """
        self._replica = replica
        self._heat = heat
        self._rng = rng = replica.stage.rng
        self._guards = [rng.randint(6, 12) for _ in range(LEVELS)]
        self._selections = [0] * SLOTS
        self._rewards = [0.5] * SLOTS

    def compact(self, level: int, quarter_ms: float, then: Callable[[], object], hangs_ms: float = 0) -> None:
        """Begin a compaction.

        :param level: 0 to ``LEVELS - 1``.
        :param quarter_ms: how long each quarter of it takes.
        :param then: called when it has finished.
        :param hangs_ms: how much longer the first one takes.
        """
        rng, after, report = self._rng, self._replica.after, self._replica.compaction
        slot = self._choose_slot(level)
        report(level, CompEvt(scheduled=CompEvt.Scheduled()))
        in_bytes = rng.randint(40, 200) * 1024 * 1024
        out_bytes = round(in_bytes * rng.uniform(0.6, 0.95))

        def start() -> None:
            report(level, CompEvt(start=CompEvt.Start()))
            after(quarter_ms + hangs_ms, lambda: progress(25))

        def progress(pct: int) -> None:
            report(level, CompEvt(progress=CompEvt.Progress(pct=pct)))
            after(quarter_ms, (lambda: progress(pct + 25)) if pct < 75 else finish)

        def finish() -> None:
            report(level, CompEvt(finish=CompEvt.Finish(in_bytes=in_bytes, out_bytes=out_bytes)))
            self._reward(level, slot, out_bytes, 1 - out_bytes / in_bytes)
            self._adjust_guards(level)
            then()

        after(rng.uniform(20, 150), start)

    def _choose_slot(self, level: int) -> int:
        rng = self._rng
        explored = rng.random() < _EXPLORING_CHANCE
        slot = rng.randrange(SLOTS) if explored else max(range(SLOTS), key=self._rewards.__getitem__)
        self._selections[slot] += 1
        selection = CompEvt.BanditSelection(
            slot_id=slot,
            explored=explored,
            ucb_score=self._rewards[slot] + 1 / self._selections[slot],
            avg_reward=self._rewards[slot],
            selection_count=self._selections[slot],
        )
        self._replica.compaction(level, CompEvt(bandit_selection=selection))
        return slot

    def _reward(self, level: int, slot: int, bytes_written: int, reward: float) -> None:
        self._rewards[slot] += (reward - self._rewards[slot]) / (self._selections[slot] + 1)
        given = CompEvt.BanditReward(
            slot_id=slot, reward=reward, bytes_written=bytes_written, heat_score=self._heat.of(slot)
        )
        self._replica.compaction(level, CompEvt(bandit_reward=given))

    def _adjust_guards(self, level: int) -> None:
        rng = self._rng
        if rng.random() >= _ADJUSTING_CHANCE:
            return
        before = self._guards[level]
        self._guards[level] = after = min(32, max(4, before + rng.choice((-2, -1, 1, 2))))
        rebalance = CompEvt.GuardRebalance(
            old_guard_count=before,
            new_guard_count=after,
            total_files=after * rng.randint(2, 5),
            imbalance_ratio=rng.uniform(1.2, 3.0),
        )
        self._replica.compaction(level, CompEvt(guard_rebalance=rebalance))
        self._replica.lsm(LsmEvt(guard_adjustment=LsmEvt.GuardAdjustment(level=level, new_guard_count=after)))
