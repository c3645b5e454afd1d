"""The storage engine of one shard on one node: log, memtable, level 0, and what they report.

Its life is a cycle of flushes, each followed by a compaction, and now and then write pressure that ends in
a stall. Its readings, the flood, are taken from outside as often as wanted.
"""

from collections.abc import Callable

from vizd.sim.compaction import LEVELS, Compactor
from vizd.sim.disk import Disk
from vizd.sim.heat import SLOTS, Heat
from vizd.sim.replica import Replica
from vizd.sim.stage import Stage
from vizd.wire.vizd_pb2 import (
    FLUSH_REASON_MANUAL,
    FLUSH_REASON_MEMTABLE_SIZE,
    FLUSH_REASON_WAL_AGE,
    LsmEvt,
    SlotHeatEvt,
    VizEvent,
    WalEvt,
)

__all__ = ["HIGH_PRESSURE", "StorageEngine"]

HEAT_LEVELS = 2
HIGH_PRESSURE = 0.8
_CALM_PRESSURE = 0.25
_STRAINED_SLOWNESS = 6
_L0_FILES_USUAL, _L0_FILES_ALLOWED, _L0_FILES_MOST = 8, 12, 36
_MEMTABLE_BYTES = 64 * 1024 * 1024
_FLUSH_REASONS = (FLUSH_REASON_MEMTABLE_SIZE,) * 6 + (FLUSH_REASON_WAL_AGE,) * 2 + (FLUSH_REASON_MANUAL,)
_FLUSHED_LEVELS = (0, *range(1, LEVELS), 1)
_WOBBLE = (0.0, 0.02, -0.01, 0.03, -0.02, 0.01, -0.03, 0.0, 0.04, -0.04)
_BUSY_RETRY_MS = 500
_QUICK_QUARTER_MS = 500
_PILE_UP_MS = 2_000
_PILE_UP_EVENTS = 6


