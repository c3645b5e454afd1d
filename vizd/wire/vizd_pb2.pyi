from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FlushReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLUSH_REASON_UNSPECIFIED: _ClassVar[FlushReason]
    FLUSH_REASON_MEMTABLE_SIZE: _ClassVar[FlushReason]
    FLUSH_REASON_WAL_AGE: _ClassVar[FlushReason]
    FLUSH_REASON_MANUAL: _ClassVar[FlushReason]

class SwimKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SWIM_KIND_UNSPECIFIED: _ClassVar[SwimKind]
    SWIM_KIND_ALIVE: _ClassVar[SwimKind]
    SWIM_KIND_SUSPECT: _ClassVar[SwimKind]
    SWIM_KIND_CONFIRM: _ClassVar[SwimKind]
    SWIM_KIND_LEAVE: _ClassVar[SwimKind]

class ShardKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHARD_KIND_UNSPECIFIED: _ClassVar[ShardKind]
    SHARD_KIND_PLAN: _ClassVar[ShardKind]
    SHARD_KIND_SNAPSHOT_START: _ClassVar[ShardKind]
    SHARD_KIND_SNAPSHOT_DONE: _ClassVar[ShardKind]
    SHARD_KIND_CUTOVER: _ClassVar[ShardKind]
FLUSH_REASON_UNSPECIFIED: FlushReason
FLUSH_REASON_MEMTABLE_SIZE: FlushReason
FLUSH_REASON_WAL_AGE: FlushReason
FLUSH_REASON_MANUAL: FlushReason
SWIM_KIND_UNSPECIFIED: SwimKind
SWIM_KIND_ALIVE: SwimKind
SWIM_KIND_SUSPECT: SwimKind
SWIM_KIND_CONFIRM: SwimKind
SWIM_KIND_LEAVE: SwimKind
SHARD_KIND_UNSPECIFIED: ShardKind
SHARD_KIND_PLAN: ShardKind
SHARD_KIND_SNAPSHOT_START: ShardKind
SHARD_KIND_SNAPSHOT_DONE: ShardKind
SHARD_KIND_CUTOVER: ShardKind

class PublishRequest(_message.Message):
    __slots__ = ("hello", "events")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    events: Events
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., events: _Optional[_Union[Events, _Mapping]] = ...) -> None: ...

