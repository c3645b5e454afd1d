"""All rules, as one table: to add one is a module and a line here."""

from vizd.insight.compaction import CompactionUnfinished
from vizd.insight.cutover import CutoverWithoutSnapshot
from vizd.insight.election_storm import ElectionStorm
from vizd.insight.engine import StallWithoutCompaction, WritePressure
from vizd.insight.fsync import SlowFsync
from vizd.insight.identity import TwoProcesses
from vizd.insight.leaderless import ShardWithoutLeader
from vizd.insight.membership import NodeDead, NodeSuspected, SwimFlapping
from vizd.insight.rule import Rule
from vizd.insight.streams import ClockSkew, NodeLossy, NodeSilent
from vizd.insight.term_back import TermBack
from vizd.insight.two_leaders import TwoLeaders

__all__ = ["RULES"]

RULES: tuple[type[Rule], ...] = (
    TwoLeaders,
    TermBack,
    ShardWithoutLeader,
    ElectionStorm,
    CutoverWithoutSnapshot,
    NodeDead,
    NodeSuspected,
    SwimFlapping,
    TwoProcesses,
    NodeSilent,
    NodeLossy,
    ClockSkew,
    StallWithoutCompaction,
    WritePressure,
    SlowFsync,
    CompactionUnfinished,
)