class StorageEngine:
    """One replica's engine.

    :ivar node: where it runs.
    :ivar shard: what it stores.
    :ivar busy: with a flush, a compaction, or more writes than it can take.
    :ivar behind: with its compactions, for long.
    """

    def __init__(self, stage: Stage, node: int, shard: int, disk: Disk) -> None:
        """
        :param stage: shared by all parts of the cluster.
        :param disk: of the node.
        """
        rng = stage.rng
        self.node = node
        self.shard = shard
        self.busy = False
        self.behind = False
        self._stage = stage
        self._disk = disk
        self._replica = Replica(stage, node, shard)
        self._heat = Heat(rng)
        self._compactor = Compactor(self._replica, self._heat)
        self._segment = rng.randint(1, 40)
        self._encoded_fsyncs: dict[int, bytes] = {}
        self._encoded_heat: dict[int, bytes] = {}
        self._file = rng.randint(100, 400)
        self._seqno = rng.randint(10_000, 90_000)
        self._pressure = self._usual_pressure = rng.uniform(0.1, _CALM_PRESSURE)
        self._not_admitted: list[int] = []
        self._pressure_readings = rng.randrange(len(_WOBBLE))
        self._readings = rng.randrange(SLOTS * HEAT_LEVELS)

    # The flood: called for nearly every event there is, so these are for speed. Each is a VizEvent's bytes, without ts.

    def fsync(self, usual_ms: float) -> bytes:
        """Wal.Fsync.

        :param usual_ms: how long it takes on a good disk, without strain.
        """
        slowness = self._disk.slowness if self._pressure <= HIGH_PRESSURE else _STRAINED_SLOWNESS * self._disk.slowness
        duration_ms = round(usual_ms * slowness)
        encoded = self._encoded_fsyncs.get(duration_ms)
        if encoded is None:
            wal = WalEvt(node=self.node, seg=self._segment, fsync=WalEvt.Fsync(ms=duration_ms))
            encoded = VizEvent(owner_shard=self.shard, wal=wal).SerializeToString()
            self._encoded_fsyncs[duration_ms] = encoded
        return encoded

    def slot_heat(self) -> bytes:
        """SlotHeat, of the next slot in turn: hottest at one slot, and less around it."""
        turn = self._readings = (self._readings + 1) % (SLOTS * HEAT_LEVELS)
        encoded = self._encoded_heat.get(turn)
        if encoded is None:
            level, slot = divmod(turn, SLOTS)
            heat = self._heat.of(slot) / (1 + level)
            reading = SlotHeatEvt(node=self.node, level=level + 1, slot=slot, heat=heat, k=1 if heat > 0.5 else 4)
            encoded = VizEvent(owner_shard=self.shard, slot_heat=reading).SerializeToString()
            self._encoded_heat[turn] = encoded
        return encoded

    def write_pressure(self) -> bytes:
        """Lsm.WritePressureUpdate."""
        return VizEvent(owner_shard=self.shard, lsm=self._pressure_reading()).SerializeToString()

    def _pressure_reading(self) -> LsmEvt:
        turn = self._pressure_readings = (self._pressure_readings + 1) % len(_WOBBLE)
        ratio = round(min(1.0, max(0.0, self._pressure + _WOBBLE[turn])), 2)
        reading = LsmEvt.WritePressureUpdate(ratio=ratio, high=ratio > HIGH_PRESSURE, threshold=HIGH_PRESSURE)
        return LsmEvt(node=self.node, write_pressure_update=reading)

    # What happens to it.

    def move_heat(self) -> None:
        """Let the hot slot be the next one."""
        self._heat.move()
        self._encoded_heat.clear()

    def die(self) -> None:
        """Leave everything undone: the node's process has ended. It begins again as if it had just started."""
        self._replica.die()
        self.busy = self.behind = False
        self._pressure = self._usual_pressure
        self._not_admitted.clear()

    def recover_truncated(self) -> None:
        """Find, after a crash, that the log's end is torn."""
        self._replica.wal(WalEvt(seg=self._segment, corruption_truncated=WalEvt.CorruptionTruncated()))

    def flush(self) -> None:
        """Begin a flush, and the compaction after it, unless it is busy."""
        if not self.busy:
            self.busy = True
            self._write_out(then=self._admit)

    def come_under_pressure(self, until: float, stalled_ms: float) -> None:
        """Let writes outrun compaction for some seconds, until a flush relieves it; unless it is busy.

        :param until: the pressure to which it rises, by steps; 0 to 1.
        :param stalled_ms: how long L0 stalls then.
        """
        if not self.busy:
            self.busy = True
            self._rise(until, stalled_ms)

    def fall_behind(self, for_ms: float, compacting: bool = True) -> None:
        """Let a compaction take so long that files pile up in L0 and writes stall in bursts; then it drains.

        If it is busy, that ends first.

        :param for_ms: how long the compaction takes.
        :param compacting: ``False``: there is none, for so long.
        """

        def begin() -> None:
            if compacting:
                self._compactor.compact(0, for_ms / 4, then=self._drain)
            else:
                self._replica.after(for_ms, self._drain)
            self._pile_up(_L0_FILES_USUAL)

        self._get_behind(begin)

    def hang(self, for_ms: float) -> None:
        """Let a compaction start, get no further for ``for_ms``, and then finish; if it is busy, that ends first."""
        self._get_behind(lambda: self._compactor.compact(1, _QUICK_QUARTER_MS, then=self._rest, hangs_ms=for_ms))

    def _get_behind(self, begin: Callable[[], object]) -> None:
        if self.busy:
            self._replica.after(_BUSY_RETRY_MS, lambda: self._get_behind(begin))
        else:
            self.busy = self.behind = True
            begin()

    def _rest(self) -> None:
        self.busy = self.behind = False

    def _write_out(self, then: Callable[[int], object]) -> None:
        """A flush, step by step; then the call, with the number of the file."""
        rng, after = self._stage.rng, self._replica.after
        memtable_bytes = round(_MEMTABLE_BYTES * rng.uniform(0.6, 1.0))
        first_seqno = self._seqno
        self._seqno += rng.randint(2_000, 20_000)
        reason = rng.choice(_FLUSH_REASONS)
        triggered = LsmEvt.FlushTriggered(reason=reason, memtable_bytes=memtable_bytes)
        self._replica.lsm(LsmEvt(flush_triggered=triggered))

        def start() -> None:
            started = LsmEvt.FlushStart(seqno_min=first_seqno, seqno_max=self._seqno - 1)
            self._replica.lsm(LsmEvt(flush_start=started))
            self._segment += 1
            self._encoded_fsyncs.clear()
            self._replica.wal(WalEvt(seg=self._segment, segment_roll=WalEvt.SegmentRoll(bytes=memtable_bytes)))
            after(rng.uniform(80, 500), complete)

        def complete() -> None:
            self._file += 1
            file, entries = self._file, self._seqno - first_seqno
            written = LsmEvt.FlushComplete(file_number=file, bytes=memtable_bytes // 2, entries=entries)
            self._replica.lsm(LsmEvt(flush_complete=written))
            self._replica.lsm(LsmEvt(l0_admission_start=LsmEvt.L0AdmissionStart(file_number=file)))
            then(file)

        after(rng.uniform(2, 10), start)

    def _admit(self, file: int) -> None:
        rng, after = self._stage.rng, self._replica.after

        def admitted() -> None:
            self._report_admitted(file)
            after(rng.uniform(50, 200), collected)

        def collected() -> None:
            self._replica.wal(WalEvt(seg=self._segment - 1, segment_gc=WalEvt.SegmentGc()))
            self._compactor.compact(rng.choice(_FLUSHED_LEVELS), rng.uniform(300, 1_500), then=self._rest)

        after(rng.uniform(5, 40), admitted)

    def _report_admitted(self, file: int) -> None:
        slot = self._stage.rng.randrange(SLOTS)
        admitted = LsmEvt.L0AdmissionComplete(file_number=file, target_slot=slot)
        self._replica.lsm(LsmEvt(l0_admission_complete=admitted))

    def _rise(self, until: float, stalled_ms: float) -> None:
        self._feel(min(until, self._pressure + 0.12))
        if self._pressure < until:
            self._replica.after(500, lambda: self._rise(until, stalled_ms))
        else:
            files = _L0_FILES_ALLOWED + self._stage.rng.randint(1, 6)
            self._stall(files, self._stage.timeline.now_ms + stalled_ms, then=self._relieve)

    def _relieve(self) -> None:
        self._feel(self._usual_pressure)
        self._write_out(then=self._admit)

    def _feel(self, pressure: float) -> None:
        self._pressure = pressure
        self._replica.lsm(self._pressure_reading())

    def _stall(self, files: int, until_ms: float, then: Callable[[], object]) -> None:
        if self._stage.timeline.now_ms >= until_ms:
            then()
            return
        self._replica.lsm(LsmEvt(l0_stall=LsmEvt.L0Stall(file_count=files, threshold=_L0_FILES_ALLOWED)))
        self._replica.after(self._stage.pace.stall_ms, lambda: self._stall(files, until_ms, then))

    def _pile_up(self, files: int) -> None:
        if not self.behind:
            return
        step_ms = max(_PILE_UP_MS, _PILE_UP_EVENTS * self._stage.pace.stall_ms)
        self._feel(min(0.95, self._pressure + 0.2))
        if files < _L0_FILES_MOST:
            files += 1
            self._write_out(then=self._not_admitted.append)
        if files > _L0_FILES_ALLOWED:
            self._stall(files, self._stage.timeline.now_ms + 0.6 * step_ms, then=lambda: None)
        self._replica.after(step_ms, lambda: self._pile_up(files))

    def _drain(self) -> None:
        """One quick compaction after the other, until all files are where they belong."""
        self.behind = False
        rng, waiting = self._stage.rng, self._not_admitted
        for file in waiting[:_L0_FILES_ALLOWED]:
            self._report_admitted(file)
        del waiting[:_L0_FILES_ALLOWED]
        self._feel(max(self._usual_pressure, self._pressure - 0.2))
        if waiting or self._pressure > self._usual_pressure:
            self._compactor.compact(0, rng.uniform(150, 300), then=self._drain)
        else:
            self._rest()