class PublishResponse(_message.Message):
    __slots__ = ("welcome", "ack")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    ack: Ack
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("node", "node_name", "incarnation", "next_seq", "acked_through", "node_version")
    NODE_FIELD_NUMBER: _ClassVar[int]
    NODE_NAME_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQ_FIELD_NUMBER: _ClassVar[int]
    ACKED_THROUGH_FIELD_NUMBER: _ClassVar[int]
    NODE_VERSION_FIELD_NUMBER: _ClassVar[int]
    node: int
    node_name: str
    incarnation: int
    next_seq: int
    acked_through: int
    node_version: str
    def __init__(self, node: _Optional[int] = ..., node_name: _Optional[str] = ..., incarnation: _Optional[int] = ..., next_seq: _Optional[int] = ..., acked_through: _Optional[int] = ..., node_version: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("stored_through", "max_in_flight", "max_message_bytes", "daemon_version")
    STORED_THROUGH_FIELD_NUMBER: _ClassVar[int]
    MAX_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DAEMON_VERSION_FIELD_NUMBER: _ClassVar[int]
    stored_through: int
    max_in_flight: int
    max_message_bytes: int
    daemon_version: str
    def __init__(self, stored_through: _Optional[int] = ..., max_in_flight: _Optional[int] = ..., max_message_bytes: _Optional[int] = ..., daemon_version: _Optional[str] = ...) -> None: ...

class Events(_message.Message):
    __slots__ = ("first_seq", "sent_ms", "events", "restated", "dropped")
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    SENT_MS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    RESTATED_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    first_seq: int
    sent_ms: int
    events: _containers.RepeatedCompositeFieldContainer[VizEvent]
    restated: bool
    dropped: int
    def __init__(self, first_seq: _Optional[int] = ..., sent_ms: _Optional[int] = ..., events: _Optional[_Iterable[_Union[VizEvent, _Mapping]]] = ..., restated: _Optional[bool] = ..., dropped: _Optional[int] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("stored_through", "received_through", "rejected", "rejected_count")
    STORED_THROUGH_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_THROUGH_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    stored_through: int
    received_through: int
    rejected: _containers.RepeatedCompositeFieldContainer[Rejected]
    rejected_count: int
    def __init__(self, stored_through: _Optional[int] = ..., received_through: _Optional[int] = ..., rejected: _Optional[_Iterable[_Union[Rejected, _Mapping]]] = ..., rejected_count: _Optional[int] = ...) -> None: ...

class Rejected(_message.Message):
    __slots__ = ("seq", "field", "reason")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    seq: int
    field: str
    reason: str
    def __init__(self, seq: _Optional[int] = ..., field: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class VizEvent(_message.Message):
    __slots__ = ("ts_ms", "owner_shard", "wal", "compaction", "lsm", "raft", "swim", "shard", "cache", "slot_heat")
    TS_MS_FIELD_NUMBER: _ClassVar[int]
    OWNER_SHARD_FIELD_NUMBER: _ClassVar[int]
    WAL_FIELD_NUMBER: _ClassVar[int]
    COMPACTION_FIELD_NUMBER: _ClassVar[int]
    LSM_FIELD_NUMBER: _ClassVar[int]
    RAFT_FIELD_NUMBER: _ClassVar[int]
    SWIM_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    SLOT_HEAT_FIELD_NUMBER: _ClassVar[int]
    ts_ms: int
    owner_shard: int
    wal: WalEvt
    compaction: CompEvt
    lsm: LsmEvt
    raft: RaftEvt
    swim: SwimEvt
    shard: ShardEvt
    cache: CacheEvt
    slot_heat: SlotHeatEvt
    def __init__(self, ts_ms: _Optional[int] = ..., owner_shard: _Optional[int] = ..., wal: _Optional[_Union[WalEvt, _Mapping]] = ..., compaction: _Optional[_Union[CompEvt, _Mapping]] = ..., lsm: _Optional[_Union[LsmEvt, _Mapping]] = ..., raft: _Optional[_Union[RaftEvt, _Mapping]] = ..., swim: _Optional[_Union[SwimEvt, _Mapping]] = ..., shard: _Optional[_Union[ShardEvt, _Mapping]] = ..., cache: _Optional[_Union[CacheEvt, _Mapping]] = ..., slot_heat: _Optional[_Union[SlotHeatEvt, _Mapping]] = ...) -> None: ...

class WalEvt(_message.Message):
    __slots__ = ("node", "seg", "segment_roll", "fsync", "corruption_truncated", "segment_gc")
    class SegmentRoll(_message.Message):
        __slots__ = ("bytes",)
        BYTES_FIELD_NUMBER: _ClassVar[int]
        bytes: int
        def __init__(self, bytes: _Optional[int] = ...) -> None: ...
    class Fsync(_message.Message):
        __slots__ = ("ms",)
        MS_FIELD_NUMBER: _ClassVar[int]
        ms: int
        def __init__(self, ms: _Optional[int] = ...) -> None: ...
    class CorruptionTruncated(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class SegmentGc(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    NODE_FIELD_NUMBER: _ClassVar[int]
    SEG_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ROLL_FIELD_NUMBER: _ClassVar[int]
    FSYNC_FIELD_NUMBER: _ClassVar[int]
    CORRUPTION_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_GC_FIELD_NUMBER: _ClassVar[int]
    node: int
    seg: int
    segment_roll: WalEvt.SegmentRoll
    fsync: WalEvt.Fsync
    corruption_truncated: WalEvt.CorruptionTruncated
    segment_gc: WalEvt.SegmentGc
    def __init__(self, node: _Optional[int] = ..., seg: _Optional[int] = ..., segment_roll: _Optional[_Union[WalEvt.SegmentRoll, _Mapping]] = ..., fsync: _Optional[_Union[WalEvt.Fsync, _Mapping]] = ..., corruption_truncated: _Optional[_Union[WalEvt.CorruptionTruncated, _Mapping]] = ..., segment_gc: _Optional[_Union[WalEvt.SegmentGc, _Mapping]] = ...) -> None: ...

class CompEvt(_message.Message):
    __slots__ = ("node", "level", "scheduled", "start", "progress", "finish", "bandit_selection", "bandit_reward", "guard_rebalance")
    class Scheduled(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class Start(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class Progress(_message.Message):
        __slots__ = ("pct",)
        PCT_FIELD_NUMBER: _ClassVar[int]
        pct: int
        def __init__(self, pct: _Optional[int] = ...) -> None: ...
    class Finish(_message.Message):
        __slots__ = ("in_bytes", "out_bytes")
        IN_BYTES_FIELD_NUMBER: _ClassVar[int]
        OUT_BYTES_FIELD_NUMBER: _ClassVar[int]
        in_bytes: int
        out_bytes: int
        def __init__(self, in_bytes: _Optional[int] = ..., out_bytes: _Optional[int] = ...) -> None: ...
    class BanditSelection(_message.Message):
        __slots__ = ("slot_id", "explored", "ucb_score", "avg_reward", "selection_count")
        SLOT_ID_FIELD_NUMBER: _ClassVar[int]
        EXPLORED_FIELD_NUMBER: _ClassVar[int]
        UCB_SCORE_FIELD_NUMBER: _ClassVar[int]
        AVG_REWARD_FIELD_NUMBER: _ClassVar[int]
        SELECTION_COUNT_FIELD_NUMBER: _ClassVar[int]
        slot_id: int
        explored: bool
        ucb_score: float
        avg_reward: float
        selection_count: int
        def __init__(self, slot_id: _Optional[int] = ..., explored: _Optional[bool] = ..., ucb_score: _Optional[float] = ..., avg_reward: _Optional[float] = ..., selection_count: _Optional[int] = ...) -> None: ...
    class BanditReward(_message.Message):
        __slots__ = ("slot_id", "reward", "bytes_written", "heat_score")
        SLOT_ID_FIELD_NUMBER: _ClassVar[int]
        REWARD_FIELD_NUMBER: _ClassVar[int]
        BYTES_WRITTEN_FIELD_NUMBER: _ClassVar[int]
        HEAT_SCORE_FIELD_NUMBER: _ClassVar[int]
        slot_id: int
        reward: float
        bytes_written: int
        heat_score: float
        def __init__(self, slot_id: _Optional[int] = ..., reward: _Optional[float] = ..., bytes_written: _Optional[int] = ..., heat_score: _Optional[float] = ...) -> None: ...
    class GuardRebalance(_message.Message):
        __slots__ = ("old_guard_count", "new_guard_count", "total_files", "imbalance_ratio")
        OLD_GUARD_COUNT_FIELD_NUMBER: _ClassVar[int]
        NEW_GUARD_COUNT_FIELD_NUMBER: _ClassVar[int]
        TOTAL_FILES_FIELD_NUMBER: _ClassVar[int]
        IMBALANCE_RATIO_FIELD_NUMBER: _ClassVar[int]
        old_guard_count: int
        new_guard_count: int
        total_files: int
        imbalance_ratio: float
        def __init__(self, old_guard_count: _Optional[int] = ..., new_guard_count: _Optional[int] = ..., total_files: _Optional[int] = ..., imbalance_ratio: _Optional[float] = ...) -> None: ...
    NODE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINISH_FIELD_NUMBER: _ClassVar[int]
    BANDIT_SELECTION_FIELD_NUMBER: _ClassVar[int]
    BANDIT_REWARD_FIELD_NUMBER: _ClassVar[int]
    GUARD_REBALANCE_FIELD_NUMBER: _ClassVar[int]
    node: int
    level: int
    scheduled: CompEvt.Scheduled
    start: CompEvt.Start
    progress: CompEvt.Progress
    finish: CompEvt.Finish
    bandit_selection: CompEvt.BanditSelection
    bandit_reward: CompEvt.BanditReward
    guard_rebalance: CompEvt.GuardRebalance
    def __init__(self, node: _Optional[int] = ..., level: _Optional[int] = ..., scheduled: _Optional[_Union[CompEvt.Scheduled, _Mapping]] = ..., start: _Optional[_Union[CompEvt.Start, _Mapping]] = ..., progress: _Optional[_Union[CompEvt.Progress, _Mapping]] = ..., finish: _Optional[_Union[CompEvt.Finish, _Mapping]] = ..., bandit_selection: _Optional[_Union[CompEvt.BanditSelection, _Mapping]] = ..., bandit_reward: _Optional[_Union[CompEvt.BanditReward, _Mapping]] = ..., guard_rebalance: _Optional[_Union[CompEvt.GuardRebalance, _Mapping]] = ...) -> None: ...

class LsmEvt(_message.Message):
    __slots__ = ("node", "flush_triggered", "flush_start", "flush_complete", "l0_stall", "l0_admission_start", "l0_admission_complete", "guard_adjustment", "write_pressure_update")
    class FlushTriggered(_message.Message):
        __slots__ = ("reason", "memtable_bytes")
        REASON_FIELD_NUMBER: _ClassVar[int]
        MEMTABLE_BYTES_FIELD_NUMBER: _ClassVar[int]
        reason: FlushReason
        memtable_bytes: int
        def __init__(self, reason: _Optional[_Union[FlushReason, str]] = ..., memtable_bytes: _Optional[int] = ...) -> None: ...
    class FlushStart(_message.Message):
        __slots__ = ("seqno_min", "seqno_max")
        SEQNO_MIN_FIELD_NUMBER: _ClassVar[int]
        SEQNO_MAX_FIELD_NUMBER: _ClassVar[int]
        seqno_min: int
        seqno_max: int
        def __init__(self, seqno_min: _Optional[int] = ..., seqno_max: _Optional[int] = ...) -> None: ...
    class FlushComplete(_message.Message):
        __slots__ = ("file_number", "bytes", "entries")
        FILE_NUMBER_FIELD_NUMBER: _ClassVar[int]
        BYTES_FIELD_NUMBER: _ClassVar[int]
        ENTRIES_FIELD_NUMBER: _ClassVar[int]
        file_number: int
        bytes: int
        entries: int
        def __init__(self, file_number: _Optional[int] = ..., bytes: _Optional[int] = ..., entries: _Optional[int] = ...) -> None: ...
    class L0Stall(_message.Message):
        __slots__ = ("file_count", "threshold")
        FILE_COUNT_FIELD_NUMBER: _ClassVar[int]
        THRESHOLD_FIELD_NUMBER: _ClassVar[int]
        file_count: int
        threshold: int
        def __init__(self, file_count: _Optional[int] = ..., threshold: _Optional[int] = ...) -> None: ...
    class L0AdmissionStart(_message.Message):
        __slots__ = ("file_number",)
        FILE_NUMBER_FIELD_NUMBER: _ClassVar[int]
        file_number: int
        def __init__(self, file_number: _Optional[int] = ...) -> None: ...
    class L0AdmissionComplete(_message.Message):
        __slots__ = ("file_number", "target_slot")
        FILE_NUMBER_FIELD_NUMBER: _ClassVar[int]
        TARGET_SLOT_FIELD_NUMBER: _ClassVar[int]
        file_number: int
        target_slot: int
        def __init__(self, file_number: _Optional[int] = ..., target_slot: _Optional[int] = ...) -> None: ...
    class GuardAdjustment(_message.Message):
        __slots__ = ("level", "new_guard_count")
        LEVEL_FIELD_NUMBER: _ClassVar[int]
        NEW_GUARD_COUNT_FIELD_NUMBER: _ClassVar[int]
        level: int
        new_guard_count: int
        def __init__(self, level: _Optional[int] = ..., new_guard_count: _Optional[int] = ...) -> None: ...
    class WritePressureUpdate(_message.Message):
        __slots__ = ("ratio", "high", "threshold")
        RATIO_FIELD_NUMBER: _ClassVar[int]
        HIGH_FIELD_NUMBER: _ClassVar[int]
        THRESHOLD_FIELD_NUMBER: _ClassVar[int]
        ratio: float
        high: bool
        threshold: float
        def __init__(self, ratio: _Optional[float] = ..., high: _Optional[bool] = ..., threshold: _Optional[float] = ...) -> None: ...
    NODE_FIELD_NUMBER: _ClassVar[int]
    FLUSH_TRIGGERED_FIELD_NUMBER: _ClassVar[int]
    FLUSH_START_FIELD_NUMBER: _ClassVar[int]
    FLUSH_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    L0_STALL_FIELD_NUMBER: _ClassVar[int]
    L0_ADMISSION_START_FIELD_NUMBER: _ClassVar[int]
    L0_ADMISSION_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    GUARD_ADJUSTMENT_FIELD_NUMBER: _ClassVar[int]
    WRITE_PRESSURE_UPDATE_FIELD_NUMBER: _ClassVar[int]
    node: int
    flush_triggered: LsmEvt.FlushTriggered
    flush_start: LsmEvt.FlushStart
    flush_complete: LsmEvt.FlushComplete
    l0_stall: LsmEvt.L0Stall
    l0_admission_start: LsmEvt.L0AdmissionStart
    l0_admission_complete: LsmEvt.L0AdmissionComplete
    guard_adjustment: LsmEvt.GuardAdjustment
    write_pressure_update: LsmEvt.WritePressureUpdate
    def __init__(self, node: _Optional[int] = ..., flush_triggered: _Optional[_Union[LsmEvt.FlushTriggered, _Mapping]] = ..., flush_start: _Optional[_Union[LsmEvt.FlushStart, _Mapping]] = ..., flush_complete: _Optional[_Union[LsmEvt.FlushComplete, _Mapping]] = ..., l0_stall: _Optional[_Union[LsmEvt.L0Stall, _Mapping]] = ..., l0_admission_start: _Optional[_Union[LsmEvt.L0AdmissionStart, _Mapping]] = ..., l0_admission_complete: _Optional[_Union[LsmEvt.L0AdmissionComplete, _Mapping]] = ..., guard_adjustment: _Optional[_Union[LsmEvt.GuardAdjustment, _Mapping]] = ..., write_pressure_update: _Optional[_Union[LsmEvt.WritePressureUpdate, _Mapping]] = ...) -> None: ...

class RaftEvt(_message.Message):
    __slots__ = ("shard", "term", "vote_req", "vote_granted", "leader_elected", "step_down")
    class VoteReq(_message.Message):
        __slots__ = ("from_node",)
        FROM_NODE_FIELD_NUMBER: _ClassVar[int]
        from_node: int
        def __init__(self, from_node: _Optional[int] = ...) -> None: ...
    class VoteGranted(_message.Message):
        __slots__ = ("from_node",)
        FROM_NODE_FIELD_NUMBER: _ClassVar[int]
        from_node: int
        def __init__(self, from_node: _Optional[int] = ...) -> None: ...
    class LeaderElected(_message.Message):
        __slots__ = ("node",)
        NODE_FIELD_NUMBER: _ClassVar[int]
        node: int
        def __init__(self, node: _Optional[int] = ...) -> None: ...
    class StepDown(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    SHARD_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    VOTE_REQ_FIELD_NUMBER: _ClassVar[int]
    VOTE_GRANTED_FIELD_NUMBER: _ClassVar[int]
    LEADER_ELECTED_FIELD_NUMBER: _ClassVar[int]
    STEP_DOWN_FIELD_NUMBER: _ClassVar[int]
    shard: int
    term: int
    vote_req: RaftEvt.VoteReq
    vote_granted: RaftEvt.VoteGranted
    leader_elected: RaftEvt.LeaderElected
    step_down: RaftEvt.StepDown
    def __init__(self, shard: _Optional[int] = ..., term: _Optional[int] = ..., vote_req: _Optional[_Union[RaftEvt.VoteReq, _Mapping]] = ..., vote_granted: _Optional[_Union[RaftEvt.VoteGranted, _Mapping]] = ..., leader_elected: _Optional[_Union[RaftEvt.LeaderElected, _Mapping]] = ..., step_down: _Optional[_Union[RaftEvt.StepDown, _Mapping]] = ...) -> None: ...

class SwimEvt(_message.Message):
    __slots__ = ("node", "kind")
    NODE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    node: int
    kind: SwimKind
    def __init__(self, node: _Optional[int] = ..., kind: _Optional[_Union[SwimKind, str]] = ...) -> None: ...

class ShardEvt(_message.Message):
    __slots__ = ("shard", "kind")
    SHARD_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    shard: int
    kind: ShardKind
    def __init__(self, shard: _Optional[int] = ..., kind: _Optional[_Union[ShardKind, str]] = ...) -> None: ...

class CacheEvt(_message.Message):
    __slots__ = ("name", "hit_ratio")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HIT_RATIO_FIELD_NUMBER: _ClassVar[int]
    name: str
    hit_ratio: float
    def __init__(self, name: _Optional[str] = ..., hit_ratio: _Optional[float] = ...) -> None: ...

class SlotHeatEvt(_message.Message):
    __slots__ = ("node", "level", "slot", "heat", "k")
    NODE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    HEAT_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    node: int
    level: int
    slot: int
    heat: float
    k: int
    def __init__(self, node: _Optional[int] = ..., level: _Optional[int] = ..., slot: _Optional[int] = ..., heat: _Optional[float] = ..., k: _Optional[int] = ...) -> None: ...
