"""The storage engine of one shard on one node: log, memtable, levels, and what they report.

Its life is a cycle of flushes, each followed by a compaction, and now and then write pressure that ends in
a stall. Its readings, the flood, are taken from outside as often as wanted.
"""

from vizd.sim.stage import Stage
from vizd.wire.vizd_pb2 import (
    FLUSH_REASON_MANUAL,
    FLUSH_REASON_MEMTABLE_SIZE,
    FLUSH_REASON_WAL_AGE,
    CompEvt,
    LsmEvt,
    SlotHeatEvt,
    VizEvent,
    WalEvt,
)

__all__ = ["StorageEngine"]

SLOTS = 8
HEAT_LEVELS = 2
_HEAT_BY_DISTANCE = (0.97, 0.62, 0.31, 0.12, 0.04)
_HIGH_PRESSURE = 0.8
_CALM_PRESSURE = 0.25
_L0_FILES_ALLOWED = 12
_MEMTABLE_BYTES = 64 * 1024 * 1024
_FLUSH_REASONS = (FLUSH_REASON_MEMTABLE_SIZE,) * 6 + (FLUSH_REASON_WAL_AGE,) * 2 + (FLUSH_REASON_MANUAL,)
_WOBBLE = (0.0, 0.02, -0.01, 0.03, -0.02, 0.01, -0.03, 0.0, 0.04, -0.04)


class StorageEngine:
    """One replica's engine.

    :ivar node: where it runs.
    :ivar shard: what it stores.
    :ivar strained: under high write pressure: its fsyncs are slow.
    """

    def __init__(self, stage: Stage, node: int, shard: int) -> None:
        """:param stage: shared by all parts of the cluster."""
        rng = stage.rng
        self.node = node
        self.shard = shard
        self.strained = False
        self._stage = stage
        self._segment = rng.randint(1, 40)
        self._encoded_fsyncs: dict[int, bytes] = {}
        self._file = rng.randint(100, 400)
        self._seqno = rng.randint(10_000, 90_000)
        self._guards = [rng.randint(6, 12) for _ in range(4)]
        self._selections = [0] * SLOTS
        self._rewards = [0.5] * SLOTS
        self._hot_slot = rng.randrange(SLOTS)
        self._pressure = rng.uniform(0.1, _CALM_PRESSURE)
        self._readings = rng.randrange(1000)
        self._busy = False

    # The flood: called for nearly every event there is, so these are for speed.

    def fsync(self, ts_ms: int, duration_ms: int) -> VizEvent:
        """Wal.Fsync. Parsing what was encoded before is the quickest way to a message."""
        encoded = self._encoded_fsyncs.get(duration_ms)
        if encoded is None:
            wal = WalEvt(node=self.node, seg=self._segment, fsync=WalEvt.Fsync(ms=duration_ms))
            encoded = VizEvent(owner_shard=self.shard, wal=wal).SerializeToString()
            self._encoded_fsyncs[duration_ms] = encoded
        event = VizEvent.FromString(encoded)
        event.ts_ms = ts_ms
        return event

    def slot_heat(self, ts_ms: int) -> VizEvent:
        """SlotHeat, of the next slot in turn: hottest at one slot, and less around it."""
        turn = self._readings = self._readings + 1
        slot = turn % SLOTS
        level = turn // SLOTS % HEAT_LEVELS
        distance = abs(slot - self._hot_slot)
        heat = _HEAT_BY_DISTANCE[min(distance, SLOTS - distance)] / (1 + level)
        hot = heat > 0.5
        return VizEvent(
            ts_ms=ts_ms,
            owner_shard=self.shard,
            slot_heat=SlotHeatEvt(node=self.node, level=level + 1, slot=slot, heat=heat, k=1 if hot else 4),
        )

    def write_pressure(self, ts_ms: int) -> VizEvent:
        """Lsm.WritePressureUpdate."""
        event = self._write_pressure()
        event.ts_ms = ts_ms
        return event

    def _write_pressure(self) -> VizEvent:
        turn = self._readings = self._readings + 1
        ratio = round(min(1.0, max(0.0, self._pressure + _WOBBLE[turn % len(_WOBBLE)])), 2)
        reading = LsmEvt.WritePressureUpdate(ratio=ratio, high=ratio > _HIGH_PRESSURE, threshold=_HIGH_PRESSURE)
        return VizEvent(owner_shard=self.shard, lsm=LsmEvt(node=self.node, write_pressure_update=reading))

    # What happens to it.

    def move_heat(self) -> None:
        """Let the hot slot be the next one."""
        self._hot_slot = (self._hot_slot + self._stage.rng.choice((-1, 1))) % SLOTS

    def recover_truncated(self) -> None:
        """Find, after a crash, that the log's end is torn."""
        self._wal(WalEvt(corruption_truncated=WalEvt.CorruptionTruncated()))

    def flush(self) -> None:
        """Begin a flush, and the compaction after it, unless one is under way."""
        if self._busy:
            return
        self._busy = True
        rng, after = self._stage.rng, self._stage.timeline.after
        memtable_bytes = round(_MEMTABLE_BYTES * rng.uniform(0.6, 1.0))
        first_seqno = self._seqno
        self._seqno += rng.randint(2_000, 20_000)
        reason = rng.choice(_FLUSH_REASONS)
        self._lsm(LsmEvt(flush_triggered=LsmEvt.FlushTriggered(reason=reason, memtable_bytes=memtable_bytes)))

        def start() -> None:
            self._lsm(LsmEvt(flush_start=LsmEvt.FlushStart(seqno_min=first_seqno, seqno_max=self._seqno - 1)))
            self._segment += 1
            self._encoded_fsyncs.clear()
            self._wal(WalEvt(segment_roll=WalEvt.SegmentRoll(bytes=memtable_bytes)))
            after(rng.uniform(80, 500), complete)

        def complete() -> None:
            self._file += 1
            entries = self._seqno - first_seqno
            written = LsmEvt.FlushComplete(file_number=self._file, bytes=memtable_bytes // 2, entries=entries)
            self._lsm(LsmEvt(flush_complete=written))
            self._lsm(LsmEvt(l0_admission_start=LsmEvt.L0AdmissionStart(file_number=self._file)))
            after(rng.uniform(5, 40), admitted)

        def admitted() -> None:
            slot = rng.randrange(SLOTS)
            self._lsm(
                LsmEvt(l0_admission_complete=LsmEvt.L0AdmissionComplete(file_number=self._file, target_slot=slot))
            )
            after(rng.uniform(50, 200), collected)

        def collected() -> None:
            self._wal(WalEvt(seg=self._segment - 1, segment_gc=WalEvt.SegmentGc()))
            self._compact(level=rng.choice((0, 1, 1, 2, 3)))

        after(rng.uniform(2, 10), start)

    def _compact(self, level: int) -> None:
        rng, after = self._stage.rng, self._stage.timeline.after
        slot = self._choose_slot(level)
        self._compaction(level, CompEvt(scheduled=CompEvt.Scheduled()))
        in_bytes = rng.randint(40, 200) * 1024 * 1024
        out_bytes = round(in_bytes * rng.uniform(0.6, 0.95))
        quarter_ms = rng.uniform(300, 1_500)

        def start() -> None:
            self._compaction(level, CompEvt(start=CompEvt.Start()))
            after(quarter_ms, lambda: progress(25))

        def progress(pct: int) -> None:
            self._compaction(level, CompEvt(progress=CompEvt.Progress(pct=pct)))
            after(quarter_ms, (lambda: progress(pct + 25)) if pct < 75 else finish)

        def finish() -> None:
            self._compaction(level, CompEvt(finish=CompEvt.Finish(in_bytes=in_bytes, out_bytes=out_bytes)))
            self._reward(level, slot, out_bytes, 1 - out_bytes / in_bytes)
            self._adjust_guards(level)
            self._busy = False

        after(rng.uniform(20, 150), start)

    def _choose_slot(self, level: int) -> int:
        rng = self._stage.rng
        explored = rng.random() < 0.1
        slot = rng.randrange(SLOTS) if explored else max(range(SLOTS), key=self._rewards.__getitem__)
        self._selections[slot] += 1
        selection = CompEvt.BanditSelection(
            slot_id=slot,
            explored=explored,
            ucb_score=self._rewards[slot] + 1 / self._selections[slot],
            avg_reward=self._rewards[slot],
            selection_count=self._selections[slot],
        )
        self._compaction(level, CompEvt(bandit_selection=selection))
        return slot

    def _reward(self, level: int, slot: int, bytes_written: int, reward: float) -> None:
        self._rewards[slot] += (reward - self._rewards[slot]) / (self._selections[slot] + 1)
        heat = _HEAT_BY_DISTANCE[min(4, abs(slot - self._hot_slot))]
        given = CompEvt.BanditReward(slot_id=slot, reward=reward, bytes_written=bytes_written, heat_score=heat)
        self._compaction(level, CompEvt(bandit_reward=given))

    def _adjust_guards(self, level: int) -> None:
        rng = self._stage.rng
        if rng.random() >= 0.3:
            return
        before = self._guards[level]
        self._guards[level] = after = min(32, max(4, before + rng.choice((-2, -1, 1, 2))))
        rebalance = CompEvt.GuardRebalance(
            old_guard_count=before,
            new_guard_count=after,
            total_files=after * rng.randint(2, 5),
            imbalance_ratio=rng.uniform(1.2, 3.0),
        )
        self._compaction(level, CompEvt(guard_rebalance=rebalance))
        self._lsm(LsmEvt(guard_adjustment=LsmEvt.GuardAdjustment(level=level, new_guard_count=after)))

    def come_under_pressure(self) -> None:
        """Let writes outrun compaction: pressure rises for some seconds, then L0 stalls, then a flush relieves it."""
        if self._busy:
            return
        self._busy = True
        self._rise(until=self._stage.rng.uniform(0.9, 1.0))

    def _rise(self, until: float) -> None:
        after = self._stage.timeline.after
        self._pressure = min(until, self._pressure + 0.12)
        self.strained = self._pressure > _HIGH_PRESSURE
        self._report(self._write_pressure())
        if self._pressure < until:
            after(500, lambda: self._rise(until))
        else:
            self._stall(over_ms=self._stage.timeline.now_ms + round(self._stage.rng.uniform(2_000, 4_000)))

    def _stall(self, over_ms: int) -> None:
        timeline = self._stage.timeline
        if timeline.now_ms >= over_ms:
            self._pressure = self._stage.rng.uniform(0.1, _CALM_PRESSURE)
            self.strained = self._busy = False
            self._report(self._write_pressure())
            self.flush()
            return
        files = _L0_FILES_ALLOWED + self._stage.rng.randint(1, 6)
        self._lsm(LsmEvt(l0_stall=LsmEvt.L0Stall(file_count=files, threshold=_L0_FILES_ALLOWED)))
        timeline.after(self._stage.pace.stall_ms, lambda: self._stall(over_ms))

    def _wal(self, wal: WalEvt) -> None:
        wal.node = self.node
        wal.seg = wal.seg or self._segment
        self._report(VizEvent(wal=wal))

    def _lsm(self, lsm: LsmEvt) -> None:
        lsm.node = self.node
        self._report(VizEvent(lsm=lsm))

    def _compaction(self, level: int, compaction: CompEvt) -> None:
        compaction.node = self.node
        compaction.level = level
        self._report(VizEvent(compaction=compaction))

    def _report(self, event: VizEvent) -> None:
        event.owner_shard = self.shard
        self._stage.report(self.node, event)
